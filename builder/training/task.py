"""What is trained: a model, how a batch is fed to it, and what it is measured by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from builder.training.batches import Batch
from builder.training.errors import TrainingError
from builder.training.measures import Measure
from builder.training.settings import Settings

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """forward: model and batch -> the model's outputs, in whatever form objective and accuracy read.

    objective: outputs and batch -> the loss, one number, averaged over the batch.
    terms: the names of what the loss is put together from, each told beside it; None: it is one.
    loss: the module that the objective computes with, whose parameters train and are kept; None: it has none.
    prepare: a batch on the device, and whether it is trained on -> what the model is fed; runs without gradients.
    measures: what the outputs are held against the batch by in validation, by name.
    leaves_out: whether there are parameters that a step may not reach.
    """

    model: nn.Module
    forward: Callable[[nn.Module, Batch], Any]
    objective: Callable[[Any, Batch], Tensor]
    terms: Terms | None = None
    loss: nn.Module | None = None
    prepare: Callable[[Batch, bool], Batch] | None = None
    measures: Mapping[str, Measure] = field(default_factory=dict)
    leaves_out: bool = False

    def columns(self, validated: bool) -> tuple[str, ...]:
        """What is measured of an epoch."""
        losses = ("loss", *(self.terms.names if self.terms is not None else ()))
        held_out = tuple(f"val_{name}" for name in (*losses, *self.measures)) if validated else ()
        return (*(f"train_{name}" for name in losses), *held_out)

    @property
    def rising(self) -> frozenset[str]:
        """The columns of which more is better."""
        return frozenset(f"val_{name}" for name, each in self.measures.items() if each.higher_is_better)

    @property
    def modules(self) -> tuple[nn.Module, ...]:
        """The model, and the loss where that is a module."""
        return (self.model,) if self.loss is None else (self.model, self.loss)

    @property
    def owning(self) -> nn.Module | None:
        """The loss, where it has parameters of its own."""
        owned = self.loss is not None and any(True for _ in self.loss.parameters())
        return self.loss if owned else None

    @property
    def whole(self) -> nn.Module:
        """All that trains as one module: the model's parameters by their names, the loss's as `loss.NAME`."""
        return self.model if self.owning is None else Whole(self.model, self.owning)

    def loss_state(self) -> dict[str, Any]:
        """What a loss with parameters of its own keeps, as a state dict; class weights alone are the spec's."""
        return {} if self.owning is None else self.owning.state_dict()


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """names: of the terms of a loss. compute: outputs and batch -> the loss, which is what the objective gives, and the
    terms as they are before their factors: a tensor of one number for each, without gradients."""

    names: tuple[str, ...]
    compute: Callable[[Any, Batch], tuple[Tensor, Tensor]]


class Whole(nn.Module):
    """A view of a model with its loss beside its layers: it holds the same modules and parameters."""

    def __init__(self, model: nn.Module, loss: nn.Module) -> None:
        super().__init__()
        self._parameters.update(model._parameters)
        self._modules.update(model._modules)
        self._modules["loss"] = loss


def place_task(task: Task, settings: Settings) -> None:
    """Bring the model and the loss to the device, and the model's 4-D parameters into the memory format, in place: an
    optimizer that holds the parameters keeps them."""
    for module in task.modules:
        module.to(settings.device)
    if settings.memory_format == "channels_last":
        for parameter in task.model.parameters():
            parameter.data = _channels_last(parameter.data)


def placed(task: Task, batch: Batch, settings: Settings) -> Batch:
    """The batch on the device, prepared, its images (4-D tensors) in the memory format."""
    if settings.device.type != "cpu":
        batch = {name: field.to(settings.device, non_blocking=True) for name, field in batch.items()}
    if task.prepare is not None:
        with torch.no_grad():
            batch = task.prepare(batch, task.model.training)
    if settings.memory_format == "channels_last":
        batch = {name: _channels_last(field) for name, field in batch.items()}
    return batch


def outputs_and_loss(task: Task, batch: Batch, precision: AbstractContextManager[object]) -> tuple[Any, Tensor, Tensor]:
    """What the model makes of a placed batch, its loss, and what is told of that: the same number without gradients,
    or a row of it and its terms. Raises TrainingError unless the loss is one number."""
    with precision:
        outputs = task.forward(task.model, batch)
        loss, terms = (
            (task.objective(outputs, batch), None) if task.terms is None else task.terms.compute(outputs, batch)
        )
    if loss.ndim:
        raise TrainingError(f"the loss is a tensor of shape {tuple(loss.shape)}, not one number to go down from")
    told = loss.detach()
    return outputs, loss, told if terms is None else torch.cat((told.reshape(1), terms))


def precision_of(settings: Settings) -> AbstractContextManager[object]:
    """The context in which the model and the loss compute; it can be entered again and again."""
    if settings.precision == "float32":
        return nullcontext()
    return torch.autocast(settings.device.type, dtype=_DTYPES[settings.precision])


def _channels_last(tensor: Tensor) -> Tensor:
    return tensor.contiguous(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor
