"""One step: a batch -> the optimizer's update."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from builder.training.batches import Batch
from builder.training.settings import Settings
from builder.training.task import Task, outputs_and_loss, placed, precision_of


@dataclass(slots=True)
class Stepper:
    """Does steps. In fp16 the loss is scaled, so that small gradients do not vanish; the scale is its only state."""

    task: Task
    optimizer: torch.optim.Optimizer
    settings: Settings
    _scaler: torch.amp.GradScaler = field(init=False)
    _precision: AbstractContextManager[object] = field(init=False)
    _parameters: list[nn.Parameter] = field(init=False)

    def __post_init__(self) -> None:
        self._scaler = torch.amp.GradScaler("cuda", enabled=self.settings.precision == "fp16")
        self._precision = precision_of(self.settings)
        self._parameters = [each for group in self.optimizer.param_groups for each in group["params"]]

    def step(self, batch: Batch) -> Tensor:
        """Update the parameters once; the loss before that, a tensor of one number that is still on the device."""
        self.optimizer.zero_grad(set_to_none=True)
        _, loss = outputs_and_loss(self.task, placed(self.task, batch, self.settings), self._precision)
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        if self.settings.clip_grad_norm is not None:
            self._scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self._parameters, self.settings.clip_grad_norm)
        self._scaler.step(self.optimizer)
        self._scaler.update()
        return loss.detach()

    @property
    def rate(self) -> float:
        """The learning rate of the first group."""
        return float(self.optimizer.param_groups[0]["lr"])

    def state(self) -> dict[str, Any]:
        return self._scaler.state_dict()

    def restore(self, state: dict[str, Any]) -> None:
        if state and self._scaler.is_enabled():
            self._scaler.load_state_dict(state)
