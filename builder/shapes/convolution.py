"""Convolutions of one to three dims, and transposes; formulas as on torch.nn's pages of Conv and ConvTranspose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from builder.shapes.call import Call, Made, Misfit, TensorType, shape_text
from builder.shapes.conditions import Conditions, needs_at_least
from builder.shapes.linear import rows
from builder.shapes.reading import (
    agreed,
    argument,
    demand_dims,
    demand_weights_dtype,
    numbers,
    sizes,
    tensor,
    weight_dtype,
    whole,
)
from builder.shapes.rule import Rule
from builder.shapes.sizes import Size, product


@dataclass(frozen=True, slots=True)
class Window:
    """How a kernel slides over each dim of the image."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: tuple[int, ...] | None  # None: 'same', the result has the size of the input


def convolution(call: Call) -> Made:
    """Conv1d, Conv2d, Conv3d: (N, C, *) or (C, *) -> (N, out_channels, *)."""
    dims = dims_of(call)
    given = image_of(call, dims)
    demand_weights_dtype(call, given)
    channels, inferred = agreed(call, "in_channels", given.shape[-dims - 1], "channels")
    out_channels, groups = whole(call, "out_channels", 1), whole(call, "groups", 1)
    _divided(call, "in_channels", channels, groups)
    _divided(call, "out_channels", out_channels, groups)
    window = window_of(call, numbers(call, "kernel_size", dims, 1))
    spatial, conditions = slide(call, given, window)
    kernel = (out_channels, channels // groups, *window.kernel)
    return Made(
        result=TensorType((*given.shape[: -dims - 1], out_channels, *spatial), given.dtype),
        arguments=inferred,
        parameters=_parameters(call, kernel, out_channels),
        multiply_adds=rows(given.shape[: -dims - 1]) * product([*spatial, *kernel]),
        conditions=(*conditions, *_padding_mode(call, given.shape[-dims:], window)),
    )


def transposed_convolution(call: Call) -> Made:
    """ConvTranspose1d, ConvTranspose2d, ConvTranspose3d."""
    dims = dims_of(call)
    given = image_of(call, dims)
    demand_weights_dtype(call, given)
    channels, inferred = agreed(call, "in_channels", given.shape[-dims - 1], "channels")
    out_channels, groups = whole(call, "out_channels", 1), whole(call, "groups", 1)
    _divided(call, "in_channels", channels, groups)
    _divided(call, "out_channels", out_channels, groups)
    window = window_of(call, numbers(call, "kernel_size", dims, 1))
    spatial, conditions = spread(call, given, window)
    if call.arguments.get("output_size") is not None:
        spatial, conditions = _wanted(call, spatial, window)
    kernel = (channels, out_channels // groups, *window.kernel)
    return Made(
        result=TensorType((*given.shape[: -dims - 1], out_channels, *spatial), weight_dtype(call)),
        arguments=inferred,
        parameters=_parameters(call, kernel, out_channels),
        multiply_adds=rows(given.shape[: -dims - 1]) * product([*given.shape[-dims:], *kernel]),
        conditions=conditions,
    )


def dims_of(call: Call) -> int:
    """1, 2 or 3, as the type's name says."""
    return int(call.entry.name[-2])


def image_of(call: Call, dims: int) -> TensorType:
    given = tensor(call, 0, "input")
    letters = ", ".join(("D", "H", "W")[-dims:] if dims > 1 else ("L",))
    demand_dims(call, given, (dims + 1, dims + 2), f"(N, C, {letters}) or (C, {letters})")
    return given


def _divided(call: Call, name: str, channels: int, groups: int) -> None:
    if channels % groups:
        message = f"{call.entry.name} needs {name} to be a multiple of groups, but {channels} is none of {groups}"
        raise Misfit(message, argument="groups" if "groups" in call.arguments else None)


def _parameters(call: Call, kernel: tuple[int, ...], out_channels: int) -> Mapping[str, tuple[int, ...]]:
    return {"weight": kernel, "bias": (out_channels,)} if argument(call, "bias") is not False else {"weight": kernel}


def window_of(call: Call, kernel: tuple[int, ...]) -> Window:
    dims = len(kernel)
    stride, dilation = numbers(call, "stride", dims, 1), numbers(call, "dilation", dims, 1)
    padding = argument(call, "padding")
    if padding == "same":
        if any(step != 1 for step in stride):
            message = f'{call.entry.name} can keep the size (padding = "same") only with stride 1, but its stride is'
            raise Misfit(f"{message} {stride[0] if len(set(stride)) == 1 else list(stride)}", argument="padding")
        return Window(kernel, stride, dilation, None)
    widths = (0,) * dims if padding == "valid" else numbers(call, "padding", dims, 0)
    return Window(kernel, stride, dilation, widths)


def slide(call: Call, given: TensorType, window: Window) -> tuple[tuple[Size, ...], Conditions]:
    """floor((size + 2 padding - dilation (kernel - 1) - 1) / stride) + 1, for each dim."""
    image = given.shape[-len(window.kernel) :]
    if window.padding is None:
        return image, ()
    result: list[Size] = []
    conditions: Conditions = ()
    for size, kernel, stride, dilation, padding in zip(
        image, window.kernel, window.stride, window.dilation, window.padding, strict=True
    ):
        reach = dilation * (kernel - 1) + 1
        made = (size + 2 * padding - reach) // stride + 1
        formula = f"floor(({size} + 2*{padding} - {reach}) / {stride}) + 1 = {made}"
        conditions += needs_at_least(size + 2 * padding, reach, _too_large(call, given, kernel, formula))
        result.append(made)
    return tuple(result), conditions


def _too_large(call: Call, given: TensorType, kernel: int, formula: str) -> Misfit:
    message = f"{call.entry.name} has a kernel of {kernel}, which does not fit an input of {given}"
    return Misfit(message, argument="kernel_size", notes=(formula,))


def spread(call: Call, given: TensorType, window: Window) -> tuple[tuple[Size, ...], Conditions]:
    """(size - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1, for each dim."""
    image = given.shape[-len(window.kernel) :]
    extra = numbers(call, "output_padding", len(image), 0)
    result: list[Size] = []
    conditions: Conditions = ()
    for index, size in enumerate(image):
        stride, dilation = window.stride[index], window.dilation[index]
        padding = window.padding[index] if window.padding else 0
        if extra[index] >= max(stride, dilation):
            message = f"{call.entry.name} needs output_padding below its stride or dilation, but {extra[index]} is not"
            raise Misfit(message, argument="output_padding")
        reach = dilation * (window.kernel[index] - 1)
        made = (size - 1) * stride - 2 * padding + reach + extra[index] + 1
        formula = f"({size} - 1)*{stride} - 2*{padding} + {reach} + {extra[index]} + 1 = {made}"
        conditions += needs_at_least(made, 1, _nothing_left(call, given, formula))
        result.append(made)
    return tuple(result), conditions


def _wanted(call: Call, spatial: tuple[Size, ...], window: Window) -> tuple[tuple[Size, ...], Conditions]:
    """`output_size`, the last dims or all: at least what there would be without it, by less than a stride more."""
    dims = len(spatial)
    wanted = sizes(call, "output_size")[-dims:]
    extra = numbers(call, "output_padding", dims, 0)
    conditions: Conditions = ()
    for index, size in enumerate(wanted):
        least, stride = spatial[index] - extra[index], window.stride[index]
        message = f"{call.entry.name} makes {least} to {least + stride - 1} in dim {index - dims}, not {size}"
        misfit = Misfit(message, argument="output_size")
        conditions += needs_at_least(size - least, 0, misfit) + needs_at_least(least + stride - 1 - size, 0, misfit)
    return wanted, conditions


def _nothing_left(call: Call, given: TensorType, formula: str) -> Misfit:
    message = f"{call.entry.name} leaves nothing of an input of {given}"
    return Misfit(message, argument="padding" if "padding" in call.arguments else None, notes=(formula,))


def _padding_mode(call: Call, image: tuple[Size, ...], window: Window) -> Conditions:
    """Reflecting needs an image larger than the padding, wrapping around one at least as large."""
    mode = argument(call, "padding_mode")
    if mode not in ("reflect", "circular"):
        return ()
    conditions: Conditions = ()
    for index, size in enumerate(image):
        if window.padding is None:
            reach = window.dilation[index] * (window.kernel[index] - 1)
            padding = reach - reach // 2
        else:
            padding = window.padding[index]
        message = f"{call.entry.name} cannot pad an input of {shape_text(image)} by {padding} ({mode})"
        least = padding + (mode == "reflect")
        conditions += needs_at_least(size, least, Misfit(message, argument="padding"))
    return conditions


RULES: Mapping[str, Rule] = {
    "Conv1d": convolution,
    "Conv2d": convolution,
    "Conv3d": convolution,
    "ConvTranspose1d": transposed_convolution,
    "ConvTranspose2d": transposed_convolution,
    "ConvTranspose3d": transposed_convolution,
}
