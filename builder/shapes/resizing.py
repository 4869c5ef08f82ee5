"""Images of another size: Upsample and interpolate, PixelShuffle and PixelUnshuffle, ChannelShuffle."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

from builder.shapes.call import Call, Made, Misfit, TensorType
from builder.shapes.conditions import Conditions, needs_at_least, needs_multiple
from builder.shapes.reading import argument, demand_floating, free_argument, names_text, tensor, whole
from builder.shapes.rule import Rule
from builder.shapes.sizes import Free, Size

_MODE_DIMS = {"linear": (1,), "bilinear": (2,), "bicubic": (2,), "trilinear": (3,)}


def interpolate(call: Call) -> Made:
    """Upsample and interpolate: (N, C, *) to `size`, or to floor(size * scale_factor)."""
    given = tensor(call, 0, "input")
    dims, mode = len(given.shape) - 2, str(argument(call, "mode"))
    _demand_mode(call, given, dims, mode)
    size, scale = argument(call, "size"), argument(call, "scale_factor")
    if (size is None) == (scale is None):
        message = f"{call.entry.name} needs size or scale_factor" + ("" if size is None else ", not both")
        raise Misfit(message, code="argument")
    image = given.shape[2:]
    if size is None:
        factors = _listed(call, "scale_factor", scale, dims)
        made = [_scaled(call, each, factor) for each, factor in zip(image, factors, strict=True)]
    else:
        made = [_size(call, each) for each in _listed(call, "size", size, dims)]
    conditions: Conditions = ()
    for before, after in zip(image, made, strict=True):
        message = f"{call.entry.name} leaves nothing of {given}"
        conditions += needs_at_least(after, 1, Misfit(message, notes=(f"{before} becomes {after}",)))
    return Made(result=TensorType((*given.shape[:2], *made), given.dtype), conditions=conditions)


def pixel_shuffle(call: Call) -> Made:
    """(*, C r r, H, W) -> (*, C, H r, W r)."""
    given, factor = _image(call), whole(call, "upscale_factor", 1)
    channels, height, width = given.shape[-3:]
    square = factor * factor
    message = f"{call.entry.name} needs channels that are a multiple of {square} ({factor} * {factor})"
    conditions = needs_multiple(channels, square, Misfit(f"{message}, but its input has {channels}"))
    shape = (*given.shape[:-3], channels // square, height * factor, width * factor)
    return Made(result=TensorType(shape, given.dtype), conditions=conditions)


def pixel_unshuffle(call: Call) -> Made:
    """(*, C, H r, W r) -> (*, C r r, H, W)."""
    given, factor = _image(call), whole(call, "downscale_factor", 1)
    channels, height, width = given.shape[-3:]
    conditions: Conditions = ()
    for size in (height, width):
        message = f"{call.entry.name} needs an image whose sides are multiples of {factor}, but it is {given}"
        conditions += needs_multiple(size, factor, Misfit(message))
    shape = (*given.shape[:-3], channels * factor * factor, height // factor, width // factor)
    return Made(result=TensorType(shape, given.dtype), conditions=conditions)


def channel_shuffle(call: Call) -> Made:
    """(N, C, *): channels change places between `groups`."""
    given, groups = tensor(call, 0, "input"), whole(call, "groups", 1)
    if len(given.shape) < 3:
        raise Misfit(f"{call.entry.name} reads (N, C, ...), but its input is {given}")
    message = f"{call.entry.name} needs channels that are a multiple of {groups}, but its input has {given.shape[1]}"
    return Made(result=given, conditions=needs_multiple(given.shape[1], groups, Misfit(message, argument="groups")))


def _image(call: Call) -> TensorType:
    given = tensor(call, 0, "input")
    if len(given.shape) < 3:
        raise Misfit(f"{call.entry.name} reads (..., C, H, W), but its input is {given}")
    return given


def _demand_mode(call: Call, given: TensorType, dims: int, mode: str) -> None:
    if dims not in (1, 2, 3):
        raise Misfit(f"{call.entry.name} reads (N, C, L), (N, C, H, W) or (N, C, D, H, W), but its input is {given}")
    if dims not in _MODE_DIMS.get(mode, (1, 2, 3)):
        right = next((name for name, allowed in _MODE_DIMS.items() if dims in allowed), "nearest")
        message = f'{call.entry.name} with mode "{mode}" reads an image of {_MODE_DIMS[mode][0]} dims after (N, C)'
        fix = f'mode = "{right}"'
        raise Misfit(f"{message}, but its input is {given}", argument="mode", fix=fix, replacement=fix)
    if given.dtype != "uint8":
        demand_floating(call, given)


def _listed(call: Call, name: str, value: object, dims: int) -> list[object]:
    listed = list(value) if isinstance(value, (list, tuple)) else [value] * dims
    if len(listed) != dims:
        message = f"{call.entry.name} needs {dims} numbers in {name}, or one for all, but it has {len(listed)}"
        raise Misfit(message, argument=name)
    return listed


def _size(call: Call, value: object) -> Size:
    if isinstance(value, Free) and call.entry.role == "module":
        raise free_argument(call, "size", value)
    if isinstance(value, bool) or not isinstance(value, (int, Free)):
        raise Misfit(f"{call.entry.name} needs whole numbers in size", argument="size", code="argument")
    return value


def _scaled(call: Call, size: Size, factor: object) -> Size:
    """floor(size * factor), as torch works it out in double precision."""
    if isinstance(factor, bool) or not isinstance(factor, (int, float)):
        raise Misfit(f"{call.entry.name} needs numbers in scale_factor", argument="scale_factor", code="argument")
    if isinstance(size, int):
        return math.floor(size * float(factor))
    exact = Fraction(factor).limit_denominator(64)
    if any(math.floor(each * float(factor)) != each * exact.numerator // exact.denominator for each in range(1, 4097)):
        message = f"{call.entry.name} scales the free size {size} by {factor}, which no fraction says exactly"
        raise Misfit(message, argument="scale_factor", fix=f"use size, or give {names_text(size)} a number")
    return size * exact.numerator // exact.denominator


RULES: Mapping[str, Rule] = {
    "ChannelShuffle": channel_shuffle,
    "PixelShuffle": pixel_shuffle,
    "PixelUnshuffle": pixel_unshuffle,
    "Upsample": interpolate,
    "channel_shuffle": channel_shuffle,
    "interpolate": interpolate,
    "pixel_shuffle": pixel_shuffle,
    "pixel_unshuffle": pixel_unshuffle,
}
