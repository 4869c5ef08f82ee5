"""Operators of ONNX that hold weights as layers of torch.nn. Source: the operators' definitions in the standard."""

from __future__ import annotations

import operator
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from builder.exchange.programs.onnx.graph import Converting, Rule, filled, weights
from builder.exchange.programs.onnx.neighbours import padding, short
from builder.exchange.programs.onnx.recurrent import RECURRENT


def linear(weight: Tensor, bias: Tensor | None) -> nn.Module:
    """weight: (out, in)."""
    with torch.device("meta"):
        made = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    return filled(made, weight=weight, bias=bias)


def _convolution(c: Converting) -> Any:
    weight, bias = weights(c, 1, 2)
    dims = weight.dim() - 2
    kernel = list(weight.shape[2:])
    strides, dilations = (list(c.attribute(name) or [1] * dims) for name in ("strides", "dilations"))
    pads, groups = padding(c, kernel, strides, dilations), c.attribute("group", 1)
    value, before, after = c.tensor(0), pads[:dims], pads[dims:]
    if before != after:
        value = c.call(F.pad, value, [each for at in reversed(range(dims)) for each in (pads[at], pads[at + dims])])
        before = [0] * dims

    def made() -> nn.Module:
        with torch.device("meta"):
            layer = getattr(nn, f"Conv{dims}d")(
                weight.shape[1] * groups, weight.shape[0], _tuple(kernel), _tuple(strides), _tuple(before),
                _tuple(dilations), groups, bias is not None,
            )  # fmt: skip
        return filled(layer, weight=weight, bias=bias)

    return c.layer(c.node.input[1], made, value)


def _transposed(c: Converting) -> Any:
    weight, bias = weights(c, 1, 2)
    dims = weight.dim() - 2
    strides, dilations, more = (list(c.attribute(name) or [default] * dims) for name, default in
                                (("strides", 1), ("dilations", 1), ("output_padding", 0)))  # fmt: skip
    pads, groups = list(c.attribute("pads") or [0] * 2 * dims), c.attribute("group", 1)
    if (
        pads[:dims] != pads[dims:]
        or c.attribute("output_shape")
        or c.attribute("auto_pad", "NOTSET") not in ("NOTSET", "VALID")
    ):
        raise c.unsaid("a transposed convolution with unequal padding or a shape of its own")

    def made() -> nn.Module:
        with torch.device("meta"):
            layer = getattr(nn, f"ConvTranspose{dims}d")(
                weight.shape[0], weight.shape[1] * groups, _tuple(list(weight.shape[2:])), _tuple(strides),
                _tuple(pads[:dims]), _tuple(more), groups, bias is not None, _tuple(dilations),
            )  # fmt: skip
        return filled(layer, weight=weight, bias=bias)

    return c.layer(c.node.input[1], made, c.tensor(0))


def _gemm(c: Converting) -> Any:
    weight, bias = c.value(1), c.value(2)
    alpha, beta, flipped = c.attribute("alpha", 1.0), c.attribute("beta", 1.0), c.attribute("transB", 0)
    plain = isinstance(weight, Tensor) and (bias is None or (isinstance(bias, Tensor) and bias.dim() == 1))
    if plain and alpha == 1 and beta == 1 and not c.attribute("transA", 0):
        return c.layer(c.node.input[1], lambda: linear(weight if flipped else weight.T.contiguous(), bias), c.tensor(0))
    first = c.call(torch.t, c.tensor(0)) if c.attribute("transA", 0) else c.tensor(0)
    second = c.call(torch.t, c.tensor(1)) if flipped else c.tensor(1)
    found = c.call(torch.matmul, first, second)
    found = found if alpha == 1 else c.call(operator.mul, found, alpha)
    if not c.has(2):
        return found
    return c.call(operator.add, found, c.tensor(2) if beta == 1 else c.call(operator.mul, c.tensor(2), beta))


def _matmul(c: Converting) -> Any:
    weight = c.value(1)
    if not isinstance(weight, Tensor) or weight.dim() != 2 or isinstance(c.value(0), Tensor):
        first = c.held(c.node.input[0], c.value(0)) if isinstance(c.value(0), Tensor) else c.tensor(0)
        second = c.held(c.node.input[1], weight) if isinstance(weight, Tensor) else c.tensor(1)
        return c.call(torch.matmul, first, second)
    bias = c.bias()
    return c.layer(c.node.input[1], lambda: linear(weight.T.contiguous(), bias), c.tensor(0))


def _batch_norm(c: Converting) -> Any:
    weight, bias, mean, variance = weights(c, 1, 2, 3, 4)
    if c.attribute("training_mode", 0):
        raise c.unsaid("a batch norm in training")
    dims = max(c.rank(0) - 2, 1)

    def made() -> nn.Module:
        layer = getattr(nn, f"BatchNorm{dims}d")(len(weight), eps=_rounded(c.attribute("epsilon", 1e-5)))
        return filled(layer, weight=weight, bias=bias, running_mean=mean, running_var=variance)

    return c.layer(c.node.input[1], made, c.tensor(0))


def _layer_norm(c: Converting) -> Any:
    weight, bias = c.value(1), c.value(2)
    eps = _rounded(c.attribute("epsilon", 1e-5))
    rms = c.node.op_type == "RMSNormalization"
    if not isinstance(weight, Tensor) or not (bias is None or isinstance(bias, Tensor)):
        raise c.unsaid("a normalisation whose weights are worked out")
    shape = list(weight.shape)
    axis = c.attribute("axis", -1)
    if len(shape) != (-axis if axis < 0 else c.rank(0) - axis):
        raise c.unsaid("a normalisation whose weights are spread over its dims")
    plain = bool((weight == 1).all()) and (bias is None or not bool(bias.any()))
    if plain and "." not in c.node.input[1]:  # what a layer without weights of its own becomes
        return c.call(F.rms_norm if rms else F.layer_norm, c.tensor(0), shape, eps=eps)

    if scope := c.numbered_scope():
        tensors = {"weight": weight} if bias is None else {"weight": weight, "bias": bias}
        words = {name: c.held(f"{scope}.{name}", each) for name, each in tensors.items()}
        return c.call(F.rms_norm if rms else F.layer_norm, c.tensor(0), shape, **words, eps=eps)

    def made() -> nn.Module:
        layer = nn.RMSNorm(shape, eps) if rms else nn.LayerNorm(shape, eps, bias=bias is not None)
        return filled(layer, weight=weight, bias=bias)

    return c.layer(c.node.input[1], made, c.tensor(0))


def _group_norm(c: Converting) -> Any:
    weight, bias = weights(c, 1, 2)
    groups = c.attribute("num_groups")
    if c.opset < 21 or c.attribute("stash_type", 1) != 1:
        raise c.unsaid("a group norm with weights by group, as opsets before 21 have it")

    def made() -> nn.Module:
        return filled(
            nn.GroupNorm(groups, len(weight), _rounded(c.attribute("epsilon", 1e-5))), weight=weight, bias=bias
        )

    return c.layer(c.node.input[1], made, c.tensor(0))


def _instance_norm(c: Converting) -> Any:
    weight, bias = weights(c, 1, 2)
    dims, eps = c.rank(0) - 2, _rounded(c.attribute("epsilon", 1e-5))

    def made() -> nn.Module:
        return filled(getattr(nn, f"InstanceNorm{dims}d")(len(weight), eps, affine=True), weight=weight, bias=bias)

    if bool((weight == 1).all()) and not bool(bias.any()) and "." not in c.node.input[1]:
        return c.call(F.instance_norm, c.tensor(0), eps=eps)
    return c.layer(c.node.input[1], made, c.tensor(0))


def _embedding(c: Converting) -> Any:
    weight = c.value(0)

    def made() -> nn.Module:
        with torch.device("meta"):
            layer = nn.Embedding(*weight.shape)
        return filled(layer, weight=weight)

    return c.layer(c.node.input[0], made, c.tensor(1))


def is_embedding(c: Converting) -> bool:
    weight = c.value(0)
    floating = isinstance(weight, Tensor) and weight.dim() == 2 and weight.dtype.is_floating_point
    return floating and c.attribute("axis", 0) == 0 and not isinstance(c.value(1), Tensor) and hasattr(c.value(1), "op")


def _slope(c: Converting) -> Any:
    slope = c.value(1)
    if not isinstance(slope, Tensor) or slope.numel() != max(slope.shape, default=1):
        raise c.unsaid("a slope that is worked out, or by more than channels")
    return c.layer(c.node.input[1], lambda: filled(nn.PReLU(slope.numel()), weight=slope.reshape(-1)), c.tensor(0))


def _rounded(value: float) -> float:
    """A number that ONNX keeps in 32 bits as it was written: 1e-05 for 9.999999747378752e-06."""
    return float(f"{value:.6g}")


def _tuple(value: list[int]) -> Any:
    found = short(value)
    return tuple(found) if isinstance(found, list) else found


LAYERS: Final[dict[str, Rule]] = {
    **RECURRENT,
    "Conv": _convolution, "ConvTranspose": _transposed, "Gemm": _gemm, "MatMul": _matmul,
    "BatchNormalization": _batch_norm, "LayerNormalization": _layer_norm, "RMSNormalization": _layer_norm,
    "GroupNormalization": _group_norm, "InstanceNormalization": _instance_norm, "PRelu": _slope,
}  # fmt: skip
EMBEDDING: Final = _embedding
