"""Shapes that are stretched to each other: dims are matched from the last, and a 1 takes the other's size."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from builder.shapes.call import Misfit, TensorType, shape_text
from builder.shapes.conditions import Conditions, needs_equal
from builder.shapes.sizes import Free, Size

Sizes = tuple[Size, ...]


def broadcast(kind: str, tensors: Sequence[TensorType]) -> tuple[Sizes, Conditions]:
    """The common shape of all tensors, and what the free sizes must satisfy. `kind` is named in a Misfit."""
    shape: Sizes = ()
    conditions: Conditions = ()
    for each in tensors:
        shape, more = broadcast_shapes(kind, shape, each.shape)
        conditions += more
    return shape, conditions


def broadcast_shapes(kind: str, left: Sizes, right: Sizes) -> tuple[Sizes, Conditions]:
    if left == right or not right:
        return left, ()
    made: list[Size] = []
    conditions: Conditions = ()
    for index, (a, b) in enumerate(zip_longest(reversed(left), reversed(right), fillvalue=1), start=1):
        if a == 1 or a == b:
            made.append(b)
        elif b == 1:
            made.append(a)
        else:
            message = f"{kind} cannot match {shape_text(left)} with {shape_text(right)}"
            notes = (f"dim -{index} has {a} in the first and {b} in the second",)
            conditions += needs_equal(a, b, Misfit(message, notes=notes))
            made.append(b if isinstance(a, Free) else a)
    return tuple(reversed(made)), conditions
