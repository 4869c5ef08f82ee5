"""The formats that a picture can be written in, chosen by the file's suffix."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.files import write_bytes
from render.blocks3d import blocks
from render.diagram import compose
from render.folding.walk import Level
from render.mermaid import flowchart
from render.outline import outline
from render.page import page
from render.pdf import pdf_file
from render.picture import Picture, Style
from render.raster import svg_to_png
from render.theme import theme_named
from render.tikz import document
from render.written import Written

if TYPE_CHECKING:
    import networkx


class FormatError(ValueError):
    """A file's suffix that no format here has, or one that cannot show what is asked for. A plain sentence."""


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
    style: "page" from top to bottom, in columns; "slides" from left to right, in rows; "blocks" in three dimensions.
    theme: "light", "dark" or "print". compact: activation, normalisation and dropout stand in the detail line of the
    layer that they follow alone. lines: for a page, which tells them: by the names of nodes and regions, the spec's own
    text. A page (`.html`) has all levels and shows this one first; it is light or dark as its reader's system is, but
    for another theme than "light".

    Raises FormatError for a format that there is not before anything is drawn, EngineError where drawing fails,
    builder.files.OutputError where the file cannot be written; ValueError for an unknown theme, level or name.
    """
    target = None if path is None else Path(path)
    if target is not None:
        _format_of(target.suffix, target.name)
    how: dict[str, Any] = {"level": level, "expand": expand, "collapse": collapse, "compact": compact}
    colours = theme_named(theme)
    picture = Picture(
        diagram=compose(graph, **how),
        theme=colours,
        style=style,
        blocks=partial(blocks, graph, colours, **how),
        page=partial(page, graph, lines=lines, theme="" if theme == "light" else theme, **how),
        path=target,
    )
    if target is not None:
        write_bytes(target, written(picture, target.suffix).content)
    return picture


def written(picture: Picture, suffix: str) -> Written:
    """A picture in the format of a suffix (".svg", ".png" ...). Raises FormatError for another."""
    return _format_of(suffix)(picture)


def _html(picture: Picture) -> Written:
    if picture.style == "blocks":
        raise FormatError('a page (.html) has no 3-D view: leave the style "blocks" out, or write another format')
    return Written(picture.page(style=picture.style).encode())


def _with_places(write: Callable[[Picture], Written]) -> Callable[[Picture], Written]:
    """A format that shows where everything stands, and tells who found that."""
    return lambda picture: replace(write(picture), engine=picture.engine)


def _without_places(text: Callable[[Picture], Written]) -> Callable[[Picture], Written]:
    """A format whose reader finds the places: a style cannot be shown in it, and that is told."""

    def write(picture: Picture) -> Written:
        made = text(picture)
        note = f'places are not written in this format: it is the same in the style "{picture.style}"'
        return made if picture.style == "page" else Written(made.content, (*made.notes, note))

    return write


# Every format there is. A new one is a line here and a function from a picture to what is written.
FORMATS: Mapping[str, Callable[[Picture], Written]] = {
    ".svg": _with_places(lambda picture: Written(picture.svg.encode())),
    ".png": _with_places(lambda picture: Written(svg_to_png(picture.svg))),
    ".pdf": _with_places(lambda picture: Written(pdf_file(picture.scene))),
    ".html": _with_places(_html),
    ".tex": _with_places(lambda picture: document(picture.scene, picture.theme)),
    ".mmd": _without_places(lambda picture: flowchart(picture.diagram, picture.theme)),
    ".dot": _without_places(lambda picture: Written(picture.dot.encode())),
    ".txt": _without_places(lambda picture: Written(outline(picture.diagram).encode())),
}


def _format_of(suffix: str, name: str = "") -> Callable[[Picture], Written]:
    found = FORMATS.get(suffix.lower())
    if found is None:
        what = f"no picture format has the suffix {suffix!r}" if suffix or not name else f"{name!r} has no suffix"
        raise FormatError(f"{what}; there are {' '.join(FORMATS)}")
    return found
