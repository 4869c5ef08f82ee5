"""Several processes are one run: the same curve, the same end for all, and the same bits after a stop."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

import builder
import dsl
from builder.training.processes import Processes

SPEC = """
[model]
inputs = { image = ["N", 1, 8, 8] }
layers = [
  { type = "flatten", start_dim = 1 },
  { name = "hidden", type = "Linear", out_features = 24 },
  { type = "ReLU" },
  { name = "drop", type = "Dropout", p = 0.0 },
  { name = "fc", type = "Linear", out_features = 10 },
]

[loss]
type = "CrossEntropyLoss"

[optimizer]
type = "SGD"
lr = 0.1
momentum = 0.9

[data]
source = "digits"
validation = 0.2
batch_size = 100

[train]
epochs = 3
device = "cpu"
"""


def command(spec: Path, *words: str, processes: int = 2) -> list[str]:
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    return [*launch, "-m", "builder", str(spec), "--train", *words]


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[1])}


def torchrun(spec: Path, *words: str, processes: int = 2) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(spec, *words, processes=processes), env=environment(), capture_output=True,
                          text=True, timeout=120)  # fmt: skip


def written(folder: Path, changes: dict[str, Any] | None = None) -> Path:
    path = folder / "spec.toml"
    spec = dsl.loads(SPEC, overrides=changes)
    path.write_text(dsl.dumps(spec), encoding="utf-8")
    return path


def rows(folder: Path) -> list[dict[str, float]]:
    with open(folder / "metrics.csv", newline="") as file:
        return [{key: float(each) for key, each in row.items() if key != "seconds"} for row in csv.DictReader(file)]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = torch.load(folder / "checkpoints" / "last.pt", weights_only=True)["model"]
    return found


@pytest.mark.parametrize("changes", [
    {"data.batch_size": 359},  # 1,438 samples: the last batch has two
    {"data.batch_size": 479, "train.average": {"type": "EMA", "decay": 0.5}},  # the last batch has one
    {"data.batch_size": 100, "train.accumulate": 4, "train.clip_grad_norm": 0.5},
    {"optimizer": {"type": "LBFGS", "lr": 0.1, "max_iter": 4}, "data.batch_size": 1438},
], ids=["uneven", "one sample for two", "accumulated", "LBFGS"])  # fmt: skip
def test_the_curve_is_that_of_one_process(tmp_path: Path, changes: dict[str, Any]) -> None:
    spec = written(tmp_path, changes)
    builder.train(spec, out=tmp_path / "one")
    done = torchrun(spec, "--out", str(tmp_path / "two"))
    assert done.returncode == 0, done.stderr
    assert "2 processes" in done.stderr
    for ours, alone in zip(rows(tmp_path / "two"), rows(tmp_path / "one"), strict=True):
        assert ours == pytest.approx(alone, rel=2e-4)
    for name, value in weights(tmp_path / "one").items():
        torch.testing.assert_close(weights(tmp_path / "two")[name], value, rtol=1e-3, atol=1e-4)


def test_dropout_differs_between_the_processes_and_comes_again(tmp_path: Path) -> None:
    spec = written(tmp_path, {"model.layers[3].p": 0.5})
    for name in ("first", "second"):
        assert torchrun(spec, "--out", str(tmp_path / name)).returncode == 0
    builder.train(spec, out=tmp_path / "one")
    first = weights(tmp_path / "first")
    assert all(torch.equal(first[key], each) for key, each in weights(tmp_path / "second").items())
    assert not torch.equal(first["fc.weight"], weights(tmp_path / "one")["fc.weight"])


def begun(folder: Path, words: list[str]) -> tuple[subprocess.Popen[str], list[int]]:
    """A run of two processes that is in its third epoch, and their numbers, the first's first."""
    run = subprocess.Popen(words, env=environment(), stderr=subprocess.PIPE, text=True)
    assert run.stderr is not None
    for line in run.stderr:
        if line.startswith("epoch 2 "):
            break
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(run.pid)], capture_output=True, text=True).stdout.split()
    environments = {int(each): Path(f"/proc/{each}/environ").read_text() for each in found}
    ranks = {int(match[1]): pid for pid, text in environments.items() if (match := re.search(r"\0RANK=(\d)", text))}
    return run, [ranks[0], ranks[1]]


def ended(run: subprocess.Popen[str], within: float) -> int:
    try:
        run.communicate(timeout=within)
    finally:
        run.kill()
    return run.returncode


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds its processes by /proc")
@pytest.mark.parametrize(("number", "rank"), [
    (signal.SIGTERM, 1), (signal.SIGKILL, 0),
    pytest.param(signal.SIGTERM, 0, marks=pytest.mark.long), pytest.param(signal.SIGKILL, 1, marks=pytest.mark.long),
])  # fmt: skip
def test_one_of_two_is_stopped(tmp_path: Path, rank: int, number: signal.Signals) -> None:
    """All stop; started again, the run comes out with the bits of one that was never stopped."""
    spec = written(tmp_path, {"train.epochs": 400, "data.validation": 0.5})
    run, processes = begun(tmp_path, command(spec, "--out", str(tmp_path / "run")))
    start = time.monotonic()
    os.kill(processes[rank], number)
    assert ended(run, 30) != 0
    assert time.monotonic() - start < 30
    status = json.loads((tmp_path / "run" / "status.json").read_text())
    if number == signal.SIGTERM:
        assert (status["state"], status["reason"]) == ("stopped", "SIGTERM")
    epochs = len(rows(tmp_path / "run")) + 2
    shorter = written(tmp_path, {"train.epochs": epochs, "data.validation": 0.5})
    resumed = torchrun(shorter, "--resume", str(tmp_path / "run"))
    assert resumed.returncode == 0, resumed.stderr
    assert torchrun(shorter, "--out", str(tmp_path / "whole")).returncode == 0
    assert all(torch.equal(weights(tmp_path / "run")[key], each) for key, each in weights(tmp_path / "whole").items())
    assert rows(tmp_path / "run") == rows(tmp_path / "whole")


def test_another_number_of_processes_is_told(tmp_path: Path) -> None:
    spec = written(tmp_path)
    builder.train(dsl.load(spec, {"train.epochs": 1}), out=tmp_path / "run")
    done = torchrun(spec, "--resume", str(tmp_path / "run"))
    assert done.returncode == 0, done.stderr
    assert "the run had 1 process(es) and now has 2: the same samples in the same order" in done.stderr


@pytest.mark.parametrize("world", [1, 2, 3, 8])
@pytest.mark.parametrize("samples", [1, 2, 7, 64])
def test_parts_are_even_and_leave_nothing_out(samples: int, world: int) -> None:
    bounds = [Processes(rank=rank, world=world).bounds(samples) for rank in range(world)]
    assert [number for first, end in bounds for number in range(first, end)] == list(range(samples))
    sizes = [end - first for first, end in bounds]
    assert max(sizes) - min(sizes) <= 1
