"""Where the title of a frame stands that arrows enter at several places: where none of them runs through it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from render.letters import text_width
from render.places.boxes import Band, Line
from render.scene import Point

Room: TypeAlias = tuple[float, float, float, float]  # left, top, right, bottom
_EDGE = 10.0  # from a frame to its words
_AIR = 4.0  # around words
_STEP = 5.0


def freed(band: Band, frame: Room, points: Sequence[Point], taken: Sequence[Room]) -> Band:
    """The band with its lines moved to where there is room, as near to the frame's top as there is; those for which
    there is none stay. points: of all curves, close together; taken: rooms of boxes and inner frames' titles."""
    inside = [each for each in points if frame[0] <= each[0] <= frame[2] and frame[1] <= each[1] <= frame[3]]
    blocks = _groups(band)
    # As long as nothing is in the way all stays as it is.
    if not any(_hits(_room(lines, frame), inside, taken) for lines in blocks):
        return band
    rooms = list(taken)
    moved: list[Line] = []
    for lines in blocks:
        placed = _placed(lines, frame, inside, rooms)
        rooms.append(_room(placed, frame))
        moved += placed
    return Band(max(each.y for each in moved) + 8, tuple(moved))


def rooms_of(band: Band, frame: Room) -> list[Room]:
    """What the lines of a band take."""
    return [_room(lines, frame) for lines in _groups(band)]


def _groups(band: Band) -> list[list[Line]]:
    """The title with the facts below it, and the number, which may stand apart."""
    left = [each for each in band.lines if each.anchor != "end"]
    return [each for each in (left, [line for line in band.lines if line.anchor == "end"]) if each]


def _placed(lines: list[Line], frame: Room, points: Sequence[Point], taken: Sequence[Room]) -> list[Line]:
    own = _room(lines, frame)
    if not _hits(own, points, taken):
        return lines
    near = [(x, y) for x, y in points if y < frame[1] + 400]  # what is far below is not tried at all
    for left, top in _candidates(own, frame):
        room = (left, top, left + own[2] - own[0], top + own[3] - own[1])
        if not _hits(room, near, taken):
            first = lines[0].y
            base = top - frame[1] + _AIR + 9
            return [replace(each, x=left - frame[0] + _AIR, y=base + each.y - first, anchor="start") for each in lines]
    return lines


def _candidates(own: Room, frame: Room) -> Iterator[Point]:
    """Upper left corners: along the top first, then row by row down to 350 points below it."""
    width, height = own[2] - own[0], own[3] - own[1]
    top = frame[1] + 3
    while top + height <= min(frame[3], frame[1] + 350):
        left = frame[0] + _EDGE - _AIR
        while left + width <= frame[2] - _EDGE + _AIR:
            yield left, top
            left += _STEP
        top += _STEP


def _room(lines: Sequence[Line], frame: Room) -> Room:
    widths = [text_width(each.text, each.size, bold=each.bold) for each in lines]
    lefts = [
        frame[2] + each.x - width if each.anchor == "end" else frame[0] + each.x
        for each, width in zip(lines, widths, strict=True)
    ]
    right = max(left + width for left, width in zip(lefts, widths, strict=True))
    tops = [frame[1] + each.y for each in lines]
    return min(lefts) - _AIR, min(tops) - 9 - _AIR, right + _AIR, max(tops) + _AIR


def _hits(room: Room, points: Sequence[Point], taken: Sequence[Room]) -> bool:
    left, top, right, bottom = room
    return any(left < x < right and top < y < bottom for x, y in points) or any(
        left < each[2] and each[0] < right and top < each[3] and each[1] < bottom for each in taken
    )
