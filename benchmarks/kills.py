"""Kill a run with SIGKILL at random moments, go on with it, and hold what it ends with against the run that nobody
killed: weights, optimizer, best weights and the lines of metrics.csv, bit for bit.

    python benchmarks/kills.py [--kills 50] [--seed 0] [--write]

The moments are spread over the whole run: saving (a checkpoint every three steps), validation and the time before the
first checkpoint among them. Every third run is killed a second time after it went on. Exits with 1 where a run ends
with anything else. `--write` keeps the figures in kills.md.
"""

from __future__ import annotations

import argparse
import csv
import mmap
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import builder
from builder.training import checkpoints, loop, sealed
from dsl import Spec, loads

SPEC = """
name = "Killed"

[model]
inputs = { x = ["N", 16] }
layers = [
  { name = "hidden", type = "Linear", out_features = 256 },
  { name = "norm", type = "BatchNorm1d" },
  { type = "ReLU" },
  { type = "Dropout", p = 0.3 },
  { name = "fc", type = "Linear", out_features = 4 },
]

[loss]
type = "CrossEntropyLoss"

[optimizer]
type = "AdamW"
lr = 0.01

[scheduler]
type = "CosineAnnealingLR"
every = "step"

[data]
source = "random"
samples = 400
batch_size = 16
validation = 0.6
fields = { target = { shape = ["N"], dtype = "int64", high = 4 } }

[train]
epochs = 6
save_every = 3
device = "cpu"
average = { type = "EMA", decay = 0.9 }
"""
PHASES = ("starting", "training", "saving", "validating", "done")


class Child:
    """A process that trains into a folder, or goes on there, and notes what it is at."""

    def __init__(self, spec: Spec, folder: Path) -> None:
        self._phase = mmap.mmap(-1, 1)
        self.pid = os.fork()
        if self.pid == 0:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what workers say of a parent that is gone
            try:
                self._train(spec, folder)
                os._exit(0)
            finally:
                os._exit(1)

    @property
    def phase(self) -> str:
        return PHASES[self._phase[0]]

    def kill(self, seconds: float) -> bool:
        """SIGKILL after so many seconds; whether it was still at work."""
        time.sleep(seconds)
        os.kill(self.pid, signal.SIGKILL)
        return self.wait() == -signal.SIGKILL

    def wait(self) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def _train(self, spec: Spec, folder: Path) -> None:
        self._note(sealed, "write", "saving")
        self._note(loop, "_validate", "validating")
        begun = (folder / "status.json").exists()
        builder.train(spec, out=None if begun else folder, resume=folder if begun else None)
        self._phase[0] = PHASES.index("done")

    def _note(self, module: Any, name: str, phase: str) -> None:
        inner: Callable[..., Any] = getattr(module, name)

        def noting(*arguments: Any, **named: Any) -> Any:
            self._phase[0] = PHASES.index(phase)
            try:
                return inner(*arguments, **named)
            finally:
                self._phase[0] = PHASES.index("training")

        setattr(module, name, noting)


def left_by(folder: Path) -> list[Any]:
    """What a run leaves behind, but the seconds it took."""
    last = checkpoints.load(folder / "checkpoints" / "last.pt")
    best = checkpoints.load_weights(folder / "checkpoints" / "best.pt")
    with open(folder / "metrics.csv", newline="", encoding="utf-8") as file:
        rows = [{name: each for name, each in row.items() if name != "seconds"} for row in csv.DictReader(file)]
    return [last.model, last.optimizer, last.average, last.schedule, best.model, rows, last.progress.step]


def same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[name], other[name]) for name in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(same(*each) for each in zip(one, other, strict=True))
    return bool(one == other)


def kill_at_random(kills: int, seed: int, base: Path) -> tuple[Counter[str], list[str]]:
    """(How many kills came in which phase, what went wrong)."""
    chance, phases, wrong = random.Random(seed), Counter[str](), list[str]()
    specs = [loads(SPEC), loads(SPEC, overrides={"data.num_workers": 2})]
    torch.set_num_threads(1)  # threads of a pool would be missing in a fork
    builder.train(specs[0], out=base / "first")  # so that a fork has little to load
    whole, lasts = [], []
    for number, spec in enumerate(specs):
        began = time.monotonic()
        assert Child(spec, base / f"whole-{number}").wait() == 0
        lasts.append(time.monotonic() - began)
        whole.append(left_by(base / f"whole-{number}"))
    if not same(*whole):
        wrong.append("the number of workers makes a difference")
    run = 0
    while sum(phases.values()) < kills and run < 4 * kills:
        run += 1
        chosen = 1 if run % 5 == 0 else 0
        folder = base / f"run-{run}"
        for again in range(min(2 if run % 3 == 0 else 1, kills - sum(phases.values()))):
            child = Child(specs[chosen], folder)
            if not child.kill(chance.random() * lasts[chosen] / (1 + again)):
                break
            phases[_where(child, folder)] += 1
        if Child(specs[chosen], folder).wait() != 0:
            wrong.append(f"run {run} cannot go on")
        elif not same(left_by(folder), whole[chosen]):
            wrong.append(f"run {run} ends with something else")
    return phases, wrong


def _where(child: Child, folder: Path) -> str:
    if not (folder / "checkpoints" / "last.pt").exists():
        return "before the first checkpoint"
    return child.phase


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="keep the figures in kills.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        phases, wrong = kill_at_random(options.kills, options.seed, Path(folder))
    lines = ["| killed | times |", "| --- | ---: |"]
    lines += [f"| {phase} | {count} |" for phase, count in sorted(phases.items())]
    lines += [f"| in all | {sum(phases.values())} |", "", f"Runs that ended with anything else: {len(wrong)}."]
    print("\n".join([*lines, *wrong]))
    if options.write:
        text = "\n".join(["# SIGKILL at random moments", "", _HEAD.format(options), "", *lines, ""])
        Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")
    return 1 if wrong else 0


_HEAD = (
    "`python benchmarks/kills.py --kills {0.kills} --seed {0.seed} --write`: a small run with a checkpoint every three "
    "steps is killed, goes on, and is held against the run that nobody killed: weights, optimizer, averaged and best "
    "weights and the lines of `metrics.csv`, bit for bit. Every fifth run reads its data with two workers; every third "
    "is killed twice."
)

if __name__ == "__main__":
    sys.exit(main())
