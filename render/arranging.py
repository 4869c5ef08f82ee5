"""Diagram -> Scene: every part at its place, in the colours of a theme."""

from __future__ import annotations

from typing import Literal, TypeAlias

from render.diagram import Diagram
from render.drawing import scene
from render.engines import engine
from render.places.boxes import natural_width
from render.places.placing import placed
from render.places.structure import has_tangle, structure
from render.scene import Scene
from render.theme import Theme

Style: TypeAlias = Literal["page", "slides"]

_WIDTHS = (150.0, 230.0)


def arranged(diagram: Diagram, theme: Theme, style: Style = "page") -> Scene:
    """The picture with a place for everything."""
    natural = max((natural_width(each) for each in diagram.boxes), default=0.0)
    width = min(max(natural, _WIDTHS[0]), _WIDTHS[1])
    return scene(diagram, placed(diagram, width, across=style == "slides"), theme)


def engine_name(diagram: Diagram) -> str:
    """Who finds the places; EngineError where Graphviz is needed and is not there."""
    return engine().name if has_tangle(structure(diagram)) else "tomograph"
