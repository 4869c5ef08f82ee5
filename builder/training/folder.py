"""The folder of a run: where its checkpoints, metrics and state are."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from builder.files import OutputError, reason, write_text
from builder.training.events import Row

State: TypeAlias = Literal["running", "stopped", "done", "failed"]


@dataclass(frozen=True, slots=True)
class RunFolder:
    """checkpoints/last.pt, previous.pt and best.pt, metrics.csv, status.json below `path`."""

    path: Path

    @property
    def last(self) -> Path:
        """Where the checkpoint to resume from is: everything the run needs to go on."""
        return self.path / "checkpoints" / "last.pt"

    @property
    def previous(self) -> Path:
        """Where the checkpoint before the last is, should the last be damaged."""
        return self.path / "checkpoints" / "previous.pt"

    @property
    def best(self) -> Path:
        """Where the best epoch's weights are."""
        return self.path / "checkpoints" / "best.pt"

    @property
    def best_for_others(self) -> Path:
        """Where the best epoch's weights are in the form that other programs read."""
        return self.path / "checkpoints" / "best.safetensors"

    def holds(self, name: str) -> bool:
        """Whether the file of that name is one of this run's checkpoints."""
        return Path(name).absolute().parent == self.last.absolute().parent

    def begin(self, *, resumed: bool, step: int) -> None:
        """Make the folder ready, or raise OutputError before any training: it cannot be written, or it already holds a
        run that is not being resumed and would be lost."""
        if not resumed and (self.last.exists() or self.previous.exists()):
            raise OutputError(f"{self.path} already holds a run: resume it, or name another folder")
        try:
            self.last.parent.mkdir(parents=True, exist_ok=True)
            for leftover in self.last.parent.glob(".*.aside"):  # of a run that was killed while saving
                leftover.unlink()
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {reason(error)}") from error
        self.write_status("running", step)

    def write_status(self, state: State, step: int, why: str = "") -> None:
        """`status.json`: {"state", "step", "reason"}; the reason is empty where there is nothing to tell."""
        text = json.dumps({"state": state, "step": step, "reason": why}, ensure_ascii=False)
        write_text(self.path / "status.json", text + "\n")

    def write_metrics(self, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """`metrics.csv`: a line for each epoch; what is not known is empty. Written whole, so no epoch is there twice
        after a resume and no line is ever torn."""
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text(self.path / "metrics.csv", text.getvalue())


def next_free(base: Path, name: str) -> RunFolder:
    """Make and return `base/NAME-1`, or the first of NAME-2, NAME-3 … that is not taken. Two runs that start together
    get two folders. Raises OutputError where it cannot be made."""
    name = re.sub(r"[^\w.-]+", "-", name).strip(".-") or "run"
    try:
        os.fsencode(name)
    except UnicodeEncodeError:  # the locale's files have names of ASCII alone
        name = re.sub(r"[^!-~]+", "-", name).strip(".-") or "run"
    number = 1
    while True:
        path = base / f"{name}-{number}"
        try:
            base.mkdir(parents=True, exist_ok=True)
            path.mkdir()
            return RunFolder(path)
        except FileExistsError:
            if not base.is_dir():
                raise OutputError(f"cannot write {path}: {base} is not a folder") from None
            number += 1
        except OSError as error:
            raise OutputError(f"cannot write {path}: {reason(error)}") from error
