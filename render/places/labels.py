"""Where the label of an arrow stands that has no straight way: beside its curve, where no curve runs through it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from render.letters import text_width
from render.places.boxes import SMALL

_Place: TypeAlias = tuple[float, float]  # along main, along cross
Room: TypeAlias = tuple[float, float, float, float]  # from where to where along main, and along cross
_OFF = 6.0  # from an arrow to its label
_HIGH = 14.0  # a label with the air around it
_FURTHER = (0.0, 8.0, 16.0, 26.0, 40.0)
_STEP = 2.0


def beside(
    curve: Sequence[_Place], label: str, across: bool, curves: Sequence[Sequence[_Place]], parts: Sequence[Room]
) -> _Place:
    """A place beside the first half of a curve, as near to its beginning as there is one that is free; where none is,
    the one with the least in it. curves, parts: all there are."""
    width = text_width(label, SMALL)
    taken = [each for other in curves for each in _along(other)]
    own = list(_along(curve))
    found: list[tuple[int, _Place]] = []
    for place in _candidates(own[1 : max(2, len(own) // 2)], width, across):
        hits = sum(_is_in(each, place, width, across) for each in taken)
        hits += sum(10 * _overlap(_room(place, width, across), each) for each in parts)
        if not hits:
            return place
        found.append((hits, place))
    return min(found)[1]


def _candidates(points: list[_Place], width: float, across: bool) -> Iterator[_Place]:
    """To both sides of each point, and further off for curves that run aslant."""
    for off in _FURTHER:
        for main, cross in points:
            yield (main, cross - off) if across else (main, cross + off)
            yield (main, cross + _HIGH + 3 + off) if across else (main, cross - width - 2 * _OFF - off)


def _room(place: _Place, width: float, across: bool) -> Room:
    """What a label takes that is put to a place, as a plan puts it."""
    main, cross = place
    if across:
        return main - width / 2 - 2, main + width / 2 + 2, cross - _HIGH - 2, cross - 2
    return main - _HIGH / 2, main + _HIGH / 2, cross + _OFF - 2, cross + _OFF + width + 2


def _overlap(one: Room, other: Room) -> bool:
    return one[0] < other[1] and other[0] < one[1] and one[2] < other[3] and other[2] < one[3]


def _is_in(point: _Place, place: _Place, width: float, across: bool) -> bool:
    low, high, left, right = _room(place, width, across)
    return low < point[0] < high and left < point[1] < right


def _along(curve: Sequence[_Place]) -> Iterator[_Place]:
    """Points on a curve, a few points apart, by the formula of a cubic Bézier."""
    for index in range(1, len(curve) - 2, 3):
        corners = curve[index - 1 : index + 3]
        (main, cross), (to_main, to_cross) = corners[0], corners[-1]
        steps = max(4, int((abs(to_main - main) + abs(to_cross - cross)) / _STEP))
        for step in range(steps + 1):
            t = step / steps
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
            yield (
                sum(weight * corner[0] for weight, corner in zip(weights, corners, strict=True)),
                sum(weight * corner[1] for weight, corner in zip(weights, corners, strict=True)),
            )
