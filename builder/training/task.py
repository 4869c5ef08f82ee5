"""What is trained: a model, how a batch is fed to it, and what it is measured by."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from builder.training.batches import Batch
from builder.training.errors import TrainingError
from builder.training.settings import Settings

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """forward: model and batch -> the model's outputs, in whatever form objective and accuracy read.

    objective: outputs and batch -> the loss, one number, averaged over the batch.
    prepare: a batch on the device -> what the model is fed; runs without gradients.
    accuracy: outputs and batch -> how many answers are right, and of how many: two tensors of one number each.
    rising: the columns of which more is better. leaves_out: whether there are parameters that a step may not reach.
    """

    model: nn.Module
    forward: Callable[[nn.Module, Batch], Any]
    objective: Callable[[Any, Batch], Tensor]
    prepare: Callable[[Batch], Batch] | None = None
    accuracy: Callable[[Any, Batch], tuple[Tensor, Tensor]] | None = None
    rising: frozenset[str] = frozenset(("val_accuracy",))
    leaves_out: bool = False

    def columns(self, validated: bool) -> tuple[str, ...]:
        """What is measured of an epoch."""
        own = ("val_loss", *(("val_accuracy",) if self.accuracy is not None else ()))
        return ("train_loss", *(own if validated else ()))


def place_model(model: nn.Module, settings: Settings) -> None:
    """Bring the model to the device and its 4-D parameters into the memory format, in place: an optimizer that holds
    the parameters keeps them."""
    model.to(settings.device)
    if settings.memory_format == "channels_last":
        for parameter in model.parameters():
            parameter.data = _channels_last(parameter.data)


def placed(task: Task, batch: Batch, settings: Settings) -> Batch:
    """The batch on the device, prepared, its images (4-D tensors) in the memory format."""
    if settings.device.type != "cpu":
        batch = {name: field.to(settings.device, non_blocking=True) for name, field in batch.items()}
    if task.prepare is not None:
        with torch.no_grad():
            batch = task.prepare(batch)
    if settings.memory_format == "channels_last":
        batch = {name: _channels_last(field) for name, field in batch.items()}
    return batch


def outputs_and_loss(task: Task, batch: Batch, precision: AbstractContextManager[object]) -> tuple[Any, Tensor]:
    """What the model makes of a placed batch, and its loss. Raises TrainingError unless that is one number."""
    with precision:
        outputs = task.forward(task.model, batch)
        loss = task.objective(outputs, batch)
    if loss.ndim:
        raise TrainingError(f"the loss is a tensor of shape {tuple(loss.shape)}, not one number to go down from")
    return outputs, loss


def precision_of(settings: Settings) -> AbstractContextManager[object]:
    """The context in which the model and the loss compute; it can be entered again and again."""
    if settings.precision == "float32":
        return nullcontext()
    return torch.autocast(settings.device.type, dtype=_DTYPES[settings.precision])


def _channels_last(tensor: Tensor) -> Tensor:
    return tensor.contiguous(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor
