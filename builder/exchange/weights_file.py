"""A model's weights as a file for others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from builder.building import elaborate, module_of
from builder.exchange.starting import start, take
from builder.exchange.weights import read
from builder.files import OutputError, replacing
from builder.training.weights import read_safetensors, write_safetensors
from dsl.records import Spec


def with_weights(spec: Spec, weights: str | None) -> tuple[nn.Module, str]:
    """The model on the CPU for evaluation, with the weights of a file, else those that its spec names, else drawn with
    the spec's seed; and what of it is drawn, in a sentence, or "". Raises CheckpointError."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.train.seed)
        model = module_of(elaborate(spec)).eval()
    if weights is not None:
        take(model, spec, read(Path(weights)), weights)
        return model, ""
    started = start(model, spec)
    drawn = "" if started.held else f"weights freshly drawn with seed {spec.train.seed}: none were given"
    return model, drawn if model.state_dict() and drawn else started.told


def write_weights(path: Path, model: nn.Module) -> None:
    """Write a model's state dict as safetensors, read back and the same bit for bit before it has its name.
    Raises OutputError; nothing of it then stays, and what was there before does."""
    with replacing(path) as aside:
        write_safetensors(aside, model.state_dict())
        if differs := _differing(model.state_dict(), read_safetensors(aside)):
            raise OutputError(f"{path} is not written: {differs} does not come back as it is in the model")


def _differing(state: Mapping[str, Any], found: Mapping[str, Tensor]) -> str:
    """The first name whose tensor is not the same in both; "" where there is none."""
    return next((name for name in {**state, **found} if not _same(state.get(name), found.get(name))), "")


def _same(one: Any, other: Any) -> bool:
    if not isinstance(one, Tensor) or not isinstance(other, Tensor):
        return False
    same_form = one.dtype == other.dtype and one.shape == other.shape
    return same_form and torch.equal(_bits(one), _bits(other))


def _bits(tensor: Tensor) -> Tensor:
    return tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
