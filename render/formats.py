"""The formats that a picture can be written in, chosen by the file's suffix, and the picture itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from builder.files import write_bytes
from render.diagram import Diagram, compose
from render.dot import dot_text
from render.engines import Engine, drawn, engine
from render.folding.walk import Level
from render.mermaid import flowchart
from render.outline import outline
from render.svg import finished
from render.theme import Theme, theme_named
from render.written import Written

if TYPE_CHECKING:
    import networkx


class FormatError(ValueError):
    """A file's suffix that no format here has. A plain sentence."""


@dataclass(frozen=True)
class Picture:
    """A diagram in colours. In a notebook it shows itself.

    path: the file that it was written to, if any.
    """

    diagram: Diagram
    theme: Theme
    path: Path | None = None

    @cached_property
    def dot(self) -> str:
        """The picture in the language of Graphviz."""
        return dot_text(self.diagram, self.theme)

    @cached_property
    def svg(self) -> str:
        """The picture as SVG text, an XML document of its own."""
        return finished(self.drawn("svg"), self.diagram)

    @cached_property
    def _engine(self) -> Engine:
        return engine()

    @property
    def engine(self) -> str:
        """Who draws SVG, PNG and PDF here: "dot" or "pygraphviz"."""
        return self._engine.name

    def written(self, suffix: str) -> Written:
        """The picture in the format of a suffix (".svg", ".png" ...). Raises FormatError for another."""
        return _format_of(suffix)(self)

    def drawn(self, format: str) -> bytes:
        """The picture as Graphviz gives it, in one of its formats."""
        return drawn(self.dot, format, self._engine)

    def _repr_svg_(self) -> str:
        return self.svg


# A PDF says when it was made; a fixed date of the same length makes the same picture the same bytes.
_PDF_DATE = re.compile(rb"(/CreationDate \(D:)\d{14}")

# Every format there is. A new one is a line here and a function from a picture to what is written.
FORMATS: Mapping[str, Callable[[Picture], Written]] = {
    ".svg": lambda picture: Written(picture.svg.encode()),
    ".png": lambda picture: Written(picture.drawn("png")),
    ".pdf": lambda picture: Written(_PDF_DATE.sub(rb"\g<1>19800101000000", picture.drawn("pdf"))),
    ".dot": lambda picture: Written(picture.dot.encode()),
    ".txt": lambda picture: Written(outline(picture.diagram).encode()),
    ".mmd": lambda picture: flowchart(picture.diagram, picture.theme),
}


def draw(
    graph: networkx.DiGraph[str],
    path: str | Path | None = None,
    *,
    level: Level = "block",
    expand: Sequence[str] = (),
    collapse: Sequence[str] = (),
    theme: str = "light",
    compact: bool = True,
) -> Picture:
    """Draw a model's graph; with a `path`, write the picture there in the format of its suffix.

    level: "overview", a box a stage; "block", each structure drawn open once, repeats as one copy; "full", every layer
    of every copy. expand, collapse: names or patterns of what is drawn whole, or as one box, whatever the level says.
    theme: "light", "dark" or "print". compact: activation, normalisation and dropout stand in the detail line of the
    layer that they follow alone. Raises FormatError for an unknown suffix before anything is drawn, EngineError where
    drawing fails, builder.files.OutputError where the file cannot be written; ValueError for an unknown theme, level
    or name.
    """
    target = None if path is None else Path(path)
    if target is not None:
        _format_of(target.suffix, target.name)
    diagram = compose(graph, level=level, expand=expand, collapse=collapse, compact=compact)
    picture = Picture(diagram, theme_named(theme), target)
    if target is not None:
        write_bytes(target, picture.written(target.suffix).content)
    return picture


def _format_of(suffix: str, name: str = "") -> Callable[[Picture], Written]:
    found = FORMATS.get(suffix.lower())
    if found is None:
        what = f"no picture format has the suffix {suffix!r}" if suffix or not name else f"{name!r} has no suffix"
        raise FormatError(f"{what}; there are {' '.join(FORMATS)}")
    return found
