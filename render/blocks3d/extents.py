"""What a tensor looks like: its sizes as those of a solid, and the lengths that those are drawn with.

Sides go by the square root of their size, so that 5 can still be seen beside 224; channels by the logarithm, so that a
layer of 4,096 does not eat the page.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

Form: TypeAlias = Literal["volume", "sheet", "vector", "scalar"]

# A free size has no length. All are drawn as if they were this, which many halvings divide; the labels keep the names.
STAND_IN: Final = 256

TALLEST: Final = 130.0  # points: the largest side on the picture
_SHORTEST = 7.0
_THIN = 9.0  # points: the width of a vector's bar, the depth of a vector and of a sheet
_LEAST_VECTOR = 36.0
# A model of small layers alone is not drawn as if they were large.
_USUAL_VECTOR = 1024
_USUAL_SIDE = 8
_CHANNEL = 3.2  # points for each doubling of the channels


@dataclass(frozen=True, slots=True)
class Extent:
    """A tensor's sizes without its batch. A sheet has a length and channels, a vector has channels alone."""

    form: Form
    channels: int = 1
    height: int = 1
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Solid:
    """The lengths of what is drawn, in points, before it is projected."""

    width: float
    height: float
    depth: float


@dataclass(frozen=True, slots=True)
class Measure:
    """What the largest of a picture are: a side of a volume or a sheet, a vector."""

    side: int
    vector: int


def extent_of(shape: list[int | str] | None, batch: str | None, *, channels_first: bool) -> Extent:
    """The extent of one tensor's shape; a scalar's where it is not known.

    channels_first: of two sizes the first is the channels (as 1-d convolutions have it), not the length.
    """
    sizes = shape or []
    named = free_names(shape, batch)
    numbers = [size_of(each) for each in sizes if each != batch or len(sizes) == 1]
    if not numbers or sizes == [batch]:
        return Extent("scalar")
    if len(numbers) == 1:  # tokens of a sequence have no channels; a vector has nothing else
        return Extent("sheet", 1, numbers[0]) if named else Extent("vector", numbers[0])
    if len(numbers) == 2:
        return Extent("sheet", *(numbers if channels_first else reversed(numbers)))
    return Extent("volume", math.prod(numbers[:-2]), *numbers[-2:])


def measure_of(extents: list[Extent]) -> Measure:
    """The largest sizes among these, to which the others are drawn."""
    sides = [side for each in extents for side in _sides(each)]
    return Measure(max(sides, default=1), max([each.channels for each in extents], default=1))


def solid_of(extent: Extent, measure: Measure) -> Solid:
    """The lengths that an extent is drawn with."""
    if extent.form == "scalar":
        return Solid(_THIN, _THIN, _THIN)
    if extent.form == "vector":
        share = math.log2(1 + extent.channels) / math.log2(1 + max(measure.vector, _USUAL_VECTOR))
        return Solid(_THIN, _LEAST_VECTOR + (TALLEST - _LEAST_VECTOR) * share, _THIN)
    width = max(_CHANNEL * math.log2(1 + extent.channels), _SHORTEST / 2)
    depth = _THIN if extent.form == "sheet" else _side(extent.depth, measure)
    return Solid(width, _side(extent.height, measure), depth)


def size_of(size: int | str) -> int:
    """The number that a size is drawn by: itself, or its text worked out with every name as `STAND_IN`."""
    if isinstance(size, int):
        return max(size, 1)
    try:
        return max(_worked_out(ast.parse(size, mode="eval").body), 1)
    except (SyntaxError, ZeroDivisionError):
        return STAND_IN


def first_of(shape: Any) -> list[int | str] | None:
    """The sizes of a shape: of several results, the first one's. None where they are not known."""
    while shape and (isinstance(shape, dict) or isinstance(shape[0], list | dict)):
        shape = next(iter(shape.values())) if isinstance(shape, dict) else shape[0]
    return None if shape is None else list(shape)


def free_names(shape: list[int | str] | None, batch: str | None) -> list[str]:
    """The names that the shape's sizes hang on, without the batch, in the order in which they stand."""
    texts = [each for each in shape or [] if isinstance(each, str) and each != batch]
    words = "".join(letter if letter.isalnum() or letter == "_" else " " for letter in " ".join(texts)).split()
    return list(dict.fromkeys(word for word in words if word.isidentifier()))


def _sides(extent: Extent) -> list[int]:
    return {"volume": [extent.height, extent.depth], "sheet": [extent.height]}.get(extent.form, [])


def _side(size: int, measure: Measure) -> float:
    return max(TALLEST * math.sqrt(size / max(measure.side, _USUAL_SIDE)), _SHORTEST)


_OPERATORS: Mapping[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.BitOr: max,  # one of several, by a choice
}


def _worked_out(tree: ast.expr) -> int:
    match tree:
        case ast.Constant(value=int(number)):
            return number
        case ast.UnaryOp(op=ast.USub(), operand=of):
            return -_worked_out(of)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            return _OPERATORS[type(sign)](_worked_out(left), _worked_out(right))
        case _:
            return STAND_IN
