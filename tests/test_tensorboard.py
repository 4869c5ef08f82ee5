"""`--tensorboard`: read back by TensorBoard's own reader where it is installed, and asked for politely where not."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from typing import Any

import pytest

from builder.commands.entry import run
from tests.test_screen import NET

HERE = importlib.util.find_spec("tensorboard") is not None


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.toml").write_text(NET)
    return tmp_path


def scalars(folder: Path) -> dict[str, dict[int, float]]:
    reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found: Any = reading.EventAccumulator(str(folder))
    found.Reload()
    return {name: {each.step: each.value for each in found.Scalars(name)} for name in found.Tags()["scalars"]}


def test_without_the_package_nothing_begins(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert run(["net.toml", "--train", "--tensorboard", "--out", "run"]) == 1
    told = capsys.readouterr().err
    assert told == "error: --tensorboard needs a package that is not here: pip install tensorboard\n"
    assert not (folder / "run").exists()


@pytest.mark.skipif(not HERE, reason="tensorboard is not installed (extra `tensorboard`)")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_is_written_is_what_metrics_csv_has(folder: Path) -> None:
    assert run(["net.toml", "--train", "--quiet", "--tensorboard", "--out", "run"]) == 0
    words = ["net.toml", "--train", "--quiet", "--tensorboard", "--resume", "run", "--epochs", "5"]
    assert run(words) == 0
    found = scalars(folder / "run" / "tensorboard")
    header, *rows = [line.split(",") for line in (folder / "run" / "metrics.csv").read_text().splitlines()]
    assert set(found) == set(header) - {"epoch", "step", "seconds"}
    for name in set(found) - {"train_loss"}:
        expected = {int(row[1]): float(row[header.index(name)]) for row in rows}
        assert found[name] == pytest.approx(expected, rel=1e-5)
    assert {4, 8, 12, 16, 20} <= set(found["train_loss"])
    assert all(map(math.isfinite, found["train_loss"].values()))


@pytest.mark.skipif(not HERE, reason="tensorboard is not installed (extra `tensorboard`)")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_folder_that_cannot_be_written_ends_no_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "run").mkdir()
    (folder / "run" / "tensorboard").write_text("a file")
    assert run(["net.toml", "--train", "--quiet", "--tensorboard", "--out", "run"]) == 0
    assert capsys.readouterr().err.startswith("warning: nothing more is written for TensorBoard: ")
