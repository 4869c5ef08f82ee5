"""A spec's text with its certain fixes in place: one at a time, each followed by another check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from builder.checking import examine_text
from dsl.diagnostics import Diagnostic
from dsl.fixes import certain, is_guess, replaced, written


@dataclass(frozen=True, slots=True)
class Applied:
    """A fix that was put in place: the fault as it was told, what stood there and what stands there now."""

    fault: Diagnostic
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Mended:
    """text: after the fixes. left: the faults that it still has."""

    text: str
    applied: tuple[Applied, ...]
    left: tuple[Diagnostic, ...]


def mend(text: str, name: str) -> Mended:
    """Apply every certain fix of the text of a spec called `name`. A fix that leaves a fault in its place, as where a
    block's other use needs what was there, is taken back."""
    applied: list[Applied] = []
    refused: set[tuple[str, str]] = set()
    left = faults_of(text, name)
    while True:
        for fault in certain(left, name, text):
            assert fault.span is not None
            assert fault.fix is not None
            new = fault.fix.replacement or ""
            if (fault.key, new) in refused:
                continue
            mended = replaced(text, fault.span, new)
            after = faults_of(mended, name)
            if _stays(fault, after):
                refused.add((fault.key, new))
                continue
            applied.append(Applied(fault, written(text, fault.span), new))
            refused.add((fault.key, written(text, fault.span)))  # what one fix has changed no other changes back
            text, left = mended, after
            break
        else:
            return Mended(text, tuple(applied), tuple(left))


def faults_of(text: str, name: str) -> Sequence[Diagnostic]:
    """All that is wrong with the text of a spec, in order."""
    return examine_text(text, name).faults


def _stays(fault: Diagnostic, after: Sequence[Diagnostic]) -> bool:
    """Whether what was fixed is still at fault in the same way, or the text can no longer be read. Of a misspelled word
    only that it is not known counts: what it stands for may be wrong too."""
    assert fault.span is not None
    guess = is_guess(fault)
    return any(
        each.code == "toml"
        or (
            (each.file, each.code) == (fault.file, fault.code)
            and (not guess or each.message == fault.message)
            and each.span is not None
            and (each.span.line, each.span.column) == (fault.span.line, fault.span.column)
        )
        for each in after
    )
