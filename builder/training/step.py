"""One step: a batch, or several whose gradients are added up -> the optimizer's update."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from builder.training import seeding
from builder.training.batches import Batch, Piece
from builder.training.errors import TrainingError
from builder.training.processes import ALONE, Processes
from builder.training.settings import Settings
from builder.training.task import Task, outputs_and_loss, placed, precision_of


@dataclass(slots=True)
class Stepper:
    """Does steps. In fp16 the loss is scaled, so that small gradients do not vanish; the scale is its only state."""

    task: Task
    optimizer: torch.optim.Optimizer
    settings: Settings
    processes: Processes = ALONE
    _scaler: torch.amp.GradScaler = field(init=False)
    _precision: AbstractContextManager[object] = field(init=False)
    _parameters: list[nn.Parameter] = field(init=False)

    def __post_init__(self) -> None:
        if self.settings.precision == "fp16" and isinstance(self.optimizer, torch.optim.LBFGS):
            raise TrainingError('LBFGS holds losses against each other, and precision "fp16" scales them: use "bf16"')
        self._scaler = torch.amp.GradScaler("cuda", enabled=self.settings.precision == "fp16")
        self._precision = precision_of(self.settings)
        self._parameters = [each for group in self.optimizer.param_groups for each in group["params"]]
        if self.processes.world > 1:
            self.task = replace(self.task, model=_together(self.task, self.settings))
        if self.settings.compile:
            self.task = replace(self.task, model=torch.compile(self.task.model))  # type: ignore[arg-type]

    def step(self, batches: Sequence[Piece], number: int) -> Tensor:
        """Update the parameters once; the loss before that, a tensor of one number that is still on the device, or a
        row of it and its terms. Of several processes each gives its part of it.

        number: the step's, from which randomness starts anew where the loss is computed several times (LBFGS), so that
        each time it is the same function.
        """
        every = sum(samples for _, _, samples in batches)
        ready = [
            (placed(self.task, batch, self.settings), share * samples / every) for batch, share, samples in batches
        ]
        if isinstance(self.optimizer, torch.optim.LBFGS):
            return self._search(ready, number)
        loss = self._gradients(ready)
        self._scaler.step(self.optimizer)
        self._scaler.update()
        return loss

    def _gradients(self, batches: Sequence[tuple[Batch, float]]) -> Tensor:
        """Those of the mean loss of all samples together; the loss. With each batch goes its weight in that mean."""
        self.optimizer.zero_grad(set_to_none=True)
        told = []
        for place, (batch, weight) in enumerate(batches, 1):
            with self._added_up(last=place == len(batches)):
                loss, found = self._loss(batch)
                part = loss if weight == 1 else loss * weight
                # DDP takes the mean of the processes' gradients, which here are parts of a sum.
                whole = part if self.processes.world == 1 else part * self.processes.world
                self._scaler.scale(whole).backward()  # type: ignore[no-untyped-call]
            told.append(found if weight == 1 else found * weight)
        self._share_out()
        self._clip()
        return told[0] if len(told) == 1 else torch.stack(told).sum(0)

    def _share_out(self) -> None:
        """The gradients of the loss's own parameters, which DDP does not see: the mean over the processes, too."""
        if self.processes.world > 1 and self.task.loss is not None:
            for each in self.task.loss.parameters():
                if each.grad is not None:
                    each.grad = self.processes.total(each.grad) / self.processes.world

    def _loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        if not self.settings.compile:
            return outputs_and_loss(self.task, batch, self._precision)[1:]
        try:
            return outputs_and_loss(self.task, batch, self._precision)[1:]
        except torch._dynamo.exc.TorchDynamoException as error:  # no compiler on this machine, or what it cannot say
            why = str(error).splitlines()[0]
            raise TrainingError(
                f"torch.compile cannot compile the model ({why}); it trains without `compile`"
            ) from error

    def _added_up(self, *, last: bool) -> AbstractContextManager[object]:
        """Processes add up their gradients once a step, with the last batch's."""
        model = self.task.model
        return nullcontext() if last or not isinstance(model, DistributedDataParallel) else model.no_sync()

    def _clip(self) -> None:
        norm, value = self.settings.clip_grad_norm, self.settings.clip_grad_value
        if norm is not None or value is not None:
            self._scaler.unscale_(self.optimizer)
        if value is not None:
            nn.utils.clip_grad_value_(self._parameters, value)
        if norm is not None:
            nn.utils.clip_grad_norm_(self._parameters, norm)

    def _search(self, batches: Sequence[tuple[Batch, float]], number: int) -> Tensor:
        """LBFGS looks at the loss several times along a line."""
        seed = seeding.of_step(self.settings.seed, number, self.processes.rank)

        told: list[Tensor] = []

        def closure() -> Tensor:
            seeding.reseed(self.settings.device, seed)
            told.append(self.processes.total(self._gradients(batches)))  # all must see one number, or they part
            return told[-1].reshape(-1)[0]

        self.optimizer.step(closure)  # type: ignore[arg-type]
        return told[0] / self.processes.world

    @property
    def rate(self) -> float:
        """The learning rate of the first group."""
        return float(self.optimizer.param_groups[0]["lr"])

    def state(self) -> dict[str, Any]:
        return self._scaler.state_dict()

    def restore(self, state: dict[str, Any]) -> None:
        if state and self._scaler.is_enabled():
            self._scaler.load_state_dict(state)


def _together(task: Task, settings: Settings) -> nn.Module:
    """The model in torch's DistributedDataParallel, which adds up gradients while they are still being computed."""
    on_gpu = settings.device.type == "cuda"
    model = nn.SyncBatchNorm.convert_sync_batchnorm(task.model) if on_gpu else task.model  # type: ignore[no-untyped-call]
    devices = [settings.device.index] if on_gpu else None
    return DistributedDataParallel(model, device_ids=devices, find_unused_parameters=task.leaves_out)
