"""How far apart two tensors are: CosineSimilarity, PairwiseDistance, and their functions."""

from __future__ import annotations

from collections.abc import Mapping

from builder.shapes.broadcasting import Sizes, broadcast
from builder.shapes.call import Call, Made, Misfit, TensorType
from builder.shapes.conditions import Conditions
from builder.shapes.dtypes import result_dtype
from builder.shapes.reading import argument, demand_floating, place, tensor
from builder.shapes.rule import Rule


def cosine_similarity(call: Call) -> Made | None:
    """Two tensors, stretched to one shape; `dim` goes. Two single numbers are torch's to judge."""
    if all(not tensor(call, index, name).shape for index, name in enumerate(("x1", "x2"))):
        return None
    shape, dtype, conditions = _stretched(call)
    dim = place(call, argument(call, "dim"), len(shape))
    return Made(result=TensorType((*shape[:dim], *shape[dim + 1 :]), dtype), conditions=conditions)


def pairwise_distance(call: Call) -> Made:
    """Two tensors, stretched to one shape; the last dim goes, or stays as 1 with `keepdim`."""
    shape, dtype, conditions = _stretched(call)
    last = (1,) if argument(call, "keepdim") is True else ()
    return Made(result=TensorType((*shape[:-1], *last), dtype), conditions=conditions)


def _stretched(call: Call) -> tuple[Sizes, str, Conditions]:
    pair = [tensor(call, index, name) for index, name in enumerate(("x1", "x2"))]
    for each, words in zip(pair, ("its first input", "its second input"), strict=True):
        demand_floating(call, each, words)
        if not each.shape:
            raise Misfit(f"{call.entry.name} reads tensors with at least one dim, but {words} is a single number")
    shape, conditions = broadcast(call.entry.name, pair)
    return shape, result_dtype(pair), conditions


RULES: Mapping[str, Rule] = {
    "CosineSimilarity": cosine_similarity,
    "PairwiseDistance": pairwise_distance,
    "cosine_similarity": cosine_similarity,
    "pairwise_distance": pairwise_distance,
}
