"""Numbers that follow from others: a param that is always four times another, or the width of what the block reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

_MOST: Final = 64


def following(values: Sequence[Any], dims: Mapping[str, Sequence[Any]], params: Mapping[str, Sequence[Any]]) -> Any:
    """How these numbers, one for each instance, are written in words of dims and params; None where they do not follow.
    A list follows where each of its numbers does, or is always the same."""
    if all(isinstance(each, list) for each in values):
        if len({len(each) for each in values}) > 1:
            return None
        parts = [[each[at] for each in values] for at in range(len(values[0]))]
        said = [part[0] if len(set(map(str, part))) == 1 else following(part, dims, params) for part in parts]
        return None if any(each is None for each in said) else said
    if not all(isinstance(each, int) and not isinstance(each, bool) for each in values):
        return None
    text = _text(values, {**dims, **params})
    return None if text is None else f"${{{text}}}"


def _text(values: Sequence[int], known: Mapping[str, Sequence[Any]]) -> str | None:
    whole = {name: each for name, each in known.items() if all(type(one) is int for one in each)}
    for name, others in whole.items():
        if list(others) == list(values):
            return name
    for name, others in whole.items():
        factor = values[0] // others[0] if others[0] else 0
        if 1 < factor <= _MOST and all(factor * one == each for one, each in zip(others, values, strict=True)):
            return f"{factor} * {name}"
    for name, others in whole.items():
        for by in (2, 3, 4, 6, 8, 16):
            if all(one // by == each for one, each in zip(others, values, strict=True)):
                return f"{name} // {by}"
    return None
