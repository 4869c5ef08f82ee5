"""Which epoch is the best, and whether more of them are worth waiting for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from builder.training.errors import TrainingError
from builder.training.events import Best, Row
from builder.training.settings import EarlyStopping


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """metric: the column that epochs are held against each other by. rising: whether more of it is better."""

    metric: str
    rising: bool = False
    stopping: EarlyStopping | None = None

    @classmethod
    def of(cls, columns: Sequence[str], rising: frozenset[str], stopping: EarlyStopping | None) -> Judge:
        """columns: what an epoch measures. Raises TrainingError where it does not measure what is asked for."""
        usual = "val_loss" if "val_loss" in columns else "train_loss"
        metric = (stopping.metric if stopping is not None else None) or usual
        if metric not in columns:
            raise TrainingError(
                f"early_stopping watches {metric}, which is not measured; there is {', '.join(columns)}"
            )
        return cls(metric=metric, rising=metric in rising, stopping=stopping)

    def best_of(self, row: Row) -> Best:
        """The row, as the best."""
        value, epoch, step = row[self.metric], row["epoch"], row["step"]
        assert value is not None  # no row is without these
        assert epoch is not None
        assert step is not None
        return Best(metric=self.metric, value=value, epoch=int(epoch), step=int(step))

    def is_better(self, value: float, than: float, by: float = 0.0) -> bool:
        """An equal one is not."""
        return value > than + by if self.rising else value < than - by

    def gave_up(self, rows: Sequence[Row]) -> str:
        """Why no further epoch is worth waiting for; empty where one is."""
        if self.stopping is None:
            return ""
        best, waited = None, 0
        for row in rows:
            value = self.best_of(row).value
            if best is None or self.is_better(value, best, self.stopping.min_delta):
                best, waited = value, 0
            else:
                waited += 1
            if waited >= self.stopping.patience:
                epochs = f"{waited} epochs" if waited > 1 else "an epoch"
                return f"{self.metric} was not better for {epochs}"
        return ""
