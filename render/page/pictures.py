"""The pictures of a page: one a level, where they differ, in colours that are names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from render.arranging import Style, arranged
from render.diagram import Diagram, compose
from render.fold import fold
from render.folding.walk import Level
from render.page.colours import NAMED
from render.page.views import View
from render.svg import svg_text
from render.words import count_said

if TYPE_CHECKING:
    import networkx

LEVELS: Final[tuple[Level, ...]] = ("overview", "block", "full")
# Layers, inputs and outputs; the full picture of a larger model would be megabytes that nobody could look through.
WHOLE: Final = 2000
_LEFT_OUT: Final = "The full picture of {} layers is too large for a page and left out. Search finds each of them."


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """How pictures are drawn, but for their level: as `render.draw` means it."""

    expand: Sequence[str] = ()
    collapse: Sequence[str] = ()
    style: Style = "page"
    compact: bool = True


@dataclass(frozen=True, slots=True)
class Pictures:
    """views: from little to much. same: level -> the level whose picture it shares. note: what there is to know."""

    views: tuple[View, ...]
    same: Mapping[str, str]
    note: str


def pictures(graph: networkx.DiGraph[str], first: Level, drawing: Drawing) -> Pictures:
    """The pictures at all levels that differ; of those that do not, one, `first` or else "block" if it is one of them.

    A large model's full picture is drawn only where it is `first`. Raises EngineError where nothing here can place the
    boxes, ValueError for a level or a name that there is not.
    """
    count = graph.number_of_nodes()
    left_out = count > WHOLE and first != "full"
    order = dict.fromkeys([first, "block", *LEVELS])
    diagrams = {each: _composed(graph, each, drawing) for each in order if not (each == "full" and left_out)}
    same = _same(diagrams)
    views = [_view(graph, level, each, drawing) for level, each in diagrams.items() if level not in same]
    views.sort(key=lambda each: LEVELS.index(each.level))
    return Pictures(tuple(views), same, _LEFT_OUT.format(count_said(count)) if left_out else "")


def _composed(graph: networkx.DiGraph[str], level: Level, drawing: Drawing) -> Diagram:
    return compose(graph, level=level, expand=drawing.expand, collapse=drawing.collapse, compact=drawing.compact)


def _same(diagrams: Mapping[Level, Diagram]) -> dict[str, str]:
    """By level, the earlier one that shows the same under another subtitle."""
    found: dict[str, str] = {}
    bare = {level: replace(each, level="full", subtitle="") for level, each in diagrams.items()}
    for level, each in bare.items():
        first = next(other for other in bare if bare[other] == each)
        if first != level:
            found[level] = first
    return found


def _view(graph: networkx.DiGraph[str], level: Level, diagram: Diagram, drawing: Drawing) -> View:
    plan = fold(graph, level=level, expand=drawing.expand, collapse=drawing.collapse, compact=drawing.compact)
    svg = svg_text(arranged(diagram, NAMED, drawing.style), prefix=f"{level}/")
    return View(level=level, plan=plan, diagram=diagram, svg=svg)
