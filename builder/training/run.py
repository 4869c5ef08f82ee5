"""A run: what it was given, where it stands, and how that comes into a checkpoint and back."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import torch

from builder.training.average import Average
from builder.training.batches import Batches, pieces
from builder.training.checkpoints import Checkpoint, Weights, restore_loss, restore_model, restore_optimizer
from builder.training.errors import CheckpointError, Diverged, TrainingError
from builder.training.events import Best
from builder.training.finiteness import bad_field, finite_buffers, first_bad
from builder.training.judging import Judge
from builder.training.processes import ALONE, Processes
from builder.training.progress import Progress
from builder.training.schedule import Schedule
from builder.training.settings import Settings
from builder.training.step import Stepper
from builder.training.task import Task

_PROCESSES = "processes"


@dataclass(slots=True, kw_only=True)
class Run:
    """made_by: how many processes the run had that it goes on from."""

    task: Task
    optimizer: torch.optim.Optimizer
    train: Batches
    validation: Batches | None
    settings: Settings
    about: dict[str, Any]
    processes: Processes = ALONE
    made_by: int | None = None
    progress: Progress = field(default_factory=Progress)
    stepper: Stepper = field(init=False)
    schedule: Schedule = field(init=False)
    average: Average | None = field(init=False)
    judge: Judge = field(init=False)
    _finite_buffers: frozenset[str] = field(init=False)
    _clock: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        if not len(self.train):
            raise TrainingError("there is no batch to train on")
        if self.validation is not None and not len(self.validation):
            raise TrainingError("there is no batch to validate on")
        self.stepper = Stepper(self.task, self.optimizer, self.settings, self.processes)
        self._finite_buffers = finite_buffers(self.task.model)
        self.judge = Judge.of(self.columns, self.task.rising, self.settings.early_stopping)
        self.schedule = Schedule(
            self.optimizer, self.settings.stretches, self.total_steps, self.epochs, self.task.rising
        )
        averaging = self.settings.average
        first = 0 if averaging is None or averaging.type == "EMA" else int(averaging.start * self.total_steps) + 1
        self.average = None if averaging is None else Average(self.task.model, averaging, first)

    @property
    def columns(self) -> tuple[str, ...]:
        """What is measured of an epoch."""
        return self.task.columns(self.validation is not None)

    @property
    def whole_epoch(self) -> int:
        """How many steps an epoch has."""
        return -(-len(self.train) // self.settings.accumulate)

    @property
    def total_steps(self) -> int:
        return self.settings.steps or (self.settings.epochs or 0) * self.whole_epoch

    @property
    def epochs(self) -> int:
        """How many epochs there are; of a run of so many steps the last may be a part of one."""
        return -(-self.total_steps // self.whole_epoch)

    @property
    def steps_in_epoch(self) -> int:
        """How many steps the present epoch has."""
        return min(self.whole_epoch, self.total_steps - (self.progress.epoch - 1) * self.whole_epoch)

    @property
    def saves_here(self) -> bool:
        """Whether a checkpoint is due after this step; the one at an epoch's end is another."""
        every, progress = self.settings.save_every, self.progress
        return every is not None and progress.step % every == 0 and progress.batch < self.steps_in_epoch

    @property
    def unfinished(self) -> bool:
        """Whether steps are left to do that are worth it, or the last ones have no row yet."""
        step, rows = self.progress.step, self.progress.rows
        if not rows or rows[-1]["step"] != step:
            return True
        return step < self.total_steps and not self.gave_up

    @property
    def gave_up(self) -> str:
        """Why it ends before its time; empty where it does not."""
        return self.judge.gave_up(self.progress.rows) if self.progress.step < self.total_steps else ""

    @property
    def newest(self) -> Best:
        """The last epoch, as the best."""
        return self.judge.best_of(self.progress.rows[-1])

    @property
    def newest_is_best(self) -> bool:
        best = self.progress.best
        return best is None or self.judge.is_better(self.newest.value, best.value)

    @property
    def evaluated(self) -> Task:
        """The task with what is evaluated and kept as the best: the averaged weights, where they are averaged."""
        return self.task if self.average is None else replace(self.task, model=self.average.catch_up())

    def snapshot(self) -> Checkpoint:
        """Everything, to go on from. The tensors are the run's own: write it before the next step."""
        self.progress.seconds += self.lap()
        return Checkpoint(
            model=self.task.model.state_dict(),
            optimizer=self.optimizer.state_dict(),
            optimizer_type=type(self.optimizer).__name__,
            scaler=self.stepper.state(),
            progress=self.progress,
            conditions=self._conditions(),
            about=self.about,
            schedule=self.schedule.state(),
            average={} if self.average is None else self.average.state(),
            loss=self.task.loss_state(),
        )

    def weights(self) -> Weights:
        return Weights(model=self.evaluated.model.state_dict(), about=self.about, loss=self.task.loss_state())

    def restore(self, checkpoint: Checkpoint, *, changed: bool = False) -> None:
        """Stand where the checkpoint stood. changed: the seed and the optimizer's arguments may be others, and are then
        what holds. Raises CheckpointError where it is another run's."""
        self.made_by = checkpoint.conditions.get(_PROCESSES, 1)
        for name, now in self._conditions().items():
            free = name == _PROCESSES or (changed and name == "seed")
            if not free and (then := checkpoint.conditions.get(name)) != now:
                raise CheckpointError(f"{checkpoint.name} cannot go on exactly: {name} was {then} and is {now}")
        restore_model(self.task.model, checkpoint.model, checkpoint.name)
        restore_loss(self.task.owning, checkpoint.loss, checkpoint.name)
        self.schedule.restore(checkpoint.schedule)
        restore_optimizer(self.optimizer, checkpoint, own_arguments=changed)
        if changed:
            self.schedule.own_rates()
        if self.average is not None and checkpoint.average:
            self.average.restore(checkpoint.average)
        self.stepper.restore(checkpoint.scaler)
        self.progress = checkpoint.progress

    def lap(self) -> float:
        """Seconds since it was last asked."""
        before, self._clock = self._clock, time.monotonic()
        return self._clock - before

    def check_finite(self) -> None:
        """Raise Diverged, naming the first, if a tensor of what trains holds a number that is not finite.

        A step may ruin the weights, or a batch norm's running means, though its own loss was finite.
        """
        bad = first_bad(self.task.whole, self.optimizer, self._finite_buffers)
        if bad:
            raise Diverged(f"{bad} is no longer finite", step=self.progress.step, rate=self.stepper.rate)

    def diverged(self, what: str, step: int) -> Diverged:
        """What to raise of a number that is not finite: it names the first tensor that is not, too."""
        place = (self.progress.batch - (self.progress.step - step) - 1) * self.settings.accumulate
        read = pieces(self.train, self.progress.epoch, max(place, 0), self.processes)
        bad = bad_field(batch for batch, _, _ in islice(read, self.settings.accumulate))
        bad = bad or first_bad(self.task.whole, self.optimizer, self._finite_buffers)
        return Diverged(what, step=step, rate=self.stepper.rate, first=bad)

    def _conditions(self) -> dict[str, int]:
        return {"seed": self.settings.seed, "batches in an epoch": len(self.train), "samples": self.train.samples,
                "batches in a step": self.settings.accumulate, _PROCESSES: self.processes.world}  # fmt: skip
