"""Operators of ONNX over neighbourhoods, as functions of torch. Source: their definitions in the standard."""

from __future__ import annotations

from typing import Any, Final

import torch
import torch.nn.functional as F

from builder.exchange.programs.onnx.graph import Converting, Rule


def _pad(c: Converting) -> Any:
    pads = c.numbers(1) if c.has(1) else list(c.attribute("pads"))
    value = c.number(2, 0.0) if len(c.node.input) > 2 else c.attribute("value", 0.0)
    axes = c.numbers(3) if c.has(3) else list(range(len(pads) // 2))
    rank = c.rank(0)
    sides = {(axis + rank if axis < 0 else axis): (pads[at], pads[at + len(axes)]) for at, axis in enumerate(axes)}
    found = [each for axis in reversed(range(rank)) for each in sides.get(axis, (0, 0))]
    while len(found) > 2 and found[-2:] == [0, 0]:
        found = found[:-2]
    if all(isinstance(each, int) and each == 0 for each in found):
        return c.tensor(0)
    modes = {"reflect": "reflect", "edge": "replicate", "wrap": "circular"}
    words = {"mode": modes[mode]} if (mode := c.attribute("mode", "constant")) in modes else {"value": value}
    return c.call(F.pad, c.tensor(0), found, **(words if words != {"value": 0} else {}))


def _resize(c: Converting) -> Any:
    mode = c.attribute("mode", "nearest")
    how = c.attribute("coordinate_transformation_mode", "half_pixel")
    usual = {"antialias": 0, "exclude_outside": 0, "cubic_coeff_a": -0.75, "keep_aspect_ratio_policy": "stretch"}
    other = [name for name, value in usual.items() if c.attribute(name, value) != value]
    other += ["axes"] if c.attribute("axes") else []
    if other or (mode != "nearest" and how not in ("half_pixel", "pytorch_half_pixel", "align_corners")):
        raise c.unsaid(f"a resize with {other[0]}" if other else f"a resize by {how}")
    rank = c.rank(0)
    modes = {"nearest": "nearest", "linear": {3: "linear", 4: "bilinear", 5: "trilinear"}.get(rank), "cubic": "bicubic"}
    words: dict[str, Any] = {"mode": modes[mode]}
    rounding = c.attribute("nearest_mode", "round_prefer_floor")
    if mode != "nearest":
        words["align_corners"] = how == "align_corners"
    elif (how, rounding) == ("half_pixel", "round_prefer_ceil"):
        words["mode"] = "nearest-exact"
    elif (how, rounding) != ("asymmetric", "floor"):
        raise c.unsaid(f"nearest neighbours by {how} and {rounding}")
    scales = c.known(2) if c.has(2) else None
    if scales is not None and scales.numel():
        words["scale_factor"] = [float(each) for each in scales.tolist()[2:]]
    else:
        words["size"] = c.numbers(3)[2:]
    return c.call(F.interpolate, c.tensor(0), **words)


def _shuffle(c: Converting) -> Any:
    if c.attribute("mode", "DCR") != "CRD":
        raise c.unsaid("DepthToSpace in the order DCR")
    return c.call(F.pixel_shuffle, c.tensor(0), c.attribute("blocksize"))


def _random(c: Converting) -> Any:
    if c.attribute("mean", 0.0) or c.attribute("scale", 1.0) != 1.0:
        raise c.unsaid("random numbers of another mean or scale")
    return c.call(torch.randn_like, c.tensor(0))


def _pool(name: str) -> Rule:
    def rule(c: Converting) -> Any:
        kernel = list(c.attribute("kernel_shape"))
        dims = len(kernel)
        strides, spread = (list(c.attribute(each) or [1] * dims) for each in ("strides", "dilations"))
        pads = padding(c, kernel, strides, spread)
        words: dict[str, Any] = {"kernel_size": short(kernel), "stride": short(strides)}
        value = c.tensor(0)
        if pads[:dims] != pads[dims:]:
            if name == "avg_pool" and not c.attribute("count_include_pad", 0):
                raise c.unsaid("an average over unequal padding that is not counted")
            sides = [each for at in reversed(range(dims)) for each in (pads[at], pads[at + dims])]
            more = {"value": float("-inf")} if name == "max_pool" else {}
            value = c.call(F.pad, value, sides, **more)
        elif any(pads):
            words["padding"] = short(pads[:dims])
        if c.attribute("ceil_mode", 0):
            words["ceil_mode"] = True
        if name == "avg_pool" and (short(spread) != 1 or (c.attribute("ceil_mode", 0) and any(pads))):
            raise c.unsaid("an average of places that are apart, or rounded up over padding")
        if name == "max_pool" and short(spread) != 1:
            words["dilation"] = short(spread)
        if name == "avg_pool" and any(pads) and not c.attribute("count_include_pad", 0):
            words["count_include_pad"] = False
        if len(c.node.output) > 1 and c.node.output[1]:
            raise c.unsaid("the places of the greatest values")
        return c.call(getattr(F, f"{name}{dims}d"), value, **words)

    return rule


def _global(name: str) -> Rule:
    return lambda c: c.call(getattr(F, f"adaptive_{name}_pool{c.rank(0) - 2}d"), c.tensor(0), 1)


def padding(c: Converting, kernel: list[int], strides: list[int], dilations: list[int]) -> list[int]:
    """Padding at the beginnings of all dims, then at their ends, as `pads` and `auto_pad` say it."""
    how, dims = c.attribute("auto_pad", "NOTSET"), len(kernel)
    if how in ("NOTSET", "VALID"):
        return list(c.attribute("pads") or [0] * 2 * dims) if how == "NOTSET" else [0] * 2 * dims
    total = [d * (k - 1) for k, d in zip(kernel, dilations, strict=True)]
    if any(each != 1 for each in strides):
        shape = c.dims(0)
        sizes = shape[2:] if shape is not None else []
        if not sizes or not all(isinstance(each, int) for each in sizes):
            raise c.unsaid(f"auto_pad {how} with strides over sizes that are free")
        total = [max((-(-size // s) - 1) * s + d * (k - 1) + 1 - size, 0)
                 for size, s, k, d in zip(sizes, strides, kernel, dilations, strict=True)]  # fmt: skip
    small, large = [each // 2 for each in total], [each - each // 2 for each in total]
    return small + large if how == "SAME_UPPER" else large + small


def short(value: list[int]) -> Any:
    """One number for a list of the same."""
    return value[0] if len(set(value)) == 1 else value


NEIGHBOURS: Final[dict[str, Rule]] = {
    "Pad": _pad, "Resize": _resize, "DepthToSpace": _shuffle, "RandomNormalLike": _random, "MaxPool":
    _pool("max_pool"), "AveragePool": _pool("avg_pool"), "GlobalAveragePool": _global("avg"), "GlobalMaxPool":
    _global("max"),
}  # fmt: skip
