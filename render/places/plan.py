"""A diagram whose parts have places, before it is cut into columns and coloured. Lengths are points, y downwards."""

from __future__ import annotations

from dataclasses import dataclass, field

from render.diagram import Arrow, Box, Cluster
from render.places.boxes import Band, Look
from render.scene import Point


@dataclass(frozen=True, slots=True)
class PlacedBox:
    """x, y: the upper left corner."""

    box: Box
    look: Look
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class PlacedFrame:
    """depth: 0 for one that stands in the picture itself. continued: how many columns before it
    have a piece of it."""

    cluster: Cluster
    band: Band
    x: float
    y: float
    width: float
    height: float
    depth: int
    continued: int = 0


@dataclass(frozen=True, slots=True)
class PlacedArrow:
    """points: a start, then three for each cubic piece. headed: it ends in a head. junction: a dot where it starts.

    index: the arrow's place in the diagram; piece: which part of it this is, where it is cut."""

    arrow: Arrow
    index: int
    points: tuple[Point, ...]
    headed: bool
    junction: bool = False
    piece: int = 0


@dataclass(frozen=True, slots=True)
class PlacedLabel:
    """The shape beside an arrow. x, y: where `anchor` says on the baseline."""

    index: int
    text: str
    x: float
    y: float
    centred: bool


@dataclass(frozen=True, slots=True)
class Continuation:
    """A letter in a small circle, where an arrow leaves a column and where it comes in again. x, y: its centre."""

    letter: str
    x: float
    y: float
    leaving: bool


@dataclass(slots=True)
class Plan:
    """All that has a place. width, height: of the room they take, from 0, 0."""

    width: float = 0.0
    height: float = 0.0
    boxes: list[PlacedBox] = field(default_factory=list)
    frames: list[PlacedFrame] = field(default_factory=list)
    arrows: list[PlacedArrow] = field(default_factory=list)
    labels: list[PlacedLabel] = field(default_factory=list)
    continuations: list[Continuation] = field(default_factory=list)
