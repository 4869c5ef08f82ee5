"""What the formats of text share: a text and what its reader is to be told of it; amounts of copies."""

from __future__ import annotations

from dataclasses import dataclass

from render.diagram import Diagram
from render.words import count_said


@dataclass(frozen=True, slots=True)
class Written:
    """notes: sentences, none where all is well; they stand in the text too, as comments."""

    text: str
    notes: tuple[str, ...]


def repeated(diagram: Diagram) -> frozenset[str]:
    """The clusters that stand for several, and those in them: numbers in these are of all of them together."""
    found: set[str] = set()
    for each in diagram.clusters:  # outer ones stand first
        if each.copies > 1 or each.parent in found:
            found.add(each.name)
    return frozenset(found)


def parameters_said(count: int, *, together: bool = False) -> str:
    """`1,204 parameters`, of several things `together`: `2,408 parameters in all`; "" for none."""
    return f"{count_said(count)} parameters{' in all' if together else ''}" if count else ""
