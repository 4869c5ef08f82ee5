"""The gallery's specs for tests: where they lie, their modules, and weights that no two layers share by chance."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

import builder
import dsl
from builder.building import module_of

FOLDER = Path(__file__).parents[1] / "specs" / "gallery"
NAMES = sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name: str, **overrides: object) -> dsl.Spec:
    return dsl.load(FOLDER / f"{name}.toml", overrides=overrides)


def without_memory(name: str) -> nn.Module:
    """The spec's module on the meta device: keys and shapes, no numbers."""
    with torch.device("meta"):
        return module_of(builder.elaborate(load(name)))


def keys(module: nn.Module) -> list[str]:
    """Key and shape of each entry of the state dict, in order."""
    return [f"{key} {list(tensor.shape)}" for key, tensor in module.state_dict().items()]


def stir(module: nn.Module) -> nn.Module:
    """Every parameter moved, every statistic of a normalisation away from 0 and 1: what starts at 0 hides mistakes."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn(()) * 1e-3 + torch.empty_like(parameter).uniform_(-0.01, 0.01))
        for key, buffer in module.named_buffers():
            if "running" in key:
                buffer.uniform_(0.5, 1.5)
    return module


def twin(make: Callable[[], nn.Module], of: nn.Module) -> nn.Module:
    """A reference that has copies of the spec's weights, loaded strictly, and as many modes."""
    with torch.device("meta"):
        reference = make()
    reference.load_state_dict({key: each.clone() for key, each in of.state_dict().items()}, strict=True, assign=True)
    return reference.train(of.training)


def gradients(module: nn.Module) -> dict[str, Tensor]:
    return {key: each.grad for key, each in module.named_parameters() if each.grad is not None}
