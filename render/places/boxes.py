"""How large each box and each cluster's title is, and where in it its lines of text stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from render.diagram import Box, Cluster
from render.letters import cut, facts_in_lines, text_width, wrapped
from render.scene import Anchor

TITLE, SMALL, SIGN = 12.0, 10.0, 14.0  # sizes of letters
BAR = 5.0  # the strip in the kind's colour, at a box's left
STACKED = 4.0  # how far the second edge of a closed box looks out, to the right and below
DOT = 2.5  # radius
_LEFT, _RIGHT = BAR + 8, 8.0
_FIRST, _NEXT, _BELOW = 17.0, 14.0, 8.5  # from the upper edge to the first baseline, on to each next, and to the lower
_APART = 6.0  # between two texts on a line
_CIRCLE = 11.0


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text. x, y: from the upper left corner of what it stands in, to the anchor and the baseline."""

    x: float
    y: float
    text: str
    size: float = SMALL
    bold: bool = False
    colour: Literal["ink", "muted"] = "muted"
    anchor: Anchor = "start"


@dataclass(frozen=True, slots=True)
class Look:
    """width and height are those that others keep away from; a circle's is its diameter."""

    width: float
    height: float
    lines: tuple[Line, ...]


def look_of(box: Box, width: float) -> Look:
    """width: of a box that is a table."""
    if box.form == "dot":
        return Look(2 * DOT, 2 * DOT, ())
    if box.form == "circle":
        return _circle(box)
    lines = tuple(_lines(box, width))
    height = max(each.y for each in lines) + _BELOW
    stacked = STACKED if closed(box) else 0.0
    return Look(width + stacked, height + stacked, lines)


def natural_width(box: Box) -> float:
    """The width at which title, name and number stand on one line."""
    if box.form != "table":
        return 0.0
    words = [text_width(box.title, TITLE, bold=True), text_width(box.label, SMALL), text_width(_number(box), SMALL)]
    return _LEFT + sum(each + 1.5 * _APART for each in words if each) + _RIGHT


def _circle(box: Box) -> Look:
    """A merge: its sign in a small circle, which is larger where the sign is a word."""
    size = SMALL if len(box.title) > 1 else SIGN
    wide = text_width(box.title, size)
    radius = max(_CIRCLE, wide / 2 + 4.5) if len(box.title) > 1 else _CIRCLE
    sign = Line(radius, radius + size * 0.36, box.title, size, colour="ink", anchor="middle")
    return Look(2 * radius, 2 * radius, (sign,))


def _lines(box: Box, width: float) -> Iterator[Line]:
    """Title, name and number of parameters, then the details; what does not fit beside stands below."""
    room, end = width - _LEFT - _RIGHT, width - _RIGHT
    number = _number(box)
    beside = text_width(number, SMALL) + _APART if number else 0.0
    alone = text_width(box.title, TITLE, bold=True) > room - beside  # the title leaves no room for the number
    titles = _title_lines(box.title, room) if alone else [box.title]
    y = _FIRST + _NEXT * (len(titles) - 1)
    for index, title in enumerate(titles):
        yield Line(_LEFT, _FIRST + _NEXT * index, title, TITLE, bold=True, colour="ink")
    if number and not alone:
        yield Line(end, _FIRST, number, colour="ink", anchor="end")
    after = _LEFT + text_width(titles[-1], TITLE, bold=True) + _APART
    name_beside = box.label and not alone and after + text_width(box.label, SMALL) <= end - beside
    if name_beside:
        yield Line(after, y, box.label)
    below = [] if name_beside or not box.label else [cut(box.label, room, SMALL)]
    told = len(box.detail) - box.remarks
    below += facts_in_lines(box.detail[:told], room, SMALL)
    below += [line for each in box.detail[told:] for line in facts_in_lines([each], room, SMALL)]
    for index, line in enumerate(below):
        yield Line(_LEFT, y + _NEXT * (index + 1), line)
    if number and alone:  # on the first line that has room for it
        free = [index for index, line in enumerate(below) if text_width(line, SMALL) <= room - beside]
        yield Line(end, y + _NEXT * ((free[0] if free else len(below)) + 1), number, colour="ink", anchor="end")


def _title_lines(title: str, room: float) -> list[str]:
    """At most two, broken between words."""
    lines = wrapped(title.split(" "), room, TITLE, bold=True)
    if len(lines) <= 2:
        return lines
    rest = " ".join(title.split(" ")[lines[0].count(" ") + 1 :])
    return [lines[0], cut(rest, room, TITLE, bold=True)]


def _number(box: Box) -> str:
    return f"{box.parameters:,}" if box.parameters else ""


@dataclass(frozen=True, slots=True)
class Band:
    """The strip of a cluster's title, of this height.

    lines: from the frame's upper left corner; those anchored at their end, from its upper right corner."""

    height: float
    lines: tuple[Line, ...]


def band_of(cluster: Cluster, before: float, after: float) -> Band:
    """The title at the left, its parameters at the right, what else is told below.

    before, after: the room to both sides of the arrow that comes in."""
    left, right = before - _INSET - _APART, after - _INSET - _APART
    size = TITLE - 1
    lines = [Line(_INSET, 16.0, cut(cluster.title, left, size, bold=True), size, bold=True, colour="ink")]
    facts, number = _facts(cluster)
    if number and text_width(number, SMALL) > right:
        facts, number = [*facts, number], ""
    if number:
        lines.append(Line(-_INSET, 16.0, number, colour="ink", anchor="end"))
    if facts:
        lines.append(Line(_INSET, 30.0, cut(" · ".join(facts), left, SMALL)))
    return Band(max(each.y for each in lines) + 8, tuple(lines))


def _facts(cluster: Cluster) -> tuple[list[str], str]:
    """What a cluster's second line tells, without the number of parameters, and that number as text."""
    number = f"{cluster.parameters:,}" if cluster.parameters else ""
    facts = [each for each in cluster.detail.split(" · ") if each]
    said = [each for each in facts if each.removesuffix(" parameters") == number]
    return [each for each in facts if each not in said], number if said else ""


_INSET = 10.0


def closed(box: Box) -> bool:
    """Whether there is something inside that is not drawn."""
    return bool(box.region or box.stretch)
