"""What a run writes while it goes on, and what happens when that fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from builder.files import OutputError
from builder.training import checkpoints
from builder.training.events import CheckpointSaved, Event, Warned
from builder.training.folder import RunFolder, State
from builder.training.run import Run
from builder.training.weights import write_safetensors

# So many checkpoints in a row may fail to be written before the run gives up.
_FAILURES_IN_A_ROW = 3


@dataclass(slots=True)
class Writer:
    """Checkpoints, metrics and status of one run. A failure is told and survived: the disk may have room again."""

    run: Run
    folder: RunFolder
    last_stands: bool = False  # whether last.pt is known to be whole, and worth keeping
    _failures: int = 0
    _logs_failed: bool = False

    def save_best(self) -> Iterator[Event]:
        """Write the weights, and only then count the newest epoch as the best."""
        if not self.run.processes.first:
            self.run.progress.best = self.run.newest
            return
        weights = self.run.weights()
        try:
            checkpoints.save_weights(self.folder.best, weights)
        except OutputError as error:
            yield Warned(message=str(error))
            return
        self.run.progress.best = self.run.newest
        yield CheckpointSaved(path=self.folder.best, step=self.run.progress.step)
        try:
            write_safetensors(self.folder.best_for_others, weights.model)
        except OutputError as error:
            yield Warned(message=str(error))

    def save_last(self, *, must: bool = False) -> Iterator[Event]:
        """Write all that is needed to go on. Raises OutputError if it `must` be or has failed too often in a row."""
        if not self.run.processes.first:
            return
        try:
            keep = self.folder.previous if self.last_stands else None
            checkpoints.save(self.folder.last, self.run.snapshot(), keep=keep)
        except OutputError as error:
            self._failures += 1
            if must or self._failures >= _FAILURES_IN_A_ROW:
                raise
            yield Warned(message=str(error))
            return
        self._failures, self.last_stands = 0, True
        yield CheckpointSaved(path=self.folder.last, step=self.run.progress.step)

    def write_metrics(self) -> Iterator[Event]:
        measured = [each for each in self.run.columns if each not in ("train_loss", "val_loss")]
        columns = ["epoch", "step", "train_loss", "val_loss", *measured, "lr", "seconds"]
        yield from self._log(lambda: self.folder.write_metrics(columns, self.run.progress.rows))

    def write_status(self, state: State, why: str = "") -> Iterator[Event]:
        yield from self._log(lambda: self.folder.write_status(state, self.run.progress.step, why))

    def _log(self, write: Callable[[], None]) -> Iterator[Event]:
        """What only tells of the run may fail without ending it: one warning for all of them."""
        try:
            if self.run.processes.first:
                write()
        except OutputError as error:
            if not self._logs_failed:
                self._logs_failed = True
                yield Warned(message=str(error))
