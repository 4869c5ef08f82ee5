"""A TOML text as a tree that keeps what tomli throws away: comments, blank lines, and every word as it was written.

The text is one that tomli has accepted; nothing is checked here. A comment within an inline table (TOML 1.1) moves to
the lines before the statement or the element that the table is in, so that what is written again is TOML 1.0.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from dsl.source import KEY, SCALAR, SPACE, STRING

_COMMENT: Final = re.compile(r"#[^\n]*")


@dataclass(frozen=True, slots=True)
class Scalar:
    text: str


@dataclass(slots=True)
class Entry:
    """An element of an array, or a comment on a line of its own. together: on the line of the entry before it."""

    value: Value | None = None
    comment: str = ""
    gap: int = 0  # blanks before the comment, where something stands before it
    blank_before: bool = False
    together: bool = False


@dataclass(slots=True)
class Array:
    """opening: the comment, if there is one, behind the bracket that opens. broken: a new line follows the bracket."""

    entries: list[Entry] = field(default_factory=list)
    broken: bool = False
    opening: str = ""
    gap: int = 0


@dataclass(slots=True)
class Pair:
    """keys: the parts of a dotted key, as written."""

    keys: list[str]
    value: Value


@dataclass(slots=True)
class InlineTable:
    pairs: list[Pair] = field(default_factory=list)


Value: TypeAlias = Scalar | Array | InlineTable


@dataclass(slots=True)
class Header:
    keys: list[str]
    array: bool


@dataclass(slots=True)
class Statement:
    """A header, a pair, or a comment on a line of its own (`what` is None)."""

    what: Header | Pair | None = None
    comment: str = ""
    gap: int = 0
    blank_before: bool = False


def statements(text: str) -> list[Statement]:
    """The text in its order. Line ends are `\\n`."""
    return _Reader(text).statements()


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.astray: list[str] = []  # comments found where TOML 1.0 has no place for them

    def statements(self) -> list[Statement]:
        found: list[Statement] = []
        while True:
            lines, gap = self.blank()
            if self.at >= len(self.text):
                return found
            if self.text[self.at] == "#":
                self.noted(found, Statement(blank_before=lines > 1 and bool(found)), lines, gap)
                continue
            what = self.header() if self.text[self.at] == "[" else self.pair()
            blank = lines > 1 and bool(found)
            for comment in self.moved():
                found.append(Statement(None, comment, 0, blank))
                blank = False
            found.append(Statement(what, blank_before=blank))

    def noted(self, found: list[Statement], new: Statement, lines: int, gap: int) -> None:
        """A comment: behind the last statement, if it is on its line, or on a line of its own."""
        comment = self.comment()
        if found and not lines:
            found[-1].comment, found[-1].gap = comment, gap
        else:
            new.comment = comment
            found.append(new)

    def header(self) -> Header:
        array = self.text.startswith("[[", self.at)
        self.at += 1 + array
        keys = self.keys()
        self.at += 1 + array
        return Header(keys, array)

    def keys(self) -> list[str]:
        keys = []
        while True:
            self.at = SPACE.match(self.text, self.at).end()  # type: ignore[union-attr]  # it matches nothing too
            keys.append(self.word(KEY))
            self.at = SPACE.match(self.text, self.at).end()  # type: ignore[union-attr]
            if not self.text.startswith(".", self.at):
                return keys
            self.at += 1

    def pair(self) -> Pair:
        keys = self.keys()
        self.at += 1  # the equals sign
        self.blank()
        return Pair(keys, self.value())

    def value(self) -> Value:
        first = self.text[self.at]
        if first == "[":
            return self.array()
        if first == "{":
            return self.table()
        return Scalar(self.word(STRING) if first in "'\"" else self.bare())

    def bare(self) -> str:
        """A number, a truth value, a date; the blanks behind it are not its own."""
        found = self.word(SCALAR)
        self.at -= len(found) - len(found.rstrip())
        return found.rstrip()

    def array(self) -> Array:
        self.at += 1
        found = Array()
        fresh = True  # nothing has come on this line yet that a comment could stand behind, but the bracket
        passed = 0  # line ends since the last element or comment
        while True:
            lines, gap = self.blank()
            passed += lines
            character = self.text[self.at]
            fresh = fresh and not lines
            found.broken = found.broken or bool(lines and not found.entries)
            blank = lines > 1 and bool(found.entries)
            if character == "]":
                self.at += 1
                return found
            if character == ",":
                self.at += 1
            elif character == "#":
                self.remarked(found, Entry(blank_before=blank), fresh, gap, lines)
                fresh, passed = False, 0
            else:
                together = not passed and bool(found.entries) and not found.entries[-1].comment
                self.element(found, Entry(blank_before=blank, together=together))
                fresh, passed = False, 0

    def remarked(self, found: Array, new: Entry, fresh: bool, gap: int, lines: int) -> None:
        comment = self.comment()
        if fresh:
            found.opening, found.gap = comment, gap
        elif not lines and found.entries and not found.entries[-1].comment:
            found.entries[-1].comment, found.entries[-1].gap = comment, gap
        else:
            new.comment = comment
            found.entries.append(new)

    def element(self, found: Array, new: Entry) -> None:
        outer, self.astray = self.astray, []
        new.value = self.value()
        for comment in self.moved():
            found.entries.append(Entry(None, comment, 0, new.blank_before))
            new.blank_before = new.together = False
        self.astray = outer
        found.entries.append(new)

    def table(self) -> InlineTable:
        self.at += 1
        found = InlineTable()
        while True:
            self.blank()
            character = self.text[self.at]
            if character == "}":
                self.at += 1
                return found
            if character == ",":
                self.at += 1
            elif character == "#":
                self.astray.append(self.comment())
            else:
                found.pairs.append(self.pair())

    def moved(self) -> list[str]:
        found, self.astray = self.astray, []
        return found

    def word(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        assert match is not None  # tomli has accepted the text
        self.at = match.end()
        return match[0]

    def comment(self) -> str:
        return self.word(_COMMENT).rstrip()

    def blank(self) -> tuple[int, int]:
        """Goes to the next word; how many line ends were passed, and how many blanks after the last of them."""
        start = self.at
        while self.text[self.at : self.at + 1] in (" ", "\t", "\n", "\r") and self.at < len(self.text):
            self.at += 1
        passed = self.text[start : self.at]
        return passed.count("\n"), len(passed.rpartition("\n")[2])
