"""Pooling: windows that slide, windows that adapt to the size of the result; modules and functions alike."""

from __future__ import annotations

from collections.abc import Mapping

from builder.shapes.call import Call, Made, Misfit, TensorType, Value, shape_text
from builder.shapes.conditions import Conditions, needs_at_least
from builder.shapes.dtypes import category
from builder.shapes.reading import argument, demand_dims, demand_floating, free_argument, numbers, tensor
from builder.shapes.rule import Rule
from builder.shapes.sizes import Free, Size


def max_pooling(call: Call) -> Made:
    """MaxPool1d to 3d: (N, C, *) or (C, *); with `return_indices` also the places of the maxima, int64."""
    made = _pooled(call, "dilation")
    return _with_indices(call, made)


def average_pooling(call: Call) -> Made:
    """AvgPool1d to 3d."""
    return _pooled(call, None)


def power_pooling(call: Call) -> Made:
    """LPPool1d to 3d: no padding."""
    return _pooled(call, None)


def adaptive_pooling(call: Call) -> Made:
    """AdaptiveAvgPool and AdaptiveMaxPool: the result has `output_size`; None keeps the input's."""
    dims = _dims(call)
    given = _image(call, dims)
    demand_floating(call, given)
    wanted = argument(call, "output_size")
    listed = list(wanted) if isinstance(wanted, (list, tuple)) else [wanted] * dims
    if len(listed) == 1:
        listed = listed * dims
    if len(listed) != dims:
        message = f"{call.entry.name} needs {dims} numbers in output_size, or one for all, but it has {len(listed)}"
        raise Misfit(message, argument="output_size")
    spatial = [_wanted(call, size, kept) for size, kept in zip(listed, given.shape[-dims:], strict=True)]
    made = Made(result=TensorType((*given.shape[:-dims], *spatial), given.dtype))
    return _with_indices(call, made) if "max" in call.entry.name.lower() else made


def _wanted(call: Call, size: object, kept: Size) -> Size:
    if size is None:
        return kept
    if isinstance(size, Free) and call.entry.role == "module":
        raise free_argument(call, "output_size", size)
    if isinstance(size, Free) or (isinstance(size, int) and not isinstance(size, bool) and size >= 0):
        return size
    raise Misfit(f"{call.entry.name} needs whole numbers in output_size", argument="output_size", code="argument")


def _with_indices(call: Call, made: Made) -> Made:
    asked = argument(call, "return_indices") is True or call.entry.name.endswith("_with_indices")
    if not asked or not isinstance(made.result, TensorType):
        return made
    result: Value = (made.result, TensorType(made.result.shape, "int64"))
    return Made(result=result, conditions=made.conditions)


def _pooled(call: Call, dilation_name: str | None) -> Made:
    dims = _dims(call)
    given = _image(call, dims)
    kernel = numbers(call, "kernel_size", dims, 1)
    stride = kernel if argument(call, "stride") in (None, []) else numbers(call, "stride", dims, 1)
    padding = numbers(call, "padding", dims, 0) if call.entry.accepts("padding") else (0,) * dims
    dilation = numbers(call, dilation_name, dims, 1) if dilation_name else (1,) * dims
    _half_at_most(call, kernel, padding)
    spatial: list[Size] = []
    conditions: Conditions = ()
    for index, size in enumerate(given.shape[-dims:]):
        reach = dilation[index] * (kernel[index] - 1) + 1
        made, more = _slid(call, given, size, (reach, stride[index], padding[index]))
        spatial.append(made)
        conditions += more
    return Made(result=TensorType((*given.shape[:-dims], *spatial), given.dtype), conditions=conditions)


def _slid(call: Call, given: TensorType, size: Size, window: tuple[int, int, int]) -> tuple[Size, Conditions]:
    """floor((size + 2 padding - reach) / stride) + 1; with `ceil_mode` a window may hang over the end.

    A hanging window must start inside the input or its left padding. So there are the lesser of
    ceil((size + 2 padding - reach) / stride) + 1 and ceil((size + padding) / stride) windows, and which of the two is
    lesser hangs on the window alone.
    """
    reach, stride, padding = window
    if argument(call, "ceil_mode") is True:
        over = size + min(2 * padding - reach + stride - 1, padding - 1)
        note = f"ceil(({size} + 2*{padding} - {reach}) / {stride}) + 1 = {over // stride + 1}"
    else:
        over = size + 2 * padding - reach
        note = f"floor(({size} + 2*{padding} - {reach}) / {stride}) + 1 = {over // stride + 1}"
    message = f"{call.entry.name} has a window of {reach}, which does not fit an input of {shape_text(given.shape)}"
    misfit = Misfit(message, argument="kernel_size", notes=(note,))
    return over // stride + 1, needs_at_least(over, 0, misfit)


def _half_at_most(call: Call, kernel: tuple[int, ...], padding: tuple[int, ...]) -> None:
    for each, width in zip(kernel, padding, strict=True):
        if width > each // 2:
            message = f"{call.entry.name} can pad by half of its kernel at most, but {width} is more than {each} // 2"
            raise Misfit(message, argument="padding")


def _image(call: Call, dims: int) -> TensorType:
    given = tensor(call, 0, "input")
    letters = ", ".join(("D", "H", "W")[-dims:] if dims > 1 else ("L",))
    demand_dims(call, given, (dims + 1, dims + 2), f"(N, C, {letters}) or (C, {letters})")
    if category(given.dtype) == 0:
        raise Misfit(f"{call.entry.name} reads numbers, but its input is bool", code="dtype")
    return given


def _dims(call: Call) -> int:
    return next(int(letter) for letter in call.entry.name if letter.isdigit())


_FAMILIES: Mapping[str, Rule] = {
    "MaxPool": max_pooling,
    "AvgPool": average_pooling,
    "LPPool": power_pooling,
    "AdaptiveAvgPool": adaptive_pooling,
    "AdaptiveMaxPool": adaptive_pooling,
    "max_pool": max_pooling,
    "avg_pool": average_pooling,
    "lp_pool": power_pooling,
    "adaptive_avg_pool": adaptive_pooling,
    "adaptive_max_pool": adaptive_pooling,
}
RULES: Mapping[str, Rule] = {f"{family}{dims}d": rule for family, rule in _FAMILIES.items() for dims in (1, 2, 3)}
