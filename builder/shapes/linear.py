"""Layers that multiply by a matrix or look rows up in one: Linear, Bilinear, Embedding, and their functions."""

from __future__ import annotations

from collections.abc import Mapping

from builder.shapes.call import Call, Made, Misfit, TensorType, shape_text
from builder.shapes.conditions import needs_equal
from builder.shapes.reading import (
    agreed,
    argument,
    demand_weights_dtype,
    optional_tensor,
    tensor,
    weight_dtype,
    whole,
)
from builder.shapes.rule import Rule
from builder.shapes.sizes import Size, product


def linear(call: Call) -> Made:
    """Linear: (*, in_features) -> (*, out_features)."""
    given = tensor(call, 0, "input")
    if not given.shape:
        raise Misfit("Linear reads a tensor with at least one dim, but its input is a single number")
    features, inferred = agreed(call, "in_features", given.shape[-1], "features")
    demand_weights_dtype(call, given)
    out_features = whole(call, "out_features", 1)
    biased = argument(call, "bias") is not False
    return Made(
        result=TensorType((*given.shape[:-1], out_features), given.dtype),
        arguments=inferred,
        parameters={"weight": (out_features, features)} | ({"bias": (out_features,)} if biased else {}),
        multiply_adds=rows(given.shape[:-1]) * features * out_features,
    )


def bilinear(call: Call) -> Made:
    """Bilinear: (*, in1_features), (*, in2_features) -> (*, out_features)."""
    left, right = tensor(call, 0, "input1"), tensor(call, 1, "input2")
    demand_weights_dtype(call, left)
    demand_weights_dtype(call, right)
    if not left.shape or not right.shape:
        raise Misfit(f"Bilinear reads two inputs with at least one dim, but they are {left} and {right}")
    in1, inferred1 = agreed(call, "in1_features", left.shape[-1], "features in its first input")
    in2, inferred2 = agreed(call, "in2_features", right.shape[-1], "features in its second input")
    out_features = whole(call, "out_features", 1)
    both = f"{left} and {right}"
    misfit = Misfit(f"Bilinear reads two inputs that agree in all dims but the last, but they are {both}")
    if len(left.shape) != len(right.shape):
        raise misfit
    pairs = zip(left.shape[:-1], right.shape[:-1], strict=True)
    biased = argument(call, "bias") is not False
    return Made(
        result=TensorType((*left.shape[:-1], out_features), left.dtype),
        arguments=inferred1 | inferred2,
        parameters={"weight": (out_features, in1, in2)} | ({"bias": (out_features,)} if biased else {}),
        conditions=tuple(each for a, b in pairs for each in needs_equal(a, b, misfit)),
    )


def linear_function(call: Call) -> Made:
    """torch.nn.functional.linear: (*, in), a weight (out, in) -> (*, out); a weight (in,) -> (*)."""
    given, weight = tensor(call, 0, "input"), tensor(call, 1, "weight")
    optional_tensor(call, 2, "bias")
    if not weight.shape:
        raise Misfit("linear reads a weight of (out, in) or (in), but it is a single number")
    expected = weight.shape[-1]
    if not given.shape or given.shape[-1] != expected:
        held = f"its weight is {shape_text(weight.shape)}"
        raise Misfit(f"linear expects {expected} features ({held}), but its input is {shape_text(given.shape)}")
    if given.dtype != weight.dtype:
        message = f"linear needs one dtype, but its input is {given.dtype} and its weight {weight.dtype}"
        raise Misfit(message, code="dtype")
    return Made(
        result=TensorType((*given.shape[:-1], *weight.shape[:-1]), given.dtype),
        multiply_adds=rows(given.shape[:-1]) * product(weight.shape),
    )


def embedding(call: Call) -> Made:
    """Embedding: whole numbers (*) -> (*, embedding_dim). `num_embeddings` is told by the input's `high`, not here."""
    given = tensor(call, 0, "input")
    _demand_indices(call, given)
    if "num_embeddings" not in call.arguments:
        fix = "num_embeddings = ..., or give the input its `high`"
        raise Misfit("Embedding needs num_embeddings, since its input says no `high`", fix=fix, code="argument")
    rows_held, width = whole(call, "num_embeddings", 1), whole(call, "embedding_dim", 1)
    padding = argument(call, "padding_idx")
    if isinstance(padding, int) and not -rows_held <= padding < rows_held:
        message = f"Embedding has padding_idx {padding}, but its num_embeddings is {rows_held}"
        raise Misfit(message, argument="padding_idx")
    return Made(
        result=TensorType((*given.shape, width), weight_dtype(call)),
        parameters={"weight": (rows_held, width)},
    )


def embedding_function(call: Call) -> Made:
    """torch.nn.functional.embedding: whole numbers (*), a weight (rows, width) -> (*, width)."""
    given, weight = tensor(call, 0, "input"), tensor(call, 1, "weight")
    _demand_indices(call, given)
    if len(weight.shape) != 2:
        raise Misfit(f"embedding reads a weight of (rows, width), but it is {shape_text(weight.shape)}")
    return Made(result=TensorType((*given.shape, weight.shape[1]), weight.dtype))


def one_hot(call: Call) -> Made:
    """torch.nn.functional.one_hot: whole numbers (*) -> (*, num_classes), int64."""
    given = tensor(call, 0, "input")
    if given.dtype != "int64":
        raise Misfit(f"one_hot reads class numbers (int64), but its input is {given.dtype}", code="dtype")
    classes = whole(call, "num_classes")
    if classes < 1:
        raise Misfit("one_hot needs num_classes: its result's shape hangs on it", argument="num_classes")
    return Made(result=TensorType((*given.shape, classes), "int64"))


def rows(leading: tuple[Size, ...]) -> Size:
    """How many rows of a matrix product one sample has: the leading dim is the batch, where there is one; of the
    `4 * N` that windows of a batch are, each sample has four."""
    if not leading:
        return 1
    return product([_of_one(leading[0]), *leading[1:]])


def _of_one(batch: Size) -> Size:
    """What one sample has of a leading dim: 1 of `N`, 4 of `4 * N`; all of what is no batch's."""
    if isinstance(batch, int):
        return 1
    (names, factor), *more = batch.terms
    return factor if not more and len(names) == 1 and isinstance(names[0], str) else batch


def _demand_indices(call: Call, given: TensorType) -> None:
    if given.dtype not in ("int64", "int32"):
        message = f"{call.entry.name} reads whole numbers (int64 or int32), but its input is {given.dtype}"
        raise Misfit(message, fix='dtype = "int64" on the input', code="dtype")


RULES: Mapping[str, Rule] = {
    "Linear": linear,
    "Bilinear": bilinear,
    "Embedding": embedding,
    "linear": linear_function,
    "embedding": embedding_function,
    "one_hot": one_hot,
}
