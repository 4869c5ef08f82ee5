"""Where a run stands: the numbers that change while it goes on, and all that a checkpoint need hold beside tensors."""

from __future__ import annotations

from dataclasses import dataclass, field

from builder.training.events import Best, Metric, Row


@dataclass(slots=True, kw_only=True)
class Progress:
    """epoch: the one that is being trained, from 1. batch: how many of its batches are done. step: of all batches.

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

    def note(self, row: Row) -> bool:
        """Add the epoch's row; whether it is better than the best so far (an equal one is not)."""
        self.rows = [*(each for each in self.rows if each["epoch"] != row["epoch"]), row]
        return self.best is None or self.newest.value < self.best.value

    @property
    def newest(self) -> Best:
        """The last row, as the best."""
        row = self.rows[-1]
        metric: Metric = "train_loss" if row["val_loss"] is None else "val_loss"
        value, epoch, step = row[metric], row["epoch"], row["step"]
        assert value is not None  # no row is without these
        assert epoch is not None
        assert step is not None
        return Best(metric=metric, value=value, epoch=int(epoch), step=int(step))

    def next_epoch(self) -> None:
        self.epoch, self.batch, self.loss_sum, self.samples, self.seconds = self.epoch + 1, 0, 0.0, 0, 0.0
