"""A picture of a model: made up once, written in any format."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeAlias

from render.arranging import arranged, engine_name
from render.diagram import Diagram
from render.dot import dot_text
from render.scene import Scene
from render.svg import svg_text
from render.theme import Theme

Style: TypeAlias = Literal["page", "slides", "blocks"]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """What is drawn, and how. In a notebook it shows itself.

    style: "page" from top to bottom, in columns; "slides" from left to right, in rows; "blocks" in three dimensions.
    path: the file that it was written to, if any.
    blocks, page: what draws the model in three dimensions, and as an HTML page of all levels in a `style`.
    """

    diagram: Diagram
    theme: Theme
    style: Style
    blocks: Callable[[], Scene]
    page: Callable[..., str]
    path: Path | None = None

    @cached_property
    def scene(self) -> Scene:
        """The picture as plain shapes, each at its place."""
        return self.blocks() if self.style == "blocks" else arranged(self.diagram, self.theme, self.style)

    @cached_property
    def svg(self) -> str:
        """The picture as SVG text, an XML document of its own."""
        return svg_text(self.scene)

    @cached_property
    def dot(self) -> str:
        """The picture in the language of Graphviz, for its own programs."""
        return dot_text(self.diagram, self.theme)

    @cached_property
    def engine(self) -> str:
        """Who finds the places: "tomograph" itself, or "dot" or "pygraphviz" where paths cross."""
        return "tomograph" if self.style == "blocks" else engine_name(self.diagram)

    def _repr_svg_(self) -> str:
        """As `svg`, with ids of its own: several pictures stand in one notebook, which is one document."""
        return svg_text(self.scene, prefix=f"m{hashlib.sha256(self.svg.encode()).hexdigest()[:8]}-")
