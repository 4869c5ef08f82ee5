"""Which fixes are certain, and putting them in place: the text side of `--fix`.

A fix is certain where its words are the text itself (`in_features = 576`, `bias = false`), which follows from the rest
of the spec; and where a key or a type was misspelled by one slip (a letter put in, left out, replaced or swapped; small
and capital letters and `_` count for nothing), no digit is concerned, and only one word is suggested that begins, as
the misspelled one does, with a capital (a class) or without (a function, a key). All else is a guess for a person to
judge: words of values, names from other frameworks, one of several suggestions, a new name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from dsl.catalogue.suggestions import distance, folded
from dsl.diagnostics import Diagnostic
from dsl.source import Span

_SUGGESTION: Final = re.compile(r"did you mean (`[^`]+`(?: or `[^`]+`)*)\?")
_PAIR: Final = re.compile(r"\s*([A-Za-z_]+)\s*=\s*(.*?)\s*", re.DOTALL)


def certain(faults: Iterable[Diagnostic], name: str, text: str) -> list[Diagnostic]:
    """The faults of the file of this name whose fix is certain, in order. Where several faults of one place have
    different fixes (a block that is used twice), none of them is."""
    places: dict[Span, set[str | None]] = {}
    sure = []
    for each in faults:
        if each.span is None or each.file != name or each.severity != "error":
            continue
        replacement = each.fix.replacement if each.fix else None
        places.setdefault(each.span, set()).add(replacement)
        if replacement is not None and _is_certain(each, text):
            sure.append(each)
    return [each for each in sure if each.span and len(places[each.span]) == 1]


def is_guess(fault: Diagnostic) -> bool:
    """Whether the fix is what somebody may have meant, not what follows from the rest of the spec."""
    return fault.fix is not None and fault.fix.message.startswith("did you mean ")


def written(text: str, span: Span) -> str:
    """What stands at a place of the text."""
    start, end = _offsets(text, span)
    return text[start:end]


def replaced(text: str, span: Span, replacement: str) -> str:
    """The text with other words in a place; all else, line ends too, stays."""
    start, end = _offsets(text, span)
    return text[:start] + replacement + text[end:]


def _is_certain(fault: Diagnostic, text: str) -> bool:
    assert fault.fix is not None
    assert fault.fix.replacement is not None
    assert fault.span is not None
    words, replacement = fault.fix.message, fault.fix.replacement
    if not is_guess(fault):
        return words == replacement or words.startswith(f"{replacement}, or leave ")
    suggested = _SUGGESTION.fullmatch(words)
    return suggested is not None and _one_slip(
        written(text, fault.span), replacement, suggested[1][1:-1].split("` or `")
    )


def _one_slip(old: str, new: str, suggested: Sequence[str]) -> bool:
    """Whether a key, or the word of a `type`, is one slip away from another, and no other of its kind was suggested."""
    before, after = _PAIR.fullmatch(old), _PAIR.fullmatch(new)
    if (before is None) != (after is None):
        return False
    if before is not None and after is not None:
        if before[1] != "type" or after[1] != "type":
            return False
        old, new = before[2].strip("\"'"), after[2].strip("\"'")
    alike = [each for each in suggested if each[:1].isupper() == old[:1].isupper()]
    if len(alike) > 1 or new[:1].isupper() != old[:1].isupper():
        return False
    if [each for each in old if each.isdigit()] != [each for each in new if each.isdigit()]:
        return False
    return distance(folded(old), folded(new), 1) <= 1


def _offsets(text: str, span: Span) -> tuple[int, int]:
    """Where a span begins and ends in the text, whose line ends may be `\\r\\n`."""
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    return starts[span.line - 1] + span.column - 1, starts[span.end_line - 1] + span.end_column - 1
