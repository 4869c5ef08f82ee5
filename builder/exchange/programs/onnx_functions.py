"""Operators of ONNX as functions of torch. Sources: the operators' definitions in the ONNX standard."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor

from builder.exchange.programs.onnx_graph import Converting, Rule, Sizes
from builder.exchange.programs.onnx_sizes import shape_of

# By the numbers that ONNX has for kinds of tensors.
DTYPES: Final = {1: torch.float32, 2: torch.uint8, 3: torch.int8, 5: torch.int16, 6: torch.int32, 7: torch.int64,
                  9: torch.bool, 10: torch.float16, 11: torch.float64, 16: torch.bfloat16}  # fmt: skip


_WHOLE: Final = (2, 3, 4, 5, 6, 7, 12, 13)


def _unary(function: Callable[..., Any]) -> Rule:
    return lambda c: c.call(function, c.result(c.node.input[0]))


def _binary(function: Callable[..., Any]) -> Rule:
    def rule(c: Converting) -> Any:
        first, second = c.tensor(0), c.tensor(1)
        if not hasattr(first, "op"):  # torch's functions begin with a tensor
            first = c.held(c.node.input[0], torch.as_tensor(first)) if function not in _PYTHON else first
        return c.call(_PYTHON.get(function, function), first, second)

    return rule


# What Python has signs for, with a number on either side.
_PYTHON: Final[dict[Callable[..., Any], Callable[..., Any]]] = {
    torch.add: operator.add, torch.sub: operator.sub, torch.mul: operator.mul, torch.div: operator.truediv,
    torch.pow: operator.pow, torch.matmul: torch.matmul,
}  # fmt: skip


def _with(function: Callable[..., Any], **names: tuple[str, Any]) -> Rule:
    """A function with attributes as its arguments: torch's name -> (ONNX's name, ONNX's default)."""
    return lambda c: c.call(function, c.tensor(0), **{key: c.attribute(*each) for key, each in names.items()})


def _divide(c: Converting) -> Any:
    if c.kinds.get(c.node.output[0]) in _WHOLE:  # rounded to zero
        return c.call(torch.div, c.tensor(0), c.tensor(1), rounding_mode="trunc")
    return _binary(torch.div)(c)


def _power(c: Converting) -> Any:
    if c.kinds.get(c.node.input[0]) in _WHOLE and c.kinds.get(c.node.input[1]) not in _WHOLE:
        raise c.unsaid("a power of whole numbers that is rounded to them")
    return _binary(torch.pow)(c)


def _selu(c: Converting) -> Any:
    alpha, gamma = c.attribute("alpha"), c.attribute("gamma")
    if (alpha and abs(alpha - 1.6732632) > 1e-6) or (gamma and abs(gamma - 1.050701) > 1e-6):
        raise c.unsaid("a SELU of other constants than the paper's")
    return c.call(F.selu, c.tensor(0))


def _dropped(c: Converting) -> Any:
    training = c.value(2)
    if training is not None and (not isinstance(training, Tensor) or bool(training)):
        raise c.unsaid("a dropout in training")
    return c.value(0)


def _clip(c: Converting) -> Any:
    low = c.number(1) if len(c.node.input) > 1 or c.opset >= 11 else c.attribute("min")
    high = c.number(2) if len(c.node.input) > 1 or c.opset >= 11 else c.attribute("max")
    if low == 0 and high == 6:
        return c.call(F.relu6, c.tensor(0))
    if low == 0 and high is None:
        return c.call(F.relu, c.tensor(0))
    bounds = {key: each for key, each in (("min", low), ("max", high)) if each is not None}
    return c.call(torch.clamp, c.tensor(0), **bounds) if bounds else c.tensor(0)


def _gelu(c: Converting) -> Any:
    return c.call(F.gelu, c.tensor(0), approximate=c.attribute("approximate", "none"))


def _hard_sigmoid(c: Converting) -> Any:
    alpha, beta = c.attribute("alpha", 0.2), c.attribute("beta", 0.5)
    if abs(alpha - 1 / 6) < 1e-6 and beta == 0.5:
        return c.call(F.hardsigmoid, c.tensor(0))
    line = c.call(operator.add, c.call(operator.mul, c.tensor(0), alpha), beta)
    return c.call(torch.clamp, line, min=0.0, max=1.0)


def _softmax(function: Callable[..., Any]) -> Rule:
    def rule(c: Converting) -> Any:
        axis = c.attribute("axis", -1 if c.opset >= 13 else 1)
        if c.opset < 13 and axis not in (-1, c.rank(0) - 1):
            raise c.unsaid("a softmax over several dims, as opsets before 13 have it")
        return c.call(function, c.tensor(0), dim=axis)

    return rule


def _several(function: Callable[..., Any]) -> Rule:
    def rule(c: Converting) -> Any:
        found = c.tensor(0)
        for at in range(1, len(c.node.input)):
            found = c.call(function, found, c.tensor(at))
        return found

    return rule


def _reduce(function: Callable[..., Any]) -> Rule:
    def rule(c: Converting) -> Any:
        axes = c.axes(1)
        if not axes:
            if c.attribute("noop_with_empty_axes", 0):
                return c.tensor(0)
            axes = list(range(c.rank(0)))
        keep = bool(c.attribute("keepdims", 1))
        dim = axes[0] if len(axes) == 1 else axes
        return c.call(function, c.tensor(0), dim=dim, keepdim=keep)

    return rule


def _norm(order: int) -> Rule:
    def rule(c: Converting) -> Any:
        axes = c.axes(1) or list(range(c.rank(0)))
        return c.call(
            torch.linalg.vector_norm, c.tensor(0), ord=order, dim=axes, keepdim=bool(c.attribute("keepdims", 1))
        )

    return rule


def _argument(function: Callable[..., Any]) -> Rule:
    def rule(c: Converting) -> Any:
        if c.attribute("select_last_index", 0):
            raise c.unsaid("the last of several that are the greatest")
        return c.call(function, c.tensor(0), dim=c.attribute("axis", 0), keepdim=bool(c.attribute("keepdims", 1)))

    return rule


def _topk(c: Converting) -> Any:
    found = c.call(torch.topk, c.tensor(0), c.numbers(1)[0], dim=c.attribute("axis", -1),
                   largest=bool(c.attribute("largest", 1)), sorted=bool(c.attribute("sorted", 1)))  # fmt: skip
    return c.call(operator.getitem, found, 0), c.call(operator.getitem, found, 1)


# Shapes


def _reshape(c: Converting) -> Any:
    sizes = c.numbers(1) if c.has(1) else list(c.attribute("shape"))
    if not c.attribute("allowzero", 0):
        value = c.tensor(0)
        sizes = [c.call("size", value, at) if isinstance(each, int) and each == 0 else each
                 for at, each in enumerate(sizes)]  # fmt: skip
    return c.call(torch.reshape, c.tensor(0), sizes)


def _transpose(c: Converting) -> Any:
    return c.call(torch.permute, c.tensor(0), c.attribute("perm") or list(reversed(range(c.rank(0)))))


def _flatten(c: Converting) -> Any:
    axis = c.attribute("axis", 1)
    axis = axis + c.rank(0) if axis < 0 else axis
    if axis == 0:
        return c.call(torch.reshape, c.tensor(0), [1, -1])
    last = c.call(torch.flatten, c.tensor(0), start_dim=axis) if axis < c.rank(0) else c.call(
        torch.unsqueeze, c.tensor(0), -1
    )  # fmt: skip
    return last if axis == 1 else c.call(torch.flatten, last, end_dim=axis - 1)


def _squeeze(c: Converting) -> Any:
    axes = c.axes(1)
    if not axes:
        return c.call(torch.squeeze, c.tensor(0))
    return c.call(torch.squeeze, c.tensor(0), axes[0] if len(axes) == 1 else axes)


def _unsqueeze(c: Converting) -> Any:
    axes = c.axes(1) or []
    if isinstance(c.value(0), Sizes):
        return Sizes(c.value(0).items)
    rank = c.rank(0) + len(axes)
    found = c.tensor(0)
    for each in sorted(axis + rank if axis < 0 else axis for axis in axes):
        found = c.call(torch.unsqueeze, found, each)
    return found


def _concat(c: Converting) -> Any:
    parts = [c.read(c.value(at), name) if not _is_vector(c.value(at)) else c.held(name, c.value(at))
             for at, name in enumerate(c.node.input)]  # fmt: skip
    return c.call(torch.cat, parts, dim=c.attribute("axis"))


def _is_vector(value: Any) -> bool:
    return isinstance(value, Tensor) and value.dim() > 0


def _split(c: Converting) -> Any:
    axis = c.attribute("axis", 0)
    sizes = c.attribute("split") or c.numbers(1)
    if sizes is None:
        found = c.call(torch.chunk, c.tensor(0), len(c.node.output), dim=axis)
    else:
        found = c.call(torch.split, c.tensor(0), list(sizes), dim=axis)
    return tuple(c.call(operator.getitem, found, at) for at in range(len(c.node.output)))


def _slice(c: Converting) -> Any:
    starts = c.numbers(1) if c.has(1) else list(c.attribute("starts"))
    ends = c.numbers(2) if c.has(2) else list(c.attribute("ends"))
    axes = c.numbers(3) if c.has(3) else list(c.attribute("axes") or range(len(starts)))
    steps = c.numbers(4, [1] * len(starts))
    found = c.tensor(0)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        if isinstance(step, int) and step < 0:
            if step != -1 or start != -1 or not (isinstance(end, int) and end < -(2**31)):
                raise c.unsaid("a part in steps backwards")
            found = c.call(torch.flip, found, [axis])
            continue
        cut = slice(None if start == 0 else start, None if isinstance(end, int) and end >= 2**31 - 1 else end,
                    None if step == 1 else step)  # fmt: skip
        if cut != slice(None, None, None):
            axis = axis + c.rank(0) if axis < 0 else axis
            found = c.call(operator.getitem, found, (*[slice(None)] * axis, cut))
    return found


def _gather(c: Converting) -> Any:
    axis = c.attribute("axis", 0)
    axis = axis + c.rank(0) if axis < 0 else axis
    around = [slice(None)] * axis
    index = c.known(1)
    if index is not None and index.dim() == 0:
        return c.call(torch.select, c.tensor(0), axis, int(index))
    if index is not None and index.dim() == 1:
        cut = _as_slice(index.tolist())
        if cut is not None:
            return c.call(operator.getitem, c.tensor(0), (*around, cut))
        return c.call(torch.index_select, c.tensor(0), axis, c.held(c.node.input[1], index))
    source = c.value(0)
    source = c.held(c.node.input[0], source) if isinstance(source, Tensor) else source
    return c.call(operator.getitem, source, (*around, c.tensor(1)))


def _as_slice(items: list[int]) -> slice | None:
    """Places one behind the other as a part, `2:5`; None of any others."""
    step = items[1] - items[0] if len(items) > 1 else 1
    if len(items) == 1:
        return slice(items[0], items[0] + 1 if items[0] != -1 else None)
    whole = step > 0 and items[0] >= 0 and items == list(range(items[0], items[-1] + 1, step))
    return slice(items[0], items[-1] + 1, step if step > 1 else None) if whole else None


def _expand(c: Converting) -> Any:
    sizes = c.numbers(1)
    value = c.value(0)
    if isinstance(value, Tensor) and value.numel() == 1:
        return c.call(torch.full, sizes, value.item(), dtype=value.dtype)
    shape = c.dims(0)
    own = [None] * (len(sizes) - len(shape)) + list(shape) if shape is not None else [None] * len(sizes)
    wide = [
        -1 if isinstance(each, int) and each == 1 and has is not None else each
        for each, has in zip(sizes, own, strict=True)
    ]
    return c.call("expand", c.tensor(0), wide)


def _tile(c: Converting) -> Any:
    return c.call("repeat", c.tensor(0), c.numbers(1))


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


def _range(c: Converting) -> Any:
    start, end, step = (c.numbers(at)[0] if _is_size(c, at) else c.number(at) for at in range(3))
    words = {"step": step} if step != 1 else {}
    return c.call(torch.arange, start, end, **words) if start != 0 or words else c.call(torch.arange, end)


def _is_size(c: Converting, at: int) -> bool:
    return isinstance(c.value(at), Sizes)


def _full(c: Converting) -> Any:
    value = c.attribute("value", torch.zeros(1))
    return c.call(torch.full, c.numbers(0), value.item(), dtype=value.dtype)


def _cast(c: Converting) -> Any:
    kind = DTYPES.get(c.attribute("to"))
    if kind is None:
        raise c.unsaid(f"a tensor of ONNX's kind {c.attribute('to')}")
    value = c.value(0)
    if isinstance(value, Sizes):
        return value
    return c.call("to", c.tensor(0), kind)


def _where(c: Converting) -> Any:
    return c.call(torch.where, c.tensor(0), c.tensor(1), c.tensor(2))


def _trilu(c: Converting) -> Any:
    diagonal = c.number(1, 0)
    return c.call(torch.triu if c.attribute("upper", 1) else torch.tril, c.tensor(0), diagonal=diagonal)


def _cumulated(c: Converting) -> Any:
    if c.attribute("exclusive", 0) or c.attribute("reverse", 0):
        raise c.unsaid("a running sum from the end, or without the element itself")
    return c.call(torch.cumsum, c.tensor(0), dim=int(c.number(1)))


def _einsum(c: Converting) -> Any:
    return c.call(torch.einsum, c.attribute("equation"), *(c.tensor(at) for at in range(len(c.node.input))))


def _elements(c: Converting) -> Any:
    return c.call(torch.gather, c.tensor(0), c.attribute("axis", 0), c.tensor(1))


def _resize(c: Converting) -> Any:
    mode = c.attribute("mode", "nearest")
    how = c.attribute("coordinate_transformation_mode", "half_pixel")
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


_ONE: Final[dict[str, Callable[..., Any]]] = {
    "Relu": F.relu,
    "Sigmoid": torch.sigmoid,
    "Tanh": torch.tanh,
    "Exp": torch.exp,
    "Log": torch.log,
    "Sqrt": torch.sqrt,
    "Abs": torch.abs,
    "Neg": torch.neg,
    "Erf": torch.erf,
    "Floor": torch.floor,
    "Ceil": torch.ceil,
    "Round": torch.round,
    "Sign": torch.sign,
    "Sin": torch.sin,
    "Cos": torch.cos,
    "Tan": torch.tan,
    "Asin": torch.asin,
    "Acos": torch.acos,
    "Atan": torch.atan,
    "Sinh": torch.sinh,
    "Cosh": torch.cosh,
    "Asinh": torch.asinh,
    "Acosh": torch.acosh,
    "Atanh": torch.atanh,
    "Reciprocal": torch.reciprocal,
    "Not": torch.logical_not,
    "IsNaN": torch.isnan,
    "Softplus": F.softplus,
    "Softsign": F.softsign,
    "Mish": F.mish,
    "HardSwish": F.hardswish,
    "Det": torch.linalg.det,
}
_TWO: Final[dict[str, Callable[..., Any]]] = {
    "Add": torch.add,
    "Sub": torch.sub,
    "Mul": torch.mul,
    "Pow": torch.pow,
    "Equal": torch.eq,
    "Greater": torch.gt,
    "Less": torch.lt,
    "GreaterOrEqual": torch.ge,
    "LessOrEqual": torch.le,
    "And": torch.logical_and,
    "Or": torch.logical_or,
    "Xor": torch.logical_xor,
    "MatMul": torch.matmul,
    "BitwiseAnd": torch.bitwise_and,
    "BitwiseOr": torch.bitwise_or,
    "BitwiseXor": torch.bitwise_xor,
}
FUNCTIONS: Final[dict[str, Rule]] = {
    **{name: _unary(function) for name, function in _ONE.items()},
    **{name: _binary(function) for name, function in _TWO.items()},
    "Div": _divide, "Pow": _power, "Clip": _clip, "Gelu": _gelu, "HardSigmoid": _hard_sigmoid,
    "LeakyRelu": _with(F.leaky_relu, negative_slope=("alpha", 0.01)), "Elu": _with(F.elu, alpha=("alpha", 1.0)),
    "Celu": _with(F.celu, alpha=("alpha", 1.0)), "Selu": _selu,
    "ThresholdedRelu": lambda c: c.call(F.threshold, c.tensor(0), c.attribute("alpha", 1.0), 0.0),
    "Softmax": _softmax(torch.softmax), "LogSoftmax": _softmax(torch.log_softmax),
    "Max": _several(torch.maximum), "Min": _several(torch.minimum), "Sum": _several(torch.add),
    "ReduceMean": _reduce(torch.mean), "ReduceSum": _reduce(torch.sum), "ReduceMax": _reduce(torch.amax),
    "ReduceMin": _reduce(torch.amin), "ReduceLogSumExp": _reduce(torch.logsumexp), "ReduceL1": _norm(1),
    "ReduceL2": _norm(2), "ArgMax": _argument(torch.argmax), "ArgMin": _argument(torch.argmin), "TopK": _topk,
    "Reshape": _reshape, "Transpose": _transpose, "Flatten": _flatten, "Squeeze": _squeeze, "Unsqueeze": _unsqueeze,
    "Concat": _concat, "Split": _split, "Slice": _slice, "Gather": _gather, "GatherElements": _elements,
    "Expand": _expand, "Tile": _tile, "Pad": _pad, "Range": _range, "Shape": shape_of, "ConstantOfShape": _full,
    "Cast": _cast, "Where": _where, "Trilu": _trilu, "CumSum": _cumulated, "Einsum": _einsum, "Resize": _resize,
    "DepthToSpace": _shuffle, "RandomNormalLike": _random, "MaxPool": _pool("max_pool"),
    "AveragePool": _pool("avg_pool"), "GlobalAveragePool": _global("avg"), "GlobalMaxPool": _global("max"),
    "Identity": lambda c: c.value(0), "Dropout": _dropped,
}  # fmt: skip
