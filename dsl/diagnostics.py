"""How we speak about mistakes: one record, as text for people and as data for programs."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from dsl.source import Span


@dataclass(frozen=True, slots=True)
class Fix:
    """What to do, in words; `replacement` is the text that takes the place of the span, where that is certain."""

    message: str
    replacement: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One fault. `excerpt` is the source line that `span` begins on; `label` stands behind the caret."""

    message: str
    code: str
    file: str
    span: Span | None = None
    excerpt: str = ""
    key: str = ""
    label: str = ""
    notes: tuple[str, ...] = ()
    fix: Fix | None = None
    severity: str = "error"

    def __str__(self) -> str:
        head = f"{self.severity}[{self.code}]: {self.message}"
        if self.span is None:
            where = f"\n  --> {self.file}" if self.file else ""
            return head + where + "".join(f"\n   = {note}" for note in self._remarks())
        number = str(self.span.line)
        pad = " " * len(number)
        lines = [head, f"{pad}--> {self.file}:{self.span.line}:{self.span.column}", f"{pad} |"]
        lines += [f"{number} | {_displayed(self.excerpt)}", f"{pad} | {self._caret()}"]
        remarks = self._remarks()
        if remarks:
            lines += [f"{pad} |", *(f"{pad} = {remark}" for remark in remarks)]
        return "\n".join(line.rstrip() for line in lines)

    def as_data(self) -> dict[str, Any]:
        """The form of `--format json`."""
        span = self.span or Span(1, 1, 1, 1)
        data: dict[str, Any] = {
            "severity": self.severity,
            "code": self.code,
            "message": self.message,
            "file": self.file,
            "line": span.line,
            "column": span.column,
            "end_line": span.end_line,
            "end_column": span.end_column,
            "key": self.key,
            "notes": list(self.notes),
        }
        if self.fix is not None:
            data["fix"] = {"message": self.fix.message}
            if self.fix.replacement is not None:
                data["fix"]["replacement"] = self.fix.replacement
        return data

    def _remarks(self) -> list[str]:
        return [*self.notes, *([f"fix: {self.fix.message}"] if self.fix else [])]

    def _caret(self) -> str:
        assert self.span is not None
        start = self.span.column - 1
        end = self.span.end_column - 1 if self.span.end_line == self.span.line else len(self.excerpt.rstrip())
        before, marked = _displayed(self.excerpt[:start]), _displayed(self.excerpt[start:end])
        return " " * _width(before) + "^" * max(1, _width(marked)) + (f" {self.label}" if self.label else "")


class SpecError(Exception):
    """A spec cannot be used; `diagnostics` holds all that is wrong with it.

    spec: where only the form is at fault, the Spec as far as it could be read, of which more may be told.
    """

    def __init__(self, diagnostics: Sequence[Diagnostic], spec: Any = None) -> None:
        self.diagnostics = tuple(diagnostics)
        self.spec = spec
        super().__init__(as_text(diagnostics))

    def __reduce__(self) -> tuple[Any, ...]:
        return SpecError, (self.diagnostics,)


def as_text(diagnostics: Sequence[Diagnostic]) -> str:
    """All of them for people: what is the same in several lines of a file, but for the line, is told once."""
    several: dict[tuple[Any, ...], list[Diagnostic]] = {}
    for each in diagnostics:
        several.setdefault((each.file, each.message, each.notes, each.fix and each.fix.message), []).append(each)
    told = []
    for first, *others in several.values():
        lines = list(dict.fromkeys(str(each.span.line) for each in others if each.span))
        where = (f"the same in line{'s' if len(lines) > 1 else ''} {', '.join(lines)}",) if lines else ()
        told.append(str(replace(first, notes=(*first.notes, *where))))
    return "\n\n".join(told)


def in_order(diagnostics: Sequence[Diagnostic]) -> list[Diagnostic]:
    """Each once, file by file as they were first told, and in the order of each file."""
    unique = dict.fromkeys(diagnostics)
    files = {file: number for number, file in enumerate(dict.fromkeys(each.file for each in unique))}

    def place(each: Diagnostic) -> tuple[int, int, int]:
        return files[each.file], each.span.line if each.span else 0, each.span.column if each.span else 0

    return sorted(unique, key=place)


def _displayed(text: str) -> str:
    return text.replace("\t", "    ")


def _width(text: str) -> int:
    """How many columns a terminal gives the text: two for wide characters, none for marks that combine (UAX #11)."""
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text
    )
