"""The 3-D view as a Scene: heading, blocks with their labels, lines, legend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from builder.graph import nodes
from render.blocks3d.extents import STAND_IN
from render.blocks3d.labels import LEADING, SIZE
from render.blocks3d.lines import lines
from render.blocks3d.page import MARGIN, MERGE_RADIUS, NARROW, Spot, page_of
from render.blocks3d.reducing import chosen
from render.blocks3d.solids import mixed, rise, stack
from render.blocks3d.units import Unit
from render.headings import summary
from render.letters import cut, text_width
from render.scene import Part, Rectangle, Scene, Shape, Text
from render.theme import Theme
from render.words import batch_name, shortened

if TYPE_CHECKING:
    import networkx

_TITLE = 17.0
_NARROWEST = 400.0


def blocks(
    graph: networkx.DiGraph[str],
    theme: Theme,
    *,
    level: str = "block",
    expand: Sequence[str] = (),
    collapse: Sequence[str] = (),
    compact: bool = True,
) -> Scene:
    """A model as a row of solids, a solid for each tensor worth showing, as in the figures of the AlexNet paper.

    Heights and depths go by the square root of the sizes, widths by the logarithm of the channels. level, expand,
    collapse: what is one block (see `choosing`). compact: activation, normalisation and dropout stand in the words of
    the layer that they follow alone. ValueError for a level or a name that is not there.
    """
    units = chosen(graph, level, expand, collapse, compact=compact)
    title = cut(shortened(str(graph.graph["name"]), 60), NARROW - 2 * MARGIN, _TITLE, bold=True) or "Model"
    return _scene(title, _subtitle(graph, units), units, theme)


def _scene(title: str, subtitle: list[str], units: list[Unit], theme: Theme) -> Scene:
    page = page_of(units, 0.0)
    width = max(page.width, _NARROWEST, text_width(title, _TITLE, bold=True) + 2 * MARGIN)
    told = _filled(subtitle, width - 2 * MARGIN)
    page = page_of(units, MARGIN + _TITLE + len(told) * (LEADING + 2) + 16)
    legend = _legend(units, page.height + 26, width, theme)
    return Scene(
        title=title,
        description="\n".join([" · ".join(subtitle), *map(_described, units)]),
        width=width,
        height=_lowest(legend) + MARGIN * 0.75,
        ground=theme.ground,
        parts=(
            _heading(title, told, theme),
            *(_part(spot, theme) for spot in page.spots.values()),
            *lines(page, theme),
            *(
                Part(name=f"labels:{each.unit.name}", role="box", shapes=_labels(each, theme))
                for each in page.spots.values()
            ),
            legend,
        ),
    )


def _heading(title: str, subtitle: list[str], theme: Theme) -> Part:
    y = MARGIN + _TITLE * 0.5
    first = Text(x=MARGIN, y=y, text=title, size=_TITLE, colour=theme.ink, bold=True)
    rest = (
        Text(x=MARGIN, y=y + 18 + index * (LEADING + 2), text=each, size=SIZE, colour=theme.muted)
        for index, each in enumerate(subtitle)
    )
    return Part(name="diagram:heading", role="heading", shapes=(first, *rest))


def _part(spot: Spot, theme: Theme) -> Part:
    """A block's faces with its number of copies over them, or a merge's sign."""
    shapes = (
        _sign(spot, theme)
        if spot.unit.sign
        else stack(spot.x, spot.y, spot.solid, spot.unit.copies, spot.unit.kind, theme)
    )
    role = "merge" if spot.unit.sign else "box"
    return Part(name=spot.unit.name, role=role, title=_described(spot.unit), shapes=shapes + _badge(spot, theme))


def _sign(spot: Spot, theme: Theme) -> tuple[Shape, ...]:
    shade, long = theme.kinds["merge"], spot.breadth
    outline = Rectangle(
        x=spot.x - long / 2,
        y=spot.y - MERGE_RADIUS,
        width=long,
        height=2 * MERGE_RADIUS,
        fill=shade.fill,
        line=shade.bar,
        line_width=1.2,
        radius=MERGE_RADIUS,
    )
    return (outline, _centred(spot.unit.sign, spot.x, spot.y + SIZE * 0.36, theme.ink, bold=True))


def _badge(spot: Spot, theme: Theme) -> tuple[Shape, ...]:
    if spot.unit.copies == 1:
        return ()
    text = f"×{spot.unit.copies}"
    long, y = text_width(text, SIZE, bold=True) + 10, spot.y - rise(spot.solid) / 2 - 20
    pill = Rectangle(x=spot.x - long / 2, y=y, width=long, height=15.0, fill=theme.ink, radius=7.5)
    return (pill, _centred(text, spot.x, y + 11.2, theme.ground, bold=True))


def _labels(spot: Spot, theme: Theme) -> tuple[Shape, ...]:
    return tuple(
        _centred(
            line.text,
            spot.x,
            spot.labels + index * LEADING,
            theme.ink if line.strong else theme.muted,
            bold=line.bold,
        )
        for index, line in enumerate(spot.lines)
    )


def _centred(text: str, x: float, y: float, colour: str, *, bold: bool = False) -> Text:
    return Text(x=x, y=y, text=text, size=SIZE, colour=colour, bold=bold, anchor="middle")


def _legend(units: list[Unit], y: float, width: float, theme: Theme) -> Part:
    """A square and a word for each kind there is, in the order in which they first stand."""
    shapes: list[Shape] = []
    x = MARGIN
    for kind in dict.fromkeys("merge" if each.sign else each.kind for each in units):
        long = 14 + text_width(kind, SIZE) + 18
        if x > MARGIN and x + long > width - MARGIN:
            x, y = MARGIN, y + LEADING + 3
        fill, line = mixed(theme.kinds[kind].bar, theme.ground, 0.7), theme.kinds[kind].bar
        shapes.append(Rectangle(x=x, y=y - 8.5, width=9, height=9, fill=fill, line=line, line_width=0.8))
        shapes.append(Text(x=x + 14, y=y, text=kind, size=SIZE, colour=theme.muted))
        x += long
    return Part(name="diagram:legend", role="legend", shapes=tuple(shapes))


def _lowest(part: Part) -> float:
    return max(shape.y for shape in part.shapes if isinstance(shape, Text))


def _subtitle(graph: networkx.DiGraph[str], units: list[Unit]) -> list[str]:
    """Inputs, parameters, multiply-adds, and what the proportions of free sizes are."""
    all_nodes = list(nodes(graph))
    batch = batch_name([each for each in all_nodes if each.role == "input"])
    said = summary(all_nodes, batch).split(" · ")
    names = list(dict.fromkeys(name for each in units for name in each.names))
    return [*said, f"drawn as if {' = '.join(names)} = {STAND_IN}"] if names else said


def _filled(texts: list[str], width: float) -> list[str]:
    result: list[str] = []
    for text in texts:
        joined = f"{result[-1]} · {text}" if result else text
        if result and text_width(joined, SIZE) <= width:
            result[-1] = joined
        else:
            result.append(cut(text, width, SIZE))
    return result


def _described(unit: Unit) -> str:
    """A block in words: `Conv 11×11 (96 ch, stride 4, ReLU): 96×54×54`."""
    words = unit.words
    name = f"{unit.sign or words.title}{f' ×{unit.copies}' if unit.copies > 1 else ''}"
    facts = ", ".join(filter(None, [words.label, *words.facts, *words.after]))
    return f"{name}{f' ({facts})' if facts else ''}{f': {unit.shape}' if unit.shape else ''}"
