"""The formats that a picture can be written in, chosen by the file's suffix, and the picture itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.files import write_bytes
from render.arranging import Style, arranged, engine_name
from render.diagram import Diagram, compose
from render.dot import dot_text
from render.folding.walk import Level
from render.mermaid import flowchart
from render.outline import outline
from render.page import page
from render.pdf import pdf_file
from render.raster import svg_to_png
from render.scene import Scene
from render.svg import svg_text
from render.theme import Theme, theme_named
from render.tikz import document
from render.written import Written

if TYPE_CHECKING:
    import networkx


class FormatError(ValueError):
    """A file's suffix that no format here has. A plain sentence."""


@dataclass(frozen=True)
class Picture:
    """A diagram in colours. In a notebook it shows itself.

    path: the file that it was written to, if any. style: "page", or "slides" for one that goes to the right.
    page: what makes the HTML page of the whole model, all levels of it.
    """

    diagram: Diagram
    theme: Theme
    path: Path | None = None
    style: Style = "page"
    page: Callable[[], str] | None = None

    @cached_property
    def dot(self) -> str:
        """The picture in the language of Graphviz."""
        return dot_text(self.diagram, self.theme)

    @cached_property
    def svg(self) -> str:
        """The picture as SVG text, an XML document of its own."""
        return svg_text(self.scene)

    @cached_property
    def scene(self) -> Scene:
        """The picture as plain shapes, each at its place."""
        return arranged(self.diagram, self.theme, self.style)

    @cached_property
    def engine(self) -> str:
        """Who finds the places: "tomograph" itself, or "dot" or "pygraphviz" where paths cross."""
        return engine_name(self.diagram)

    def written(self, suffix: str) -> Written:
        """The picture in the format of a suffix (".svg", ".png" ...). Raises FormatError for another."""
        return _format_of(suffix)(self)

    def _repr_svg_(self) -> str:
        return self.svg


def _page(picture: Picture) -> Written:
    if picture.page is None:
        raise FormatError("a page (.html) is drawn of a graph, by render.draw")
    return Written(picture.page().encode())


# Every format there is. A new one is a line here and a function from a picture to what is written.
FORMATS: Mapping[str, Callable[[Picture], Written]] = {
    ".svg": lambda picture: Written(picture.svg.encode()),
    ".png": lambda picture: Written(svg_to_png(picture.svg)),
    ".pdf": lambda picture: Written(pdf_file(picture.scene)),
    ".dot": lambda picture: Written(picture.dot.encode()),
    ".tex": lambda picture: document(picture.scene, picture.theme),
    ".txt": lambda picture: Written(outline(picture.diagram).encode()),
    ".mmd": lambda picture: flowchart(picture.diagram, picture.theme),
    ".html": _page,
}


def draw(
    graph: networkx.DiGraph[str],
    path: str | Path | None = None,
    *,
    level: Level = "block",
    expand: Sequence[str] = (),
    collapse: Sequence[str] = (),
    style: Style = "page",
    theme: str = "light",
    compact: bool = True,
    lines: Mapping[str, str] | None = None,
) -> Picture:
    """Draw a model's graph; with a `path`, write the picture there in the format of its suffix.

    level: "overview", a box a stage; "block", each structure drawn open once, repeats as one copy; "full", every layer
    of every copy. expand, collapse: names or patterns of what is drawn whole, or as one box, whatever the level says.
    style: "page" from top to bottom, in columns; "slides" from left to right, in rows.
    theme: "light", "dark" or "print". compact: activation, normalisation and dropout stand in the detail line of the
    layer that they follow alone. lines: for a page, which tells them: by the names of nodes and regions, the spec's own
    text. A page (`.html`) has all levels and shows this one first; it is light or dark as its reader's system is, but
    for another theme than "light".

    Raises FormatError for an unknown suffix before anything is drawn, EngineError where drawing fails,
    builder.files.OutputError where the file cannot be written; ValueError for an unknown theme, level or name.
    """
    target = None if path is None else Path(path)
    if target is not None:
        _format_of(target.suffix, target.name)
    how: dict[str, Any] = {"level": level, "expand": expand, "collapse": collapse, "compact": compact}
    diagram = compose(graph, **how)
    made = partial(page, graph, lines=lines, style=style, theme="" if theme == "light" else theme, **how)
    picture = Picture(diagram, theme_named(theme), target, style, made)
    if target is not None:
        write_bytes(target, picture.written(target.suffix).content)
    return picture


def _format_of(suffix: str, name: str = "") -> Callable[[Picture], Written]:
    found = FORMATS.get(suffix.lower())
    if found is None:
        what = f"no picture format has the suffix {suffix!r}" if suffix or not name else f"{name!r} has no suffix"
        raise FormatError(f"{what}; there are {' '.join(FORMATS)}")
    return found
