"""Diagram -> Scene: every part at its place, in the colours of a theme."""

from __future__ import annotations

from typing import Literal, TypeAlias

from render.columns import in_columns, scale
from render.diagram import Diagram
from render.drawing import HEADING, MARGIN, scene
from render.engines import engine
from render.places.boxes import natural_width
from render.places.parts import has_tangle
from render.places.placing import placed
from render.places.plan import Plan
from render.places.structure import structure
from render.scene import Scene
from render.theme import Theme

Style: TypeAlias = Literal["page", "slides"]

# Width and height, in points, of the canvas that fits A4 at 0.7 of its size, and of a slide at 16:9.
CANVAS = {"page": (770.0, 1120.0), "slides": (1280.0, 720.0)}
_LEGEND = 36.0
_NARROW, _WIDE = 144.0, 230.0  # of boxes
_MANY = 600  # boxes; with more, one width is tried


def arranged(diagram: Diagram, theme: Theme, style: Style = "page") -> Scene:
    """The picture with a place for everything. Boxes are as wide as their words ask for, or narrower where the picture
    then fits its canvas better."""
    natural = max((natural_width(each) for each in diagram.boxes), default=0.0)
    widest = min(max(natural, _NARROW), _WIDE)
    widths = [widest, (widest + _NARROW) / 2, _NARROW] if widest > _NARROW and len(diagram.boxes) < _MANY else [widest]
    canvas = CANVAS[style]
    room = (canvas[0] - 2 * MARGIN, canvas[1] - 2 * MARGIN - HEADING - _LEGEND)
    best: Plan | None = None
    for width in widths:
        plan = in_columns(placed(diagram, width, across=style == "slides"), room, across=style == "slides")
        if best is None or scale(plan, room) > min(scale(best, room) * 1.02, 0.9999):
            best = plan
        if scale(best, room) >= 1:
            break
    assert best is not None
    return scene(diagram, best, theme)


def engine_name(diagram: Diagram) -> str:
    """Who finds the places; EngineError where Graphviz is needed and is not there."""
    return engine().name if has_tangle(structure(diagram)) else "tomograph"
