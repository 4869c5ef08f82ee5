"""AdaptiveLogSoftmaxWithLoss: frequent classes in a head, rare ones in clusters behind it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from builder.shapes.call import Call, Made, Misfit, TensorType
from builder.shapes.conditions import Conditions, needs_equal
from builder.shapes.reading import agreed, argument, demand_dims, demand_weights_dtype, tensor, whole
from builder.shapes.rule import Rule


def adaptive_log_softmax(call: Call) -> Made:
    """Input (N, in_features) or (in_features), class numbers (N) or () -> output (N) or (), and the loss."""
    given, target = tensor(call, 0, "input_"), tensor(call, 1, "target_")
    demand_dims(call, given, (1, 2), "(N, in_features) or (in_features,)")
    width, inferred = agreed(call, "in_features", given.shape[-1], "features")
    demand_weights_dtype(call, given)
    conditions = _class_numbers(call, given, target)
    result = {"output": TensorType(target.shape, given.dtype), "loss": TensorType((), given.dtype)}
    parameters = _parameters(call, width)
    return Made(result=dict(result), arguments=inferred, parameters=parameters, conditions=conditions)


def _class_numbers(call: Call, given: TensorType, target: TensorType) -> Conditions:
    kind, wanted = call.entry.name, TensorType(given.shape[:-1], "int64")
    misfit = Misfit(f"{kind} reads class numbers (int64) of shape {wanted}, but target has {target.dtype} {target}")
    if target.dtype != "int64" or len(target.shape) != len(wanted.shape):
        raise misfit
    pairs = zip(target.shape, wanted.shape, strict=True)
    return tuple(each for a, b in pairs if a != b for each in needs_equal(a, b, misfit))


def _parameters(call: Call, width: int) -> dict[str, tuple[int, ...]]:
    """The head has a row for each of the first classes and for each cluster; a cluster is two matrices, the inner
    width of which shrinks by `div_value` from one cluster to the next.
    """
    bounds = [*_cutoffs(call), whole(call, "n_classes", 1)]
    rows, shrink = bounds[0] + len(bounds) - 1, argument(call, "div_value")
    if not isinstance(shrink, (int, float)) or shrink <= 0:
        raise Misfit(f"{call.entry.name} needs div_value above 0", argument="div_value", code="argument")
    parameters: dict[str, tuple[int, ...]] = {"head.weight": (rows, width)}
    if argument(call, "head_bias") is True:
        parameters["head.bias"] = (rows,)
    for index, (low, high) in enumerate(itertools.pairwise(bounds)):
        inner = int(width // shrink ** (index + 1))
        parameters[f"tail.{index}.0.weight"] = (inner, width)
        parameters[f"tail.{index}.1.weight"] = (high - low, inner)
    return parameters


def _cutoffs(call: Call) -> list[int]:
    cutoffs, classes = argument(call, "cutoffs"), whole(call, "n_classes", 1)
    found = [each for each in cutoffs if isinstance(each, int)] if isinstance(cutoffs, (list, tuple)) else []
    rising = all(low < high for low, high in zip([0, *found], [*found, classes], strict=True))
    if not found or not rising:
        message = f"{call.entry.name} needs cutoffs that rise between 0 and n_classes ({classes}), unlike {cutoffs}"
        raise Misfit(message, argument="cutoffs", code="argument")
    return found


RULES: Mapping[str, Rule] = {"AdaptiveLogSoftmaxWithLoss": adaptive_log_softmax}
