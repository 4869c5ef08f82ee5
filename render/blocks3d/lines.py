"""The lines between blocks, at their places."""

from __future__ import annotations

from itertools import pairwise

from render.blocks3d.labels import SIZE
from render.blocks3d.page import ARC_STEP, MARGIN, TAG_STEP, TAGS_UP_TO, Page, Spot
from render.blocks3d.solids import SLANT, cone, left_end, right_end, straight
from render.blocks3d.ways import Way
from render.letters import text_width
from render.scene import Curve, Part, Point, Polygon, Rectangle, Shape, Text
from render.theme import Theme

_WIDTH = 1.1
_HEAD = 6.0
_ROUND = 7.0  # radius of a line's corners
_TAG = 8.5  # half the height of a number's frame


def lines(page: Page, theme: Theme) -> list[Part]:
    """A part for each way; a tag's two ends are one part."""
    return [
        Part(name=f"arrow:{index}", role="arrow", shapes=_shapes(each, page, theme))
        for index, each in enumerate(page.ways)
    ]


def _shapes(way: Way, page: Page, theme: Theme) -> tuple[Shape, ...]:
    source, target = page.spots[way.source], page.spots[way.target]
    start, end = _leaves(source), _arrives(target)
    if way.course == "straight":
        return _straight(source, target, start, end, theme)
    if way.course == "arc":
        level = page.arcs[page.rows[source.cell.column], source.cell.lane] - way.level * ARC_STEP
        down = (target.x, target.top - 2)
        return _run([(source.x, source.top - 2), (source.x, level), (target.x, level), down], theme, dashed=True)
    if way.course == "tag":
        return _tags(way, page, theme)
    if way.course == "return":
        return _run(_back(page, source, start, end), theme)
    turn = page.edges[source.cell.column][1] if way.course == "early" else page.edges[target.cell.column][0]
    return _run([start, (turn, start[1]), (turn, end[1]), end], theme)


def _straight(source: Spot, target: Spot, start: Point, end: Point, theme: Theme) -> tuple[Shape, ...]:
    """An arrow; where a kernel goes over the block before it, its window and the cone from there."""
    near = target.cell.column == source.cell.column + 1
    if target.unit.window is None or not near or source.unit.sign or source.unit.extent.form not in ("volume", "sheet"):
        return _run([start, end], theme)
    left = end[0] + min(target.solid.width, 8.0) / 2
    point = (left, target.y + SLANT * target.solid.depth / 2 - target.solid.height * 0.2)
    return cone((source.x, source.y, source.solid, source.unit.copies), point, target.unit.window, theme)


def _back(page: Page, source: Spot, start: Point, end: Point) -> list[Point]:
    """From the end of a row below it to the left, and into the next row."""
    right = page.edges[source.cell.column][1]
    channel = page.below[page.rows[source.cell.column]] + 12
    left = MARGIN / 2
    return [start, (right, start[1]), (right, channel), (left, channel), (left, end[1]), end]


def _tags(way: Way, page: Page, theme: Theme) -> tuple[Shape, ...]:
    """The number over both blocks: to the right for what leaves, to the left for what arrives."""
    source, target = page.spots[way.source], page.spots[way.target]
    leaving = _tag(source, str(way.number), 1, 0, theme) if way.first else ()
    total = page.arriving[way.target]
    last = TAGS_UP_TO - 1
    if way.place > last:
        return leaving
    text = f"+{total - last}" if way.place == last and total > TAGS_UP_TO else str(way.number)
    return (*leaving, *_tag(target, text, -1, way.place, theme))


def _tag(spot: Spot, text: str, side: int, place: int, theme: Theme) -> tuple[Shape, ...]:
    long = max(_TAG * 2, text_width(text, SIZE, bold=True) + 8)
    x, y = spot.x + side * (long / 2 + 1.5), spot.top - 7 - _TAG - place * TAG_STEP
    foot = spot.top if not place else y + TAG_STEP - _TAG
    return (
        straight((x, foot), (x, y + _TAG), theme.edge, _WIDTH, dashed=True),
        Rectangle(
            x=x - long / 2,
            y=y - _TAG,
            width=long,
            height=2 * _TAG,
            fill=theme.cluster,
            line=theme.edge,
            line_width=_WIDTH,
            radius=_TAG,
        ),
        Text(x=x, y=y + SIZE * 0.36, text=text, size=SIZE, colour=theme.ink, bold=True, anchor="middle"),
    )


def _leaves(spot: Spot) -> Point:
    if spot.unit.sign:
        return (spot.x + spot.breadth / 2, spot.y)
    return right_end(spot.x, spot.y, spot.solid, spot.unit.copies)


def _arrives(spot: Spot) -> Point:
    if spot.unit.sign:
        return (spot.x - spot.breadth / 2, spot.y)
    return left_end(spot.x, spot.y, spot.solid, spot.unit.copies)


def _run(points: list[Point], theme: Theme, *, dashed: bool = False) -> tuple[Shape, ...]:
    """A line along these points with round corners and a head at its end."""
    tip, before = points[-1], next(each for each in reversed(points[:-1]) if each != points[-1])
    across, down = _direction(before, tip)
    base = (tip[0] - across * _HEAD, tip[1] - down * _HEAD)
    wing = _HEAD * 0.5
    head = (tip, (base[0] - down * wing, base[1] + across * wing), (base[0] + down * wing, base[1] - across * wing))
    curve = Curve(points=_rounded([*points[:-1], base]), line=theme.edge, line_width=_WIDTH, dashed=dashed)
    return (curve, Polygon(points=head, fill=theme.edge))


def _rounded(points: list[Point]) -> tuple[Point, ...]:
    """Cubic pieces along the points. Quarter circles are close enough to curves that have the corner twice."""
    path: list[Point] = [points[0]]
    for index, (here, there) in enumerate(pairwise(points)):
        across, down = _direction(here, there)
        long = abs(there[0] - here[0]) + abs(there[1] - here[1])
        radius = min(_ROUND, long / 2)
        last = index == len(points) - 2
        stop = there if last else (there[0] - across * radius, there[1] - down * radius)
        path += [path[-1], stop, stop]
        if not last:
            after = points[index + 2]
            onward = _direction(there, after)
            reach = min(_ROUND, (abs(after[0] - there[0]) + abs(after[1] - there[1])) / 2)
            leave = (there[0] + onward[0] * reach, there[1] + onward[1] * reach)
            path += [_between(stop, there), _between(leave, there), leave]
    return tuple(path)


def _between(end: Point, corner: Point) -> Point:
    return (end[0] + (corner[0] - end[0]) * 0.55, end[1] + (corner[1] - end[1]) * 0.55)


def _direction(here: Point, there: Point) -> Point:
    """One step from here to there, along an axis."""
    across, down = there[0] - here[0], there[1] - here[1]
    long = max((across**2 + down**2) ** 0.5, 1e-9)
    return (across / long, down / long)
