"""Whatever works on each number alone: activations, dropouts, one-argument functions; and the softmax family."""

from __future__ import annotations

from collections.abc import Mapping

from builder.shapes.call import Call, Made, Misfit, TensorType
from builder.shapes.conditions import needs_equal, needs_multiple
from builder.shapes.dtypes import category, result_dtype, with_float
from builder.shapes.reading import (
    argument,
    demand_dims,
    demand_floating,
    demand_weights_dtype,
    place,
    tensor,
    whole,
)
from builder.shapes.rule import Rule


def keeps(call: Call) -> Made:
    """Same shape, same dtype, whatever that is."""
    return Made(result=tensor(call, 0, "input"))


def keeps_numbers(call: Call) -> Made:
    """Same shape and dtype; truth values are no numbers."""
    given = tensor(call, 0, "input")
    if category(given.dtype) == 0:
        raise Misfit(f"{call.entry.name} reads numbers, but its input is bool", code="dtype")
    return Made(result=given)


def keeps_floating(call: Call) -> Made:
    """Same shape and dtype; only floating-point numbers."""
    given = tensor(call, 0, "input")
    demand_floating(call, given)
    return Made(result=given)


def makes_floating(call: Call) -> Made:
    """Same shape; whole numbers become float32."""
    given = tensor(call, 0, "input")
    return Made(result=TensorType(given.shape, with_float(given.dtype)))


def makes_floating_of_numbers(call: Call) -> Made:
    """Same shape; whole numbers become float32; truth values are no numbers."""
    given = tensor(call, 0, "input")
    if category(given.dtype) == 0:
        raise Misfit(f"{call.entry.name} reads numbers, but its input is bool", code="dtype")
    return makes_floating(call)


def square(call: Call) -> Made:
    """Same shape; the dtype is that of a power with a whole number."""
    given = tensor(call, 0, "input")
    return Made(result=TensorType(given.shape, result_dtype([given, 2])))


def makes_truth(call: Call) -> Made:
    """Same shape, bool."""
    return Made(result=TensorType(tensor(call, 0, "input").shape, "bool"))


def clamp(call: Call) -> Made | None:
    """clamp with numbers as limits; with tensors torch is asked."""
    if len(call.reads) > 1 or len(call.keyword_reads) > ("input" in call.keyword_reads):
        return None
    given = tensor(call, 0, "input")
    limits = [argument(call, "min"), argument(call, "max")]
    if limits == [None, None]:
        raise Misfit("clamp needs min or max", code="argument")
    known = [limit for limit in limits if isinstance(limit, (int, float))]
    return Made(result=TensorType(given.shape, result_dtype([given, *known])))


def softmax(call: Call) -> Made:
    """softmax, log_softmax, softmin: along `dim`; `dtype` casts first."""
    given = tensor(call, 0, "input")
    dim, written = argument(call, "dim"), argument(call, "dtype")
    if dim is not None:
        place(call, dim, len(given.shape))
    dtype = written if isinstance(written, str) else given.dtype
    if category(dtype) < 2:
        raise Misfit(f"{call.entry.name} reads floating-point numbers, but its input is {dtype}", code="dtype")
    return Made(result=TensorType(given.shape, dtype))


def softmax2d(call: Call) -> Made:
    """Softmax2d: over the channels of (N, C, H, W) or (C, H, W)."""
    demand_dims(call, tensor(call, 0, "input"), (3, 4), "(N, C, H, W) or (C, H, W)")
    return keeps_floating(call)


def gated(call: Call) -> Made:
    """GLU: half of `dim` gates the other half."""
    given = tensor(call, 0, "input")
    demand_floating(call, given)
    dim = place(call, argument(call, "dim"), len(given.shape))
    size = given.shape[dim] if given.shape else 1
    misfit = Misfit(f"{call.entry.name} halves dim {dim}, which must be even, but its input has {size} there")
    conditions = needs_multiple(size, 2, misfit)
    shape = (*given.shape[:dim], size // 2, *given.shape[dim + 1 :])
    return Made(result=TensorType(shape, given.dtype), conditions=conditions)


def prelu(call: Call) -> Made:
    """PReLU: one slope for all, or one for each channel (dim 1)."""
    given = tensor(call, 0, "input")
    demand_weights_dtype(call, given)
    slopes = whole(call, "num_parameters", 1)
    if slopes == 1:
        return Made(result=given, parameters={"weight": (1,)})
    channels = given.shape[1] if len(given.shape) > 1 else 1
    message = f"PReLU has {slopes} slopes, but its input has {channels} channels"
    replacement = f"num_parameters = {channels}" if isinstance(channels, int) else None
    misfit = Misfit(message, argument="num_parameters", fix=replacement, replacement=replacement)
    return Made(result=given, parameters={"weight": (slopes,)}, conditions=needs_equal(channels, slopes, misfit))


def dropout(call: Call) -> Made:
    """Same shape and dtype; `p` is a probability. In evaluation torch lets whole numbers through, in training not."""
    demand_probability(call)
    return keeps_floating(call)


def channel_dropout(call: Call) -> Made:
    """Dropout1d to 3d drop whole channels of (N, C, *) or (C, *)."""
    demand_probability(call)
    given = tensor(call, 0, "input")
    dims = int(call.entry.name[-2])
    letters = {1: "L", 2: "H, W", 3: "D, H, W"}[dims]
    demand_dims(call, given, (dims + 1, dims + 2), f"(N, C, {letters}) or (C, {letters})")
    demand_floating(call, given)
    return Made(result=given)


def demand_probability(call: Call) -> None:
    chance = argument(call, "p")
    if isinstance(chance, int | float) and not 0 <= chance <= 1:
        raise Misfit(
            f"{call.entry.name} has p = {chance}, but a probability lies between 0 and 1", argument="p", code="argument"
        )


def cast(call: Call) -> Made | None:
    """`to` with a dtype."""
    dtype = call.arguments.get("dtype")
    return Made(result=TensorType(tensor(call, 0, "self").shape, dtype)) if isinstance(dtype, str) else None


def cast_by_name(call: Call) -> Made:
    """`float`, `long` and their like."""
    return Made(result=TensorType(tensor(call, 0, "self").shape, _CASTS[call.entry.name]))


def like(call: Call) -> Made:
    """zeros_like and its like: the input's shape; the input's dtype unless `dtype` is written."""
    given = tensor(call, 0, "input")
    written = argument(call, "dtype")
    dtype = written if isinstance(written, str) else given.dtype
    if call.entry.name.startswith("rand") and category(dtype) < 2 and call.entry.name != "randint_like":
        raise Misfit(f"{call.entry.name} draws floating-point numbers, but its dtype would be {dtype}", code="dtype")
    return Made(result=TensorType(given.shape, dtype))


_CASTS = {
    "float": "float32", "double": "float64", "half": "float16", "bfloat16": "bfloat16", "bool": "bool",
    "int": "int32", "long": "int64", "short": "int16", "char": "int8", "byte": "uint8",
}  # fmt: skip
_KEEPS = (
    "Identity", "clone", "contiguous", "detach", "sign",
)  # fmt: skip
_KEEPS_NUMBERS = (
    "Hardtanh", "ReLU", "ReLU6", "abs", "absolute", "ceil", "floor", "hardtanh", "neg", "negative", "positive", "relu",
    "fix", "relu6", "round", "trunc",
)  # fmt: skip
_KEEPS_FLOATING = (
    "CELU", "ELU", "GELU", "Hardshrink", "Hardsigmoid", "Hardswish",
    "LeakyReLU", "LogSigmoid", "Mish", "RReLU", "SELU", "SiLU", "Softplus", "Softshrink", "Threshold",
    "celu", "elu", "frac", "gelu", "hardshrink", "hardsigmoid", "hardswish", "leaky_relu",
    "logsigmoid", "mish", "rrelu", "selu", "silu", "softplus", "softshrink", "threshold",
)  # fmt: skip
_MAKES_FLOATING = (
    "Sigmoid", "Tanh", "acos", "acosh", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctanh", "asin", "asinh",
    "atan", "atanh", "cos", "cosh",
    "deg2rad", "digamma", "erf", "erfc", "erfinv", "exp", "exp2", "expm1", "lgamma", "log", "log10", "log1p", "log2",
    "rad2deg", "reciprocal", "rsqrt", "sigmoid", "sin", "sinc", "sinh", "sqrt", "tan", "tanh",
)  # fmt: skip
_MAKES_TRUTH = ("isfinite", "isinf", "isnan", "isneginf", "isposinf", "logical_not", "signbit")
_LIKE = ("empty_like", "full_like", "ones_like", "rand_like", "randint_like", "randn_like", "zeros_like")
_DROPOUTS = ("AlphaDropout", "Dropout", "FeatureAlphaDropout", "alpha_dropout", "dropout", "feature_alpha_dropout")
_CHANNEL_DROPOUTS = ("Dropout1d", "Dropout2d", "Dropout3d", "dropout1d", "dropout2d", "dropout3d")
RULES: Mapping[str, Rule] = {
    **dict.fromkeys(_KEEPS, keeps),
    **dict.fromkeys(_KEEPS_NUMBERS, keeps_numbers),
    **dict.fromkeys(_KEEPS_FLOATING, keeps_floating),
    **dict.fromkeys(_MAKES_FLOATING, makes_floating),
    **dict.fromkeys(_MAKES_TRUTH, makes_truth),
    **dict.fromkeys(_LIKE, like),
    **dict.fromkeys(_DROPOUTS, dropout),
    **dict.fromkeys(_CHANNEL_DROPOUTS, channel_dropout),
    **dict.fromkeys(_CASTS, cast_by_name),
    "GLU": gated,
    "LogSoftmax": softmax,
    "PReLU": prelu,
    "Softmax": softmax,
    "Softmax2d": softmax2d,
    "Softmin": softmax,
    "Softsign": makes_floating_of_numbers,
    "Tanhshrink": makes_floating_of_numbers,
    "clamp": clamp,
    "clip": clamp,
    "glu": gated,
    "log_softmax": softmax,
    "softmax": softmax,
    "softsign": makes_floating_of_numbers,
    "tanhshrink": makes_floating_of_numbers,
    "square": square,
    "softmin": softmax,
    "to": cast,
}
