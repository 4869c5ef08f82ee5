"""The two image models, trained as their specs say, on the held-out fifth of the digits."""

from pathlib import Path

import pytest

import builder
from builder.experiment import Experiment, Result
from dsl import load

pytestmark = pytest.mark.training


def accuracy_of_best(spec: str, result: Result) -> float:
    """Of the best checkpoint, loaded anew from the run's folder."""
    weights = str(result.folder / "checkpoints" / "best.pt")
    return Experiment(load(spec), weights=weights).evaluate()["accuracy"]


def test_lenet_reaches_97_percent(tmp_path: Path) -> None:
    result = builder.train("specs/lenet.toml", out=tmp_path / "run")
    assert accuracy_of_best("specs/lenet.toml", result) >= 0.97


def test_alexnet_reaches_95_percent_in_its_five_epochs(tmp_path: Path) -> None:
    result = builder.train("specs/alexnet.toml", out=tmp_path / "run")
    assert len(result.rows) == 5
    assert accuracy_of_best("specs/alexnet.toml", result) >= 0.95
