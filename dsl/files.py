"""Reading the files of a spec: as UTF-8 text, as TOML, of bounded size, and none that lies elsewhere."""

from __future__ import annotations

import os
import re
from pathlib import Path as File
from typing import Any, Final

import tomli

from dsl import brackets
from dsl.diagnostics import Diagnostic, SpecError
from dsl.source import Source, Span

LARGEST: Final = 64 * 2**20  # bytes of a file
DEEPEST: Final = 100  # arrays and tables within each other; a group in a group takes two
_MOST_PARTS: Final = 64  # of a key with dots in it
_LONG_KEY: Final = re.compile(r"(?:[A-Za-z0-9_-]+[ \t]*\.[ \t]*){64}")
_WHERE: Final = re.compile(r" \(at line (\d+), column (\d+)\)$| \(at end of document\)$")
# What tomli says of a line that ends within a string.
_PLAINLY: Final = dict.fromkeys(("Illegal character '\\n'", "Unterminated string"), "a string has no closing quote")


def read(name: str) -> Source:
    """The text of the file that the person named. Raises SpecError where there is none that can be read."""
    return Source(name, _text(name, name))


def read_below(name: str, real: str) -> Source:
    """The text of a file that a spec named, which must be a plain one: a pipe or a device might never end."""
    if os.path.exists(real) and not (os.path.isfile(real) or os.path.isdir(real)):
        raise _no_file(name, "this is not a plain file")
    return Source(name, _text(name, real))


def roots(name: str) -> tuple[File, ...]:
    """The folders below which a spec of this name may have files read: its own, and the working directory if that
    holds it. Links are followed."""
    folder, here = File(os.path.realpath(os.path.dirname(name) or ".")), File(os.path.realpath("."))
    return (folder, here) if folder.is_relative_to(here) else (folder,)


def parse(source: Source) -> dict[str, Any]:
    """The tables of a text. Raises SpecError at the place of a fault of syntax."""
    if source.text.count(".") >= _MOST_PARTS and (long := _LONG_KEY.search(source.text)):
        line = source.text.count("\n", 0, long.start()) + 1
        raise SpecError([_syntax(source, "a key has at most 64 parts", line, 1)])
    try:
        tables = tomli.loads(source.text)
    except tomli.TOMLDecodeError as error:
        raise SpecError([_refused(source, str(error))]) from error
    except RecursionError as error:
        raise SpecError([_syntax(source, "arrays and tables nest too deep", 1, 1)]) from error
    if _depth(tables) > DEEPEST:
        raise SpecError([_syntax(source, "arrays and tables nest too deep", 1, 1)])
    return tables


def _refused(source: Source, words: str) -> Diagnostic:
    """What tomli refuses, told where a bracket or quote is at fault if that is not behind where tomli gave up."""
    place = _WHERE.search(words)
    end = not (place and place[1])
    line, column = _end_of(source) if end or place is None else (int(place[1]), int(place[2]))
    found = brackets.fault(source.text)
    if found is not None:
        before = source.text[: found.offset].split("\n")
        if len(before) <= line or end:
            return _syntax(source, found.message, len(before), len(before[-1]) + 1)
    return _syntax(source, _WHERE.sub("", words) + " at the end of the file" * end, line, column)


def _text(name: str, path: str) -> str:
    try:
        with File(path).open("rb") as file:
            data = file.read(LARGEST + 1)
    except IsADirectoryError as error:
        raise _no_file(name, "this is a folder, not a spec") from error
    except FileNotFoundError as error:
        raise _no_file(name, "there is no such file") from error
    except (OSError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise _no_file(name, f"the file cannot be read: {words}") from error
    return decoded(data, name)


def decoded(data: bytes, name: str) -> str:
    """The text of a file's bytes, without a byte-order mark and with line ends as `\\n`. Raises SpecError."""
    if len(data) > LARGEST:
        raise _no_file(name, f"the file is too large: a spec has at most {LARGEST:,} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _no_file(name, f"the file is not UTF-8 text: byte {data[error.start]:#04x} in line {line}") from error
    return text.replace("\r\n", "\n")


def _no_file(name: str, message: str) -> SpecError:
    return SpecError([Diagnostic(message=message, code="file", file=name)])


def _end_of(source: Source) -> tuple[int, int]:
    lines = source.text.rstrip().split("\n")
    return len(lines), len(lines[-1]) + 1


def _syntax(source: Source, message: str, line: int, column: int) -> Diagnostic:
    message = _PLAINLY.get(message) or message[:1].lower() + message[1:]
    return Diagnostic(
        message=message,
        code="toml",
        file=source.name,
        span=Span(line, column, line, column + 1),
        excerpt=source.line(line),
    )


def _depth(tables: dict[str, Any]) -> int:
    """How many tables and arrays lie within each other, counted up to a little over the bound."""
    level: list[Any] = [tables]
    depth = 0
    while level and depth <= DEEPEST:
        depth += 1
        inner = (each.values() if isinstance(each, dict) else each for each in level)
        level = [value for values in inner for value in values if isinstance(value, dict | list)]
    return depth
