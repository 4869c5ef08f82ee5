"""What a run tells while it goes on. The command line shows these; training itself prints nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

# One line of metrics.csv: epoch, step, train_loss, val_loss (None without validation), other metrics, lr, seconds.
Row: TypeAlias = dict[str, int | float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """The epoch with the best value of the metric so far."""

    metric: str
    value: float
    epoch: int
    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The run begins, or goes on: `epoch` and `batch` are where it stands, `step` how many steps are done."""

    epoch: int
    batch: int
    step: int
    epochs: int
    total_steps: int
    steps_in_epoch: int
    resumed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDone:
    """Some steps are done; told every so often, and at an epoch's last step.

    batch: how many of the epoch's `steps_in_epoch` are done. loss: the latest step's, averaged over its batch.
    """

    epoch: int
    batch: int
    steps_in_epoch: int
    step: int
    loss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochDone:
    """An epoch is trained and validated. is_best: no earlier epoch was as good."""

    row: Row
    is_best: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointSaved:
    path: Path
    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """Something failed that the run survives, in a plain sentence."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """A signal (its number) or the time limit (None) ended the run after step `step`; the checkpoint is written. The
    last event."""

    signal: int | None
    step: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The run reached its end. The last event. best: None only where no best checkpoint could be written. reason: why
    it ended before its time; empty where it did not."""

    step: int
    best: Best | None
    reason: str = ""


Event: TypeAlias = Started | StepDone | EpochDone | CheckpointSaved | Warned | Stopped | Finished
