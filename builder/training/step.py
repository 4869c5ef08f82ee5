"""One step: a batch, or several whose gradients are added up -> the optimizer's update."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from builder.training import seeding
from builder.training.batches import Batch, size
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
        if self.settings.compile:
            self.task = replace(self.task, model=torch.compile(self.task.model))  # type: ignore[arg-type]

    def step(self, batches: Sequence[Batch], number: int) -> Tensor:
        """Update the parameters once; the loss before that, a tensor of one number that is still on the device.

        number: the step's, from which randomness starts anew where the loss is computed several times (LBFGS), so that
        each time it is the same function.
        """
        ready = [(placed(self.task, batch, self.settings), size(batch)) for batch in batches]
        if isinstance(self.optimizer, torch.optim.LBFGS):
            return self._search(ready, number)
        loss = self._gradients(ready)
        self._scaler.step(self.optimizer)
        self._scaler.update()
        return loss

    def _gradients(self, batches: Sequence[tuple[Batch, int]]) -> Tensor:
        """Those of the mean loss of all samples together; the loss."""
        self.optimizer.zero_grad(set_to_none=True)
        total = sum(count for _, count in batches)
        losses = []
        for batch, count in batches:
            _, loss = outputs_and_loss(self.task, batch, self._precision)
            part = loss if len(batches) == 1 else loss * (count / total)
            self._scaler.scale(part).backward()  # type: ignore[no-untyped-call]
            losses.append(part.detach())
        self._clip()
        return losses[0] if len(losses) == 1 else torch.stack(losses).sum()

    def _clip(self) -> None:
        norm, value = self.settings.clip_grad_norm, self.settings.clip_grad_value
        if norm is not None or value is not None:
            self._scaler.unscale_(self.optimizer)
        if value is not None:
            nn.utils.clip_grad_value_(self._parameters, value)
        if norm is not None:
            nn.utils.clip_grad_norm_(self._parameters, norm)

    def _search(self, batches: Sequence[tuple[Batch, int]], number: int) -> Tensor:
        """LBFGS looks at the loss several times along a line."""
        seed = seeding.mixed(self.settings.seed, seeding.STEP, number)

        def closure() -> Tensor:
            seeding.reseed(self.settings.device, seed)
            return self._gradients(batches)

        loss: Tensor = self.optimizer.step(closure)  # type: ignore[arg-type, assignment]
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
