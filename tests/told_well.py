"""What is wrong with how diagnostics are told, as far as any text's diagnostics can be judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dsl.diagnostics import Diagnostic, as_text
from dsl.source import Span


def badly_told(text: str, told: Sequence[Diagnostic]) -> Iterator[str]:
    """Yields what is wrong, in a few words that are the same for the same fault of ours."""
    lines = text.replace("\r\n", "\n").split("\n")
    for each in told:
        if not (each.message and each.code):
            yield f"{each.code} says nothing"
        if each.span is not None and each.file == "fuzz.toml":
            yield from (f"{each.code} {wrong}" for wrong in _misplaced(lines, each))
    places = [(each.span.line, each.span.column) for each in told if each.span and each.file == "fuzz.toml"]
    if places != sorted(places):
        yield "not in the order of the text"
    if told and not as_text(told):
        yield "no text"


def _misplaced(lines: list[str], fault: Diagnostic) -> Iterator[str]:
    """A span begins and ends within the text; its end may be one past the last character of a line."""
    span = fault.span
    assert span is not None
    if span == Span(1, 1, 1, 1):  # the text as a whole
        return
    if not 1 <= span.line <= span.end_line <= len(lines):
        yield "stands on a line that is not there"
        return
    if not (1 <= span.column <= len(lines[span.line - 1]) + 1):
        yield "begins outside its line"
    if not (1 <= span.end_column <= len(lines[span.end_line - 1]) + 2):
        yield "ends outside its line"
    if (span.end_line, span.end_column) <= (span.line, span.column):
        yield "ends before it begins"
    if fault.excerpt != lines[span.line - 1]:
        yield "shows another line than its own"
