"""Lines of straight pieces with rounded corners, as cubic Bézier curves."""

from __future__ import annotations

import math
from collections.abc import Sequence

from render.scene import Point

_ROUND = 7.0
# Controls of a cubic piece that comes closest to a quarter of a circle lie this part of the radius from its ends.
_CIRCLE = 0.5523


def rounded(corners: Sequence[Point]) -> tuple[Point, ...]:
    """A start, then three points for each piece; every corner is a quarter of a circle, where there is room."""
    corners = _without_repeats(corners)
    points = [corners[0]]
    for before, corner, behind in zip(corners, corners[1:], corners[2:], strict=False):
        radius = min(_ROUND, math.dist(before, corner) / 2, math.dist(corner, behind) / 2)
        start, end = _towards(corner, before, radius), _towards(corner, behind, radius)
        points += straight(points[-1], start)
        points += [_towards(start, corner, radius * _CIRCLE), _towards(end, corner, radius * _CIRCLE), end]
    points += straight(points[-1], corners[-1])
    return tuple(points)


def straight(start: Point, end: Point) -> tuple[Point, Point, Point]:
    """The three further points of a straight piece; its controls are its ends."""
    return (start, end, end)


def shortened(points: Sequence[Point], by: float) -> tuple[Point, ...]:
    """A curve without its last bit, which its head covers."""
    *most, control, end = points
    start = most[-2] if control == end else control
    length = math.dist(start, end)
    if length <= by:
        return tuple(points)
    new = _towards(end, start, by)
    return (*most, new if control == end else control, new)


def head(points: Sequence[Point], length: float, width: float) -> tuple[Point, ...]:
    """The three corners of an arrow's head at the end of a curve."""
    end = points[-1]
    start = next((each for each in reversed(points) if math.dist(each, end) > 1e-6), (end[0], end[1] - 1))
    far = math.dist(start, end)
    dx, dy = (end[0] - start[0]) / far, (end[1] - start[1]) / far
    base = (end[0] - dx * length, end[1] - dy * length)
    return (
        end,
        (base[0] - dy * width / 2, base[1] + dx * width / 2),
        (base[0] + dy * width / 2, base[1] - dx * width / 2),
    )


def _towards(start: Point, end: Point, by: float) -> Point:
    length = math.dist(start, end)
    part = by / length if length else 0.0
    return (start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part)


def _without_repeats(corners: Sequence[Point]) -> list[Point]:
    """Without corners that are none: those at the same place as the one before, and those on a straight line."""
    kept: list[Point] = []
    for each in corners:
        if kept and math.dist(kept[-1], each) < 0.01:
            continue
        if len(kept) > 1 and _in_line(kept[-2], kept[-1], each):
            kept.pop()
        kept.append(each)
    return kept if len(kept) > 1 else [*kept, kept[-1]]


def _in_line(one: Point, middle: Point, other: Point) -> bool:
    cross = (middle[0] - one[0]) * (other[1] - middle[1]) - (middle[1] - one[1]) * (other[0] - middle[0])
    along = (middle[0] - one[0]) * (other[0] - middle[0]) + (middle[1] - one[1]) * (other[1] - middle[1])
    return abs(cross) < 0.01 and along >= 0
