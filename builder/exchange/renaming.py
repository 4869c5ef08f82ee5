"""`rename`: what the keys of a file are called in the model. Plain text alone, so that checking needs no torch."""

from __future__ import annotations

from collections.abc import Mapping


def new_name(key: str, rename: Mapping[str, str]) -> str:
    """The name by the first pattern that matches the whole key; "" where the key is left out, itself where none
    matches."""
    for old, new in rename.items():
        parts = matched(old, key)
        if parts is not None:
            return filled(new, parts)
    return key


def matched(pattern: str, key: str) -> tuple[str, ...] | None:
    """What each `*` of a pattern stands for in a key, dots too; each takes as little as it can, the earlier ones
    first. None where the key does not match. Takes time in proportion to the key, whatever the pattern."""
    first, *rest = pattern.split("*")
    if not rest:
        return () if key == pattern else None
    *middle, last = rest
    end = len(key) - len(last)
    if not key.startswith(first) or not key.endswith(last) or end < len(first):
        return None
    found, at = [], len(first)
    for literal in middle:
        there = key.find(literal, at, end)
        if there < 0:
            return None
        found.append(key[at:there])
        at = there + len(literal)
    return (*found, key[at:end])


def filled(new: str, parts: tuple[str, ...]) -> str:
    """A new name with what the `*` stood for in their places; "" stays "", whatever there was."""
    if not new:
        return ""
    first, *rest = new.split("*")
    return first + "".join(part + literal for part, literal in zip(parts, rest, strict=True))
