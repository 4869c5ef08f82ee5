"""Numbers that must be finite and are not: which tensor is the first to hold one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn

from builder.training.batches import Batch


def finite_buffers(model: nn.Module) -> frozenset[str]:
    """The buffers without infinities, which must stay so; a mask may hold them from the start."""
    return frozenset(name for name, each in model.named_buffers() if _is_finite(each))


def first_bad(model: nn.Module, optimizer: torch.optim.Optimizer, buffers: frozenset[str]) -> str:
    """The first tensor of what trains that is not finite, in words; empty where all are. Parameters come first, then
    buffers (those named), then what the optimizer keeps: an infinity there may hide behind an update of 0."""
    return next(_bad(model, optimizer, buffers), "")


def bad_field(batches: Iterable[Batch]) -> str:
    """The first field of some batches that is not finite, and the place of its sample, from 0; empty where all are."""
    for batch in batches:
        for name, field in batch.items():
            if not _is_finite(field):
                sample = int((~torch.isfinite(field)).reshape(len(field), -1).any(1).nonzero()[0])
                return f"{name} of the batch (sample {sample})"
    return ""


def _bad(model: nn.Module, optimizer: torch.optim.Optimizer, buffers: frozenset[str]) -> Iterator[str]:
    names: dict[Tensor, str] = {}
    for name, parameter in model.named_parameters():
        names[parameter] = name
        if parameter.requires_grad and not _is_finite(parameter):
            also = parameter.grad is not None and not _is_finite(parameter.grad)
            yield f"parameter {name}" + (" (its gradient too)" if also else "")
    yield from (f"buffer {name}" for name, each in model.named_buffers() if name in buffers and not _is_finite(each))
    for trained, kept in optimizer.state.items():
        bad = [name for name, each in kept.items() if isinstance(each, Tensor) and not _is_finite(each)]
        if bad:
            yield f"the optimizer's {bad[0]} of {names.get(trained, 'a parameter')}"


def _is_finite(tensor: Tensor) -> bool:
    if not (tensor.is_floating_point() or tensor.is_complex()):
        return True
    return bool(torch.isfinite(tensor).all())
