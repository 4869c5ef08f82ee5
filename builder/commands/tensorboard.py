"""`--tensorboard`: a run's numbers as event files, which TensorBoard shows."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

from builder.files import reason
from builder.training import RunFolder
from builder.training.events import EpochDone, Event, Started, StepDone


class Board:
    """Writes what the events of a run tell: `train_loss` of single steps as they are reported, and at the end of each
    epoch what was measured (`val_loss`, `val_accuracy` ...) and `lr`, all over the number of steps done.

    That nothing can be written any more is told by `warn`, once, and ends no run.
    """

    def __init__(self, path: Path, warn: Callable[[str], None]) -> None:
        self._path, self._warn = path, warn
        self._writer: Any = None
        self._failed = False

    def show(self, event: Event) -> None:
        if isinstance(event, Started):
            self._attempt(lambda: self._open(event))
        elif isinstance(event, StepDone):
            self._add({"train_loss": event.loss}, event.step)
        elif isinstance(event, EpochDone):
            apart = ("epoch", "step", "train_loss", "seconds")
            self._add({name: value for name, value in event.row.items() if name not in apart},
                      int(event.row["step"] or 0), flush=True)  # fmt: skip

    def close(self) -> None:
        if self._writer is not None:
            self._attempt(self._writer.close)

    def _open(self, event: Started) -> None:
        from torch.utils.tensorboard import SummaryWriter

        # What an earlier part of the run has told of steps that are done again is hidden.
        purge = event.step + 1 if event.resumed else None
        self._writer = SummaryWriter(str(self._path), purge_step=purge)

    def _add(self, values: dict[str, float | int | None], step: int, *, flush: bool = False) -> None:
        def write() -> None:
            for name, value in values.items():
                if value is not None:
                    self._writer.add_scalar(name, value, step)
            if flush:
                self._writer.flush()

        self._attempt(write)

    def _attempt(self, write: Callable[[], object]) -> None:
        if self._failed:
            return
        try:
            write()
        except OSError as error:
            self._failed = True
            self._warn(f"nothing more is written for TensorBoard: {reason(error)}")


def of(folder: RunFolder, warn: Callable[[str], None]) -> Board:
    """The board of a run, in its folder."""
    return Board(folder.path / "tensorboard", warn)


def check() -> None:
    """ValueError that says what to install where TensorBoard's package is missing."""
    if importlib.util.find_spec("tensorboard") is None:
        raise ValueError("--tensorboard needs a package that is not here: pip install tensorboard")
