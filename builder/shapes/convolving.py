"""Convolutions as functions: the weight and the bias are fed as tensors."""

from __future__ import annotations

from collections.abc import Mapping

from builder.shapes.call import Call, Made, Misfit, TensorType, shape_text
from builder.shapes.convolution import dims_of, image_of, slide, spread, window_of
from builder.shapes.linear import rows
from builder.shapes.reading import demand_dims, fixed, has_shape, tensor, whole
from builder.shapes.rule import Rule
from builder.shapes.sizes import product


def convolution(call: Call) -> Made:
    """conv1d, conv2d, conv3d: a weight of (out, in / groups, *kernel), a bias of (out)."""
    given, kernel = _fed(call)
    dims, (out, into) = dims_of(call), kernel[:2]
    _demand_channels(call, given, into * whole(call, "groups", 1), kernel)
    spatial, conditions = slide(call, given, window_of(call, kernel[2:]))
    return Made(
        result=TensorType((*given.shape[: -dims - 1], out, *spatial), given.dtype),
        multiply_adds=rows(given.shape[: -dims - 1]) * product([*spatial, *kernel]),
        conditions=conditions + has_shape(call, 2, "bias", (out,)),
    )


def transposed(call: Call) -> Made:
    """conv_transpose1d to 3d: a weight of (in, out / groups, *kernel), a bias of (out)."""
    given, kernel = _fed(call)
    dims, out = dims_of(call), kernel[1] * whole(call, "groups", 1)
    _demand_channels(call, given, kernel[0], kernel)
    spatial, conditions = spread(call, given, window_of(call, kernel[2:]))
    return Made(
        result=TensorType((*given.shape[: -dims - 1], out, *spatial), given.dtype),
        multiply_adds=rows(given.shape[: -dims - 1]) * product([*given.shape[-dims:], *kernel]),
        conditions=conditions + has_shape(call, 2, "bias", (out,)),
    )


def _fed(call: Call) -> tuple[TensorType, tuple[int, ...]]:
    """The image, and the weight's shape in numbers."""
    dims = dims_of(call)
    given, weight = image_of(call, dims), tensor(call, 1, "weight")
    demand_dims(call, weight, (dims + 2,), f"a weight of {dims + 2} dims")
    if weight.dtype != given.dtype:
        message = f"{call.entry.name} has an input of {given.dtype}, but a weight of {weight.dtype}"
        raise Misfit(message, code="dtype")
    return given, tuple(fixed(call, size, "kernel") for size in weight.shape)


def _demand_channels(call: Call, given: TensorType, expected: int, kernel: tuple[int, ...]) -> None:
    found = given.shape[-dims_of(call) - 1]
    if found != expected:
        held = f"its weight is {shape_text(kernel)}"
        raise Misfit(f"{call.entry.name} expects {expected} channels ({held}), but its input has {found}")


RULES: Mapping[str, Rule] = {
    **dict.fromkeys(("conv1d", "conv2d", "conv3d"), convolution),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), transposed),
}
