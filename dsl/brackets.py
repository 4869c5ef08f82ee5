"""Which bracket or quote is at fault where a text is not TOML: a parser tells where it gave up, often lines later.

Read only once a text is refused. The lines of a spec are evidence: a `[table]` at the start of a line, a `key =` no
deeper than the line that opened a bracket, and a `{` that begins a line within another `{`, all mean that what was
open before is not closed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

_CLOSERS: Final = {"[": "]", "{": "}"}
_HEADER: Final = re.compile(r"\[\[?\s*[A-Za-z_\"'][^\[\]{},]*\]?\]?\s*(#.*)?$")
_KEY: Final = re.compile(r"""[ \t]*(?:[\w.-]+|"[^"]*"|'[^']*')[ \t]*=(?!=)""")
_BLANK: Final = re.compile(r"[ \t]*")
_TOKEN: Final = re.compile(r"\"\"\"|'''|[\"'#\[\]{}\n]")
_STRINGS: Final = {
    '"': re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    "'": re.compile(r"'[^'\n]*'"),
    '"""': re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}', re.DOTALL),
    "'''": re.compile(r"'''.*?'{3,5}", re.DOTALL),
}


@dataclass(frozen=True)
class Fault:
    """An offset into the text, and what is wrong there."""

    offset: int
    message: str


@dataclass
class _Scan:
    text: str
    open: list[int] = field(default_factory=list)  # offsets of brackets that nothing has closed so far
    spanning: set[int] = field(default_factory=set)  # lines with a `{` that a later line has closed

    def fault(self) -> Fault | None:
        found = self._line_start(0)
        at = 0
        while found is None and (token := _TOKEN.search(self.text, at)):
            found, at = self._token(token[0], token.start())
        if found is None and self.open:
            return self._unclosed(self.open[-1], len(self.text))
        return found

    def _token(self, token: str, at: int) -> tuple[Fault | None, int]:
        """The fault that a token shows, if any, and where to read on."""
        if token == "#":
            end = self.text.find("\n", at)
            return None, len(self.text) if end < 0 else end
        if token == "\n":
            return self._line_start(at + 1), at + 1
        if token in _STRINGS:
            return self._string(token, at)
        if token in _CLOSERS:
            self.open.append(at)
            return None, at + 1
        return self._close(at), at + 1

    def _line_start(self, at: int) -> Fault | None:
        if not self.open:
            return None
        end = self.text.find("\n", at)
        line = self.text[at : len(self.text) if end < 0 else end]
        inner = self.open[-1]
        shallow = self._indent(at) <= self._indent(inner)
        nested = self.text[inner] == "{" and line.lstrip()[:1] in ("{", "[")
        if _HEADER.match(line) or (_KEY.match(line) and shallow) or nested:
            return self._unclosed(inner, at)
        return None

    def _string(self, token: str, at: int) -> tuple[Fault | None, int]:
        if len(token) == 1 and re.match(r"\w", self.text[at - 1 : at]):
            return Fault(at, f"no string is open for this `{token}`"), at
        match = _STRINGS[token].match(self.text, at)
        if match is None or (len(token) == 1 and re.match(r"\w", self.text[match.end() : match.end() + 1])):
            return Fault(at, "this string has no closing quote"), at
        return None, match.end()

    def _close(self, at: int) -> Fault | None:
        closer = self.text[at]
        if self.open and _CLOSERS[self.text[self.open[-1]]] == closer:
            opener = self.open.pop()
            if closer == "}" and self._line(opener) != self._line(at):
                self.spanning.add(self._line(opener))
            return None
        if not any(_CLOSERS[self.text[each]] == closer for each in self.open) or self._is_extra(at):
            return Fault(at, f"nothing is open for this `{closer}`")
        inner = self.open[-1]
        if self._line(inner) != self._line(at) and not self._ends_before(inner, at):
            return self._unclosed_before(inner, at)
        return Fault(inner, f"this `{self.text[inner]}` is not closed")

    def _unclosed_before(self, opener: int, at: int) -> Fault:
        """Told at the bracket that comes too early; where a `]` begins its line, where the `}` should stand before."""
        words = f"the `{self.text[opener]}` of line {self._line(opener)} is not closed"
        last = len(self.text[:at].rstrip().removesuffix(",").rstrip())
        if self.text[at] == "]" and self._line(last) != self._line(at):
            return Fault(last, f"{words}: write `{_CLOSERS[self.text[opener]]}` here")
        return Fault(at, f"{words} before this `{self.text[at]}`")

    def _is_extra(self, at: int) -> bool:
        """Whether a bracket that does not close the last one open has no opening one itself: it stands behind words
        of a line on which nothing else is open."""
        start = self.text.rfind("\n", 0, at) + 1
        return self.open[-1] < start and bool(self.text[start:at].strip(" \t]},"))

    def _ends_before(self, opener: int, at: int) -> bool:
        """Whether all that stands between an opening bracket and a place on a later line is on the bracket's line."""
        last = self._last(at)
        return last > opener and self._line(opener) == self._line(last)

    def _unclosed(self, opener: int, at: int) -> Fault:
        """Told at the bracket, or, where lines lie between it and `at`, where its closing one should stand."""
        last = self._last(at)
        bracket = self.text[opener]
        twice = bracket == "{" and self._line(opener) in self.spanning  # two that no bracket on their line closes
        if twice or self._line(opener) == self._line(last):
            return Fault(opener, f"this `{bracket}` is not closed")
        words = f"the `{bracket}` of line {self._line(opener)} is not closed: write `{_CLOSERS[bracket]}` here"
        end = self.text.find("\n", last)
        deeper = self._indent(last) > self._indent(opener)
        return Fault(end + 1 if deeper and end >= 0 else last + 1, words)

    def _last(self, at: int) -> int:
        """The offset of the last character before `at` that is not blank."""
        return len(self.text[:at].rstrip()) - 1

    def _line(self, at: int) -> int:
        return self.text.count("\n", 0, at) + 1

    def _indent(self, at: int) -> int:
        """How far the line of a place is indented."""
        blank = _BLANK.match(self.text, self.text.rfind("\n", 0, at) + 1)
        return len(blank[0]) if blank else 0


def fault(text: str) -> Fault | None:
    """The first bracket or quote at fault; None where they all pair."""
    return _Scan(text).fault()
