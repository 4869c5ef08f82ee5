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


def split(points: Sequence[Point], at: float, axis: int) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
    """A curve in two, where it first passes a place along one axis (0 for x, 1 for y)."""
    for index in range(1, len(points) - 2, 3):
        piece = points[index - 1 : index + 3]
        if (piece[0][axis] - at) * (piece[3][axis] - at) <= 0 and piece[0][axis] != piece[3][axis]:
            first, second = _halves(piece, _where(piece, at, axis))
            return (*points[: index - 1], *first), (*second, *points[index + 3 :])
    return tuple(points), (points[-1],) * 4


def _where(piece: Sequence[Point], at: float, axis: int) -> float:
    """The parameter at which a piece passes a place, by halving."""
    low, high = 0.0, 1.0
    rising = piece[3][axis] > piece[0][axis]
    for _ in range(30):
        middle = (low + high) / 2
        first, _ = _halves(piece, middle)
        if (first[3][axis] < at) == rising:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _halves(piece: Sequence[Point], part: float) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
    """Both parts of a cubic piece, by de Casteljau's construction."""

    def between(one: Point, other: Point) -> Point:
        return (one[0] + (other[0] - one[0]) * part, one[1] + (other[1] - one[1]) * part)

    a, b, c, d = piece
    if a == b and c == d:
        middle = between(a, d)
        return (a, a, middle, middle), (middle, middle, d, d)
    ab, bc, cd = between(a, b), between(b, c), between(c, d)
    abc, bcd = between(ab, bc), between(bc, cd)
    middle = between(abc, bcd)
    return (a, ab, abc, middle), (middle, bcd, cd, d)
