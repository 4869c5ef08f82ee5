"""A finished picture as plain shapes, each at its place: what every format that shows places is written from.

Lengths are points (1/72 inch), which is also SVG's unit here. x grows to the right, y downwards. Colours are `#RRGGBB`.
A writer of a format knows these shapes and nothing of models. Shapes are drawn in the order in which they stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

Point: TypeAlias = tuple[float, float]
Anchor: TypeAlias = Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rectangle:
    """x, y: the upper left corner. radius: of the corners. A fill or a line that is None is not there."""

    x: float
    y: float
    width: float
    height: float
    fill: str | None = None
    line: str | None = None
    line_width: float = 1.0
    dashed: bool = False
    radius: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Circle:
    """x, y: the centre."""

    x: float
    y: float
    radius: float
    fill: str | None = None
    line: str | None = None
    line_width: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Polygon:
    """A closed outline of straight sides: the head of an arrow, the face of a block."""

    points: tuple[Point, ...]
    fill: str | None = None
    line: str | None = None
    line_width: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """An open line of cubic Bézier pieces: a start, then three points for each piece (two controls and its end).

    A straight piece has its controls on the line.
    """

    points: tuple[Point, ...]
    line: str
    line_width: float = 1.0
    dashed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One line of text. x: where `anchor` says; y: the baseline. size: of the letters, in points."""

    x: float
    y: float
    text: str
    size: float
    colour: str
    bold: bool = False
    anchor: Anchor = "start"


Shape: TypeAlias = Rectangle | Circle | Polygon | Curve | Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The shapes that belong together, as one thing that can be pointed at.

    name: unique in the picture and the same from one drawing to the next: `layer1.0.conv1`.
    role: what it is: "box", "cluster", "arrow", "heading", "legend".
    title: what a mouse over it is shown; "" for nothing.
    """

    name: str
    role: str
    shapes: tuple[Shape, ...]
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A whole picture. title: its name; description: what it shows, for those who cannot see it."""

    title: str
    description: str
    width: float
    height: float
    ground: str
    parts: tuple[Part, ...]


def texts(scene: Scene) -> Iterator[Text]:
    """Every line of text on the picture."""
    return (shape for part in scene.parts for shape in part.shapes if isinstance(shape, Text))
