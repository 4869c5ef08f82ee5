"""A spec's text, and where in it every key and value stands.

tomli reads the text and tells the line and column of a syntax fault; it keeps no positions of what it accepts. They are
found by a second walk over the accepted text, only once a position is asked for.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path as Folder
from typing import ClassVar, Final, TypeAlias

import tomli

Path: TypeAlias = tuple["str | int", ...]

SPACE: Final = re.compile(r"[ \t]*")
_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
KEY: Final = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*'""")
STRING: Final = re.compile(
    r'"""(?:[^"\\]|\\.|\\\n|"(?!""))*"{3,5}' r"|'''(?:[^']|'(?!''))*'{3,5}" r'|"(?:[^"\\]|\\.)*"' r"|'[^']*'", re.DOTALL
)
_PLAIN: Final = re.compile(r"""[^.\[\]"'\s]+""")  # a key that needs no quotes in a path
# A table in one line that holds no other and no array, as most layers are written.
_FLAT: Final = re.compile(r"""\{[^{}\[\]"'#\n]*(?:"(?:[^"\\\n]+"|"(?!"))[^{}\[\]"'#\n]*)*\}""")
SCALAR: Final = re.compile(r"[^\s,\]}#][^,\]}#\n]*")


@dataclass(frozen=True, slots=True)
class Span:
    """Lines and columns count from 1, in characters; the end is one past the last character."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Spans:
    """Offsets of a key (start and end) and of its value; an array's element has no key."""

    key: tuple[int, int] | None
    value: tuple[int, int]


@dataclass(frozen=True)
class Source:
    """A file's name, as the user gave it, and its text with line ends as `\\n`."""

    name: str
    text: str

    @property
    def folder(self) -> Folder:
        """What paths that are written here are relative to."""
        return Folder(self.name).parent

    @cached_property
    def _walk(self) -> _Walk:
        return _Walk(self.text)

    def spans(self, path: Path) -> Spans | None:
        """Where the key and the value at a path stand; None where the text has none."""
        return self._walk.find(path)

    def every(self) -> Mapping[Path, Spans]:
        """Where everything in the text stands, by its path."""
        return self._walk.every()

    @cached_property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    def span(self, path: Path, part: str = "pair") -> Span:
        """Where `path` stands: its "key", its "value", or the "pair" of both. A path that is not in the text (a key
        that is missing) gives its nearest ancestor's place."""
        found = self.spans(path)
        while path and found is None:
            path, part = path[:-1], "key"
            found = self.spans(path)
        if found is None:
            return Span(1, 1, 1, 1)
        start, end = found.value
        if found.key is not None and part != "value":
            start = found.key[0]
            end = found.key[1] if part == "key" else end
        return self._span(start, max(end, start + 1))

    def written(self, path: Path) -> str:
        """The text of `key = value`, as it stands in the file, where it fits on a line; else nothing."""
        span = self.span(path)
        return self.line(span.line)[span.column - 1 : span.end_column - 1] if span.line == span.end_line else ""

    def line(self, number: int) -> str:
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def _span(self, start: int, end: int) -> Span:
        return Span(*self._position(start), *self._position(end))

    @cached_property
    def _starts(self) -> list[int]:
        """The offset at which each line starts."""
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    def _position(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


@dataclass(frozen=True)
class Setting(Source):
    """A `--set` as a source of its own: the whole of it is the place of the value."""

    NAME: ClassVar[str] = "--set"

    @property
    def folder(self) -> Folder:
        return Folder()

    def span(self, path: Path, part: str = "pair") -> Span:
        return Span(1, 1, 1, len(self.line(1)) + 1)


class _Walk:
    """One pass over text that tomli has accepted; it checks nothing. Flat tables in arrays are passed over, and looked
    into once something in them is asked for."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.spans: dict[Path, Spans] = {}
        self.folded: dict[Path, int] = {}  # the tables that have not been looked into, and where they start
        self.arrays: dict[Path, int] = {}  # arrays of tables, and how many of their tables have come
        table: Path = ()
        while self._blank() < len(text):
            table = self._header() if text[self.at] == "[" else self._pair(table)

    def find(self, path: Path) -> Spans | None:
        around = next((path[:end] for end in range(1, len(path)) if path[:end] in self.folded), None)
        if around is not None:
            self.at = self.folded.pop(around)
            self._collection(around, "}")
        return self.spans.get(path)

    def every(self) -> dict[Path, Spans]:
        while self.folded:
            path, self.at = self.folded.popitem()
            self._collection(path, "}")
        return self.spans

    def _blank(self) -> int:
        self.at = _end(_BLANK, self.text, self.at)
        return self.at

    def _header(self) -> Path:
        start = self.at
        array = self.text.startswith("[[", start)
        self.at += 2 if array else 1
        keys = self._keys()
        self.at += 2 if array else 1
        path: Path = ()
        for key, span in keys[:-1]:
            path = (*path, key)
            self.spans.setdefault(path, Spans(span, span))  # a table that no header of its own opens
            if path in self.arrays:
                path = (*path, self.arrays[path] - 1)
        path = (*path, keys[-1][0])
        if array:
            self.spans.setdefault(path, Spans((start, self.at), (start, self.at)))
            self.arrays[path] = self.arrays.get(path, 0) + 1
            path = (*path, self.arrays[path] - 1)
        self.spans[path] = Spans((start, self.at), (start, self.at))
        return path

    def _keys(self) -> list[tuple[str, tuple[int, int]]]:
        keys = []
        while True:
            self.at = _end(SPACE, self.text, self.at)
            end = _end(KEY, self.text, self.at)
            word = self.text[self.at : end]
            keys.append((_unquoted(word), (self.at, end)))
            self.at = _end(SPACE, self.text, end)
            if not self.text.startswith(".", self.at):
                return keys
            self.at += 1

    def _pair(self, table: Path) -> Path:
        keys = self._keys()
        self.at = _end(SPACE, self.text, self.at + 1)  # the equals sign
        path = table
        for key, span in keys[:-1]:
            path = (*path, key)
            self.spans.setdefault(path, Spans(span, span))
        path = (*path, keys[-1][0])
        start = self.at
        self._value(path)
        self.spans[path] = Spans((keys[0][1][0], keys[-1][1][1]), (start, self.at))
        return table

    def _value(self, path: Path) -> None:
        first = self.text[self.at : self.at + 1]
        if first in ("[", "{"):
            self._collection(path, "]" if first == "[" else "}")
        elif first in ("'", '"'):
            self.at = _end(STRING, self.text, self.at)
        else:
            end = _end(SCALAR, self.text, self.at)
            self.at += len(self.text[self.at : end].rstrip())

    def _collection(self, path: Path, close: str) -> None:
        self.at += 1
        index = 0
        while self._blank() < len(self.text) and self.text[self.at] != close:
            start = self.at
            if close == "}":
                self._pair(path)
            else:
                self._element((*path, index))
                self.spans[(*path, index)] = Spans(None, (start, self.at))
            index += 1
            self._blank()
            if self.text.startswith(",", self.at):
                self.at += 1
        self.at += 1

    def _element(self, path: Path) -> None:
        flat = _FLAT.match(self.text, self.at)
        if flat is None:
            self._value(path)
        else:
            self.folded[path], self.at = self.at, flat.end()


def _unquoted(key: str) -> str:
    if "\\" in key and key.startswith('"'):
        return str(tomli.loads(f"key = {key}")["key"])
    return key[1:-1] if key[:1] in ("'", '"') else key


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at


def key_text(path: Path) -> str:
    """The path as people write it: `model.layers[2].out_channels`, `model.init."Conv2d.weight"`."""
    words = ""
    for part in path:
        if isinstance(part, int):
            words += f"[{part}]"
        else:
            words += ("." if words else "") + (part if _PLAIN.fullmatch(part) else _quoted(part))
    return words


def _quoted(key: str) -> str:
    return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
