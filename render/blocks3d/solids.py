"""Solids in cabinet projection: depth goes up and to the right at 45 degrees, at half its length."""

from __future__ import annotations

import math
from typing import Final

from render.blocks3d.extents import Solid
from render.scene import Circle, Curve, Point, Polygon, Shape
from render.theme import Theme

SLANT: Final = 0.5 * math.sqrt(0.5)  # of a depth: how far it goes to the right, and as far up
SLAB_GAP: Final = 3.0
SLABS_UP_TO: Final = 3  # drawn of a stack; the number says how many there are
_SMALLEST_WINDOW = 6.0  # points
_LEAST_WINDOW = 0.2  # of a side: a kernel of 3 on 224 could not be seen


def slabs(copies: int) -> int:
    """How many are drawn of so many copies."""
    return min(copies, SLABS_UP_TO)


def breadth(solid: Solid, copies: int) -> float:
    """From the left end of a stack to its right, with what is seen of its depth."""
    count = slabs(copies)
    return count * solid.width + (count - 1) * SLAB_GAP + SLANT * solid.depth


def rise(solid: Solid) -> float:
    """From the lower end to the upper, with what is seen of its depth."""
    return solid.height + SLANT * solid.depth


def stack(x: float, y: float, solid: Solid, copies: int, kind: str, theme: Theme) -> tuple[Shape, ...]:
    """The faces of a block and its copies. x, y: the middle of all that is drawn."""
    left = x - breadth(solid, copies) / 2
    starts = [left + index * (solid.width + SLAB_GAP) for index in range(slabs(copies))]
    return tuple(face for start in starts for face in _cuboid(start, y, solid, kind, theme))


def side_middle(x: float, y: float, solid: Solid, copies: int) -> Point:
    """The middle of the face on the right, where what is handed on leaves."""
    return (x + breadth(solid, copies) / 2 - SLANT * solid.depth / 2, y)


def left_end(x: float, y: float, solid: Solid, copies: int) -> Point:
    """Where a line at half height meets a block from the left; if it is deeper than tall, on the slope of its top."""
    return (x - breadth(solid, copies) / 2 + _slope(solid), y)


def right_end(x: float, y: float, solid: Solid, copies: int) -> Point:
    """Where a line at half height leaves a block to the right."""
    return (x + breadth(solid, copies) / 2 - _slope(solid), y)


def _slope(solid: Solid) -> float:
    """How far the outline at half height lies inside the ends."""
    return max(0.0, (SLANT * solid.depth - solid.height) / 2)


def cone(
    source: tuple[float, float, Solid, int], target: Point, window: tuple[float, float], theme: Theme
) -> tuple[Shape, ...]:
    """A kernel's window on the right face of a block, and lines from its corners to what it makes of it.

    window: shares of the face's height and depth; small ones are drawn as large as can be seen.
    """
    x, y, solid, copies = source
    middle = side_middle(x, y, solid, copies)
    tall, deep = (_seen(share, side) for share, side in zip(window, (solid.height, solid.depth), strict=True))
    up, along = solid.height * tall / 2, SLANT * solid.depth * deep / 2
    # The window stands in the upper part of the face, as far as it has room there.
    centre = (middle[0], middle[1] - solid.height * (1 - tall) * 0.18)
    corners = tuple(
        (centre[0] + sign * along, centre[1] - sign * along + side * up)
        for sign, side in ((-1, -1), (1, -1), (1, 1), (-1, 1))
    )
    line = theme.ink
    fill = theme.ground if min(tall, deep) < 1 else None
    rays = tuple(straight(corner, target, line, 0.6) for corner in corners)
    point = Circle(x=target[0], y=target[1], radius=1.6, fill=line)
    return (Polygon(points=corners, fill=fill, line=line, line_width=0.8), *rays, point)


def _seen(share: float, side: float) -> float:
    """A window's share of a side, as large as can be seen."""
    return min(max(share, _LEAST_WINDOW, _SMALLEST_WINDOW / side), 1.0)


def straight(start: Point, end: Point, line: str, width: float, *, dashed: bool = False) -> Curve:
    """A straight line, as the one piece of a curve."""
    return Curve(points=(start, start, end, end), line=line, line_width=width, dashed=dashed)


def mixed(colour: str, other: str, share: float) -> str:
    """So much of a colour, the rest of another."""
    pairs = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(one * share + two * (1 - share)):02X}" for one, two in pairs)


def _cuboid(left: float, y: float, solid: Solid, kind: str, theme: Theme) -> tuple[Shape, ...]:
    slant, right = SLANT * solid.depth, left + solid.width
    low = y + rise(solid) / 2
    high = low - solid.height
    front, top, side, edge = _shades(kind, theme)
    faces = (
        (front, ((left, high), (right, high), (right, low), (left, low))),
        (top, ((left, high), (left + slant, high - slant), (right + slant, high - slant), (right, high))),
        (side, ((right, high), (right + slant, high - slant), (right + slant, low - slant), (right, low))),
    )
    return tuple(Polygon(points=points, fill=fill, line=edge, line_width=0.75) for fill, points in faces)


def _shades(kind: str, theme: Theme) -> tuple[str, str, str, str]:
    """The colours of front, top, side and edges: light falls from above and from the right, onto the maps."""
    bar, ground = theme.kinds[kind].bar, theme.ground
    if theme.name == "print":
        return mixed(bar, ground, 0.30), ground, mixed(bar, ground, 0.12), bar
    if theme.name == "dark":
        return mixed(bar, ground, 0.45), mixed(bar, ground, 0.85), mixed(bar, ground, 0.65), mixed(bar, "#FFFFFF", 0.8)
    return mixed(bar, ground, 0.66), mixed(bar, ground, 0.24), mixed(bar, ground, 0.44), mixed(bar, "#000000", 0.75)


def _channels(colour: str) -> list[int]:
    return [int(colour[start : start + 2], 16) for start in (1, 3, 5)]
