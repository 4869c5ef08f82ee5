"""What of a plan stands from where to where along the arrows, and which of it must stay in one piece."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

from render.letters import text_width
from render.places.boxes import SMALL
from render.places.plan import PlacedArrow, PlacedBox, PlacedFrame, PlacedLabel, Plan
from render.scene import Point

_Range: TypeAlias = tuple[float, float]
_AIR = 3.0  # kept free around what stays whole
_BADGE = 9.0  # how far a badge looks out of its box
_HEAD = 10.0
_CORNER = 24.0  # pieces of an arrow up to this length along it are its corners


@dataclass(slots=True)
class Span:
    """start, end: along main; low, high: along cross. uncut: the ranges of main in which no cut may lie.

    arrow: the line that it is, which several arrows from one source share. frame, depth: of a frame, its index in the
    plan and how deep it stands."""

    start: float
    end: float
    low: float
    high: float
    uncut: list[_Range] = field(default_factory=list)
    arrow: str = ""
    frame: int | None = None
    depth: int = 0


def spans_of(plan: Plan, across: bool) -> list[Span]:
    found = [_of_box(each, across) for each in plan.boxes]
    found += [_of_label(each, across) for each in plan.labels]
    found += [_of_frame(index, each, across) for index, each in enumerate(plan.frames)]
    return found + [_of_arrow(each, across) for each in plan.arrows]


def _of_box(placed: PlacedBox, across: bool) -> Span:
    span = _rectangle(placed.x, placed.y, placed.look.width, placed.look.height, across)
    above = _BADGE if placed.box.copies > 1 and not across else 0.0
    span.uncut = [(span.start - _AIR - above, span.end + _AIR)]
    return span


def _of_label(label: PlacedLabel, across: bool) -> Span:
    width = text_width(label.text, SMALL)
    left = label.x - width / 2 if label.centred else label.x
    span = _rectangle(left, label.y - 9, width, 12, across)
    span.uncut = [(span.start, span.end)]
    return span


def _of_frame(index: int, placed: PlacedFrame, across: bool) -> Span:
    span = _rectangle(placed.x, placed.y, placed.width, placed.height, across)
    span.frame, span.depth = index, placed.depth
    title = _title_width(placed) if across else placed.band.height
    above = _BADGE if placed.cluster.copies > 1 and not across else 0.0
    span.uncut = [(span.start - _AIR - above, span.start + title + _AIR), (span.end - 8, span.end + _AIR)]
    return span


def _title_width(placed: PlacedFrame) -> float:
    return max(text_width(each.text, each.size, bold=each.bold) for each in placed.band.lines) + 14


def _of_arrow(placed: PlacedArrow, across: bool) -> Span:
    points = [along(each, across) for each in placed.points]
    mains, crosses = [main for main, _ in points], [cross for _, cross in points]
    line = f"{placed.arrow.source} {_longest(points):.0f}"
    span = Span(min(mains), max(mains), min(crosses), max(crosses), arrow=line)
    span.uncut = list(_corners(points))
    if placed.headed:
        end = points[-1][0]
        span.uncut.append((end - _HEAD, end))
    return span


def _longest(points: Sequence[Point]) -> float:
    """The place across of a curve's longest part along main."""
    ends = points[::3]
    return max(pairwise(ends), key=lambda each: abs(each[1][0] - each[0][0]))[1][1]


def _corners(points: Sequence[Point]) -> Iterator[_Range]:
    """Pieces that turn: cut there, a line would go on beside itself."""
    for index in range(1, len(points) - 2, 3):
        piece = points[index - 1 : index + 3]
        mains = [main for main, _ in piece]
        low, high = min(mains), max(mains)
        turns = max(cross for _, cross in piece) - min(cross for _, cross in piece) > 0.01
        if turns and high - low <= _CORNER:
            yield low - _AIR, high + _AIR


def along(point: Point, across: bool) -> Point:
    """(main, cross) of a point, and the point of a (main, cross)."""
    return (point[0], point[1]) if across else (point[1], point[0])


def _rectangle(x: float, y: float, width: float, height: float, across: bool) -> Span:
    start, low = along((x, y), across)
    end, high = along((x + width, y + height), across)
    return Span(start, end, low, high)
