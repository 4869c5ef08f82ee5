"""What a spec's outputs are measured by, beside its loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from builder.experiment.objective import Objective
from builder.training import accuracy_for
from dsl.records import Spec


def accuracy_of(spec: Spec, objective: Objective) -> Callable[[Any, Any], tuple[Tensor, Tensor]] | None:
    """How many answers are right, and of how many, where the loss at hand tells what is right."""
    losses = spec.losses
    layer = losses[0].block.layers[0] if len(losses) == 1 and len(losses[0].block.layers) == 1 else None
    if layer is None or layer.type is None:
        return None
    measure = accuracy_for(layer.type, ignore_index=int(layer.arguments.get("ignore_index", -100)))
    names = layer.input if isinstance(layer.input, list) else ["output", "target"]
    if measure is None or len(names) != 2 or (layer.input is not None and not isinstance(layer.input, list)):
        return None

    def accuracy(outputs: Any, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        sight = objective.sight(outputs, batch)
        return measure(sight[names[0]], sight[names[1]])

    return accuracy
