"""Lines of source no longer than they may be, broken as formatters for Python break them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import Final

LENGTH: Final = 120
_CLOSING: Final = {"(": ")", "[": "]", "{": "}"}


def wrapped(lines: Iterable[str]) -> list[str]:
    """Lines of code; those that are too long are broken inside their last brackets."""
    return [part for line in lines for part in _broken(line)]


def with_comment(line: tuple[str, str], spaces: int) -> list[str]:
    """A line and its comment at an indentation: the comment stays out where the line has no room for it."""
    code, comment = line
    text = textwrap.indent(code, " " * spaces)
    whole = f"{text}  # {comment}"
    return [whole] if comment and len(whole) <= LENGTH and "\n" not in whole else wrapped(text.splitlines())


def documented(text: str, spaces: int, second: str = "") -> str:
    """A docstring at an indentation. second: what follows behind an empty line."""
    escaped = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    lines = textwrap.wrap(escaped, LENGTH - spaces - 6) or ["A model."]
    if second:
        lines += ["", *textwrap.wrap(second, LENGTH - spaces), '"""']
    elif len(lines) > 1:
        lines += ['"""']
    text = '"""' + "\n".join(lines) + ("" if lines[-1] == '"""' else '"""')
    return textwrap.indent(text, " " * spaces)


def _broken(line: str) -> Iterator[str]:
    inside = _last_brackets(line) if len(line) > LENGTH else None
    if inside is None:
        yield line
        return
    start, end = inside
    outer = line[: len(line) - len(line.lstrip())]
    inner = f"{outer}    "
    yield line[:start]
    body = line[start:end].strip()
    if len(inner) + len(body) <= LENGTH:
        yield f"{inner}{body}"
    else:
        for part in _parted(body):
            yield from _broken(f"{inner}{part},")
    yield f"{outer}{line[end:]}"


def _last_brackets(line: str) -> tuple[int, int] | None:
    """Where the inside of the last brackets that are in no others begins and ends; None without any."""
    found, stack = None, []
    for at, letter in _outside_strings(line):
        if letter in _CLOSING:
            stack.append(at + 1)
        elif letter in ")]}" and stack:
            start = stack.pop()
            if not stack and line[start:at].strip():
                found = start, at
    return found


def _parted(text: str) -> Iterator[str]:
    """What commas part, as far as they stand in no brackets."""
    depth, start = 0, 0
    for at, letter in _outside_strings(text):
        depth += (letter in _CLOSING) - (letter in ")]}")
        if letter == "," and depth == 0:
            yield text[start:at].strip()
            start = at + 1
    if text[start:].strip():
        yield text[start:].strip()


def _outside_strings(text: str) -> Iterator[tuple[int, str]]:
    quote, escaped = "", False
    for at, letter in enumerate(text):
        if quote:
            if letter == quote and not escaped:
                quote = ""
            escaped = letter == "\\" and not escaped
        elif letter in "\"'":
            quote = letter
        else:
            yield at, letter
