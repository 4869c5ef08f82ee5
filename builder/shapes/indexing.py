"""The shape of `x[...]`: whole numbers, slices, `none`, `...` and tensors of places, as torch has them."""

from __future__ import annotations

from collections.abc import Sequence
from types import EllipsisType
from typing import TypeAlias

from builder.shapes.broadcasting import broadcast
from builder.shapes.call import Made, Misfit, TensorType
from builder.shapes.conditions import Conditions, needs_at_least
from builder.shapes.sizes import Free, Size, at_least, bounds

Index: TypeAlias = "int | Free | slice | TensorType | EllipsisType | None"


def indexed(given: TensorType, indices: Sequence[Index]) -> Made:
    """given[indices]. Misfit where there are too many of them, one lies outside, or a mask makes the size unknown."""
    filled = _filled(given, indices)
    dims = iter(given.shape)
    shape: list[Size] = []
    conditions: Conditions = ()
    tensors: list[tuple[int, TensorType]] = []  # the place among the new dims, and what stands there
    apart = False
    previous: Index = None
    for each in filled:
        if each is None:
            shape.append(1)
        elif isinstance(each, TensorType):
            _demand_places(given, each)
            next(dims)
            if not each.shape:
                continue  # a single place is a whole number to torch
            apart = apart or (bool(tensors) and not isinstance(previous, TensorType))
            tensors.append((len(shape), each))
        elif isinstance(each, slice):
            size, more = _sliced(given, next(dims), each)
            shape.append(size)
            conditions += more
        elif not isinstance(each, EllipsisType):
            conditions += _inside(given, next(dims), each)
            continue  # a whole number takes its dim away before tensors are looked at
        previous = each
    if tensors:
        shared, more = broadcast("an index", [each for _, each in tensors])
        at = 0 if apart else tensors[0][0]
        shape[at:at] = shared
        conditions += more
    return Made(result=TensorType(tuple(shape), given.dtype), conditions=tuple(dict.fromkeys(conditions)))


def _filled(given: TensorType, indices: Sequence[Index]) -> list[Index]:
    """The indices with `...` spelled out, one for each dim and `None` between them."""
    taken = sum(each is not None and not isinstance(each, EllipsisType) for each in indices)
    gaps = sum(isinstance(each, EllipsisType) for each in indices)
    if taken > len(given.shape):
        raise Misfit(f"{taken} indices are too many for {given}, which has {len(given.shape)} dims")
    if gaps > 1:
        raise Misfit("an index has `...` once at most")
    rest: list[Index] = [slice(None)] * (len(given.shape) - taken)
    if not gaps:
        return [*indices, *rest]
    at = next(index for index, each in enumerate(indices) if isinstance(each, EllipsisType))
    return [*indices[:at], *rest, *indices[at + 1 :]]


def _demand_places(given: TensorType, index: TensorType) -> None:
    if index.dtype in ("bool", "uint8"):
        message = f"a mask picks from {given} as many numbers as the data says, so the result has no known shape"
        raise Misfit(message, fix="where(mask, x, 0.0) or masked_fill(x, mask, 0.0) keeps the shape", code="dtype")
    if index.dtype not in ("int64", "int32"):
        raise Misfit(f"an index is int64 or int32, but this one is {index.dtype}", code="dtype")


def _inside(given: TensorType, size: Size, index: int | Free) -> Conditions:
    """An index from the front or, if it is negative, from the end."""
    misfit = Misfit(f"index {index} lies outside {given}, which has {size} there")
    if bounds(index)[1] < 0:
        return needs_at_least(size + index, 0, misfit)
    return needs_at_least(index, 0, misfit) + needs_at_least(size - index - 1, 0, misfit)


def _sliced(given: TensorType, size: Size, part: slice) -> tuple[Size, Conditions]:
    """How many places a slice has. A free size on which the clipping hangs must be large enough not to be clipped."""
    step = 1 if part.step is None else part.step
    if not isinstance(step, int) or step < 1:
        raise Misfit(f"a slice of a tensor has a step of at least 1, but this one has {step}", fix="flip turns a dim")
    start, conditions = _end(given, size, 0 if part.start is None else part.start)
    stop, more = _end(given, size, size if part.stop is None else part.stop)
    conditions += more
    length = stop - start
    held = at_least(length, 0)
    if held is False:
        return 0, conditions
    if held is None:
        conditions += needs_at_least(length, 0, _never(given))
    return (length + step - 1) // step, conditions


def _end(given: TensorType, size: Size, end: Size) -> tuple[Size, Conditions]:
    """One end of a slice as Python clips it: counted from the end if negative, and between 0 and the size."""
    conditions: Conditions = ()
    low, high = bounds(end)
    if high < 0:
        from_start = size + end
        held = at_least(from_start, 0)
        if held is False:
            return 0, ()
        return from_start, needs_at_least(from_start, 0, _never(given))
    if low < 0:  # which way it counts hangs on a free size: from the front
        conditions = needs_at_least(end, 0, _never(given))
    if at_least(size - end, 0) is False:
        return size, conditions
    return end, conditions + needs_at_least(size - end, 0, _never(given))


def _never(given: TensorType) -> Misfit:
    return Misfit(f"no part of {given}")  # not raised: what can never hold is told apart before
