"""Operators of ONNX as functions of torch: arithmetic, activations, sums. Source: their definitions in the standard."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor

from builder.exchange.programs.onnx.graph import Converting, Rule
from builder.exchange.programs.onnx.neighbours import NEIGHBOURS
from builder.exchange.programs.onnx.shapes import SHAPES

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
    **SHAPES,
    **NEIGHBOURS,
    "Div": _divide, "Pow": _power, "Clip": _clip, "Gelu": _gelu, "HardSigmoid": _hard_sigmoid,
    "LeakyRelu": _with(F.leaky_relu, negative_slope=("alpha", 0.01)), "Elu": _with(F.elu, alpha=("alpha", 1.0)),
    "Celu": _with(F.celu, alpha=("alpha", 1.0)), "Selu": _selu,
    "ThresholdedRelu": lambda c: c.call(F.threshold, c.tensor(0), c.attribute("alpha", 1.0), 0.0),
    "Softmax": _softmax(torch.softmax), "LogSoftmax": _softmax(torch.log_softmax),
    "Max": _several(torch.maximum), "Min": _several(torch.minimum), "Sum": _several(torch.add),
    "ReduceMean": _reduce(torch.mean), "ReduceSum": _reduce(torch.sum), "ReduceMax": _reduce(torch.amax),
    "ReduceMin": _reduce(torch.amin), "ReduceLogSumExp": _reduce(torch.logsumexp), "ReduceL1": _norm(1),
    "ReduceL2": _norm(2), "ArgMax": _argument(torch.argmax), "ArgMin": _argument(torch.argmin), "TopK": _topk,
    "Identity": lambda c: c.value(0), "Dropout": _dropped,
}  # fmt: skip
