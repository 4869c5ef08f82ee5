"""A model starts from the weights that its spec names."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from builder.checking.weights import path_of
from builder.exchange.weights import put_in, read
from builder.training.checkpoints import Weights
from dsl.records import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """told: what starts anew, in a sentence; "" where nothing does, or the spec names no file. held: the file's."""

    told: str = ""
    held: Weights | None = None


def start(model: nn.Module, spec: Spec) -> Started:
    """Put the weights that `[model]` names into the model, in place. Raises CheckpointError, which names the file."""
    path = None if spec.weights is None else path_of(spec.weights)
    if spec.weights is None or path is None:
        return Started()
    held = read(path)
    told = put_in(model, held.model, str(path), rename=spec.weights.rename, fresh=spec.weights.fresh)
    return Started(told=told, held=held)


def take(model: nn.Module, spec: Spec, held: Weights, file: str) -> None:
    """Put all of a file's weights into a spec's model: those that it is evaluated with, so that nothing is left fresh.
    Raises CheckpointError, which names the file."""
    put_in(model, held.model, file, rename=spec.weights.rename if spec.weights else {})
