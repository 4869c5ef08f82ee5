"""Where a run stands: the numbers that change while it goes on, and all that a checkpoint need hold beside tensors."""

from __future__ import annotations

from dataclasses import dataclass, field

from builder.training.events import Best, Row


@dataclass(slots=True, kw_only=True)
class Progress:
    """epoch: the one that is being trained, from 1. batch: how many of its steps are done. step: of all steps.

    loss_sum, samples: this epoch's losses over all samples so far. seconds: the time this epoch has taken.
    rows: the finished epochs. best: the best of them; None before the first.
    """

    epoch: int = 1
    batch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    samples: int = 0
    seconds: float = 0.0
    rows: list[Row] = field(default_factory=list)
    best: Best | None = None

    def count(self, loss: float, samples: int) -> None:
        """Add a step's loss, averaged over its batch of so many samples, to the epoch's."""
        self.loss_sum += loss * samples
        self.samples += samples

    def note(self, row: Row) -> None:
        """Add the epoch's row."""
        self.rows = [*(each for each in self.rows if each["epoch"] != row["epoch"]), row]

    def next_epoch(self) -> None:
        self.epoch, self.batch, self.loss_sum, self.samples, self.seconds = self.epoch + 1, 0, 0.0, 0, 0.0
