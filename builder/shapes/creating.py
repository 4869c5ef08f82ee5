"""Tensors out of nothing: zeros, ones, rand, full, arange. They read no tensor; free sizes may stand in their shape."""

from __future__ import annotations

from collections.abc import Mapping

from builder.shapes.call import Call, Made, Misfit, TensorType
from builder.shapes.conditions import needs_at_least
from builder.shapes.dtypes import category
from builder.shapes.reading import argument, sizes
from builder.shapes.rule import Rule
from builder.shapes.sizes import Free, Size


def filled(call: Call) -> Made:
    """zeros, ones, rand, randn: `size`, float32 unless `dtype` is written; full: the dtype of its number."""
    dtype = argument(call, "dtype")
    if not isinstance(dtype, str):
        dtype = _dtype_of(argument(call, "fill_value")) if call.entry.name == "full" else "float32"
    if call.entry.name in ("rand", "randn") and category(dtype) < 2:
        message = f"{call.entry.name} draws floating-point numbers, but its dtype is {dtype}"
        raise Misfit(message, argument="dtype", code="dtype")
    return Made(result=TensorType(sizes(call, "size"), dtype))


def arange(call: Call) -> Made | None:
    """arange over whole numbers: ceil((end - start) / step), int64; over others torch is asked."""
    start, end, step = (call.arguments.get(name, otherwise) for name, otherwise in _RANGE)
    if not _whole(start) or not _whole(end) or not isinstance(step, int) or isinstance(step, bool) or step == 0:
        return None
    assert isinstance(start, (int, Free))
    assert isinstance(end, (int, Free))
    dtype = argument(call, "dtype")
    misfit = Misfit(f"arange from {start} to {end} by {step} goes the wrong way", argument="end")
    distance: Size = end - start if step > 0 else start - end
    conditions = needs_at_least(distance, 0, misfit)
    count = (distance + abs(step) - 1) // abs(step)
    return Made(result=TensorType((count,), dtype if isinstance(dtype, str) else "int64"), conditions=conditions)


_RANGE: tuple[tuple[str, object], ...] = (("start", 0), ("end", None), ("step", 1))


def _whole(value: object) -> bool:
    return isinstance(value, (int, Free)) and not isinstance(value, bool)


def _dtype_of(number: object) -> str:
    return "bool" if isinstance(number, bool) else "int64" if isinstance(number, int) else "float32"


RULES: Mapping[str, Rule] = {
    "arange": arange,
    "full": filled,
    "ones": filled,
    "rand": filled,
    "randn": filled,
    "zeros": filled,
}
