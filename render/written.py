"""What a format gives: a file's content and what a person is to be told of it; and amounts of copies, in words."""

from __future__ import annotations

from dataclasses import dataclass

from render.diagram import Box, Diagram
from render.headings import parameters_said


@dataclass(frozen=True, slots=True)
class Written:
    """A picture in a format. notes: sentences, none where all is well; a text holds them too, as comments.

    engine: who found the places of what is in it, "" where it shows none."""

    content: bytes
    notes: tuple[str, ...] = ()
    engine: str = ""

    @property
    def text(self) -> str:
        return self.content.decode()


def repeated(diagram: Diagram) -> frozenset[str]:
    """The clusters that stand for several, and those in them: numbers in these are of all of them together."""
    found: set[str] = set()
    for each in diagram.clusters:  # outer ones stand first
        if each.copies > 1 or each.parent in found:
            found.add(each.name)
    return frozenset(found)


def parameters_told(box: Box, *, together: bool = False) -> str:
    """`1,204 parameters`; where the box, or a cluster around it (`together`), stands for several, `2,408 parameters in
    all`; "" for none."""
    said = parameters_said(box.parameters)
    return f"{said} in all" if said and (together or box.copies > 1) else said
