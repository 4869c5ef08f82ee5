"""Several losses, each logged; losses with parameters of their own, which train, are kept and come back."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch
from torch import nn

import builder
import dsl
from builder.checking import check
from builder.experiment import Experiment
from builder.training.errors import CheckpointError


def spec(loss: str, classes: int = 3) -> str:
    return f"""
[model]
inputs = {{ x = ["N", 4] }}
layers = [{{ name = "fc", type = "Linear", out_features = 3 }}]

{loss}

[optimizer]
type = "SGD"
lr = 0.1

[data]
source = "random"
samples = 22
batch_size = 8
validation = 0.25
fields = {{ target = {{ shape = ["N"], dtype = "int64", high = {classes} }} }}

[train]
epochs = 2
"""


CROSS = '[[loss]]\nname = "cross"\ntype = "CrossEntropyLoss"\nfactor = 0.5\n'
TWO = spec(CROSS + '[[loss]]\nname = "size"\nvalue = "${mean(output**2)}"')
LINEAR = spec(CROSS + '[[loss]]\ntype = "LinearCrossEntropyLoss"\nnum_classes = 3')
ADAPTIVE = spec('[loss]\ntype = "AdaptiveLogSoftmaxWithLoss"\nn_classes = 9\ncutoffs = [4]\ndiv_value = 1.5', 9)
UNCERTAIN = spec("""[loss]
layers = [
  { name = "s", type = "Parameter", shape = [], init = 0.0 },
  { name = "ce", type = "CrossEntropyLoss", input = ["output", "target"] },
  { value = "${ce * exp(-s) + s}" },
]""")


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def test_each_term_is_logged_before_its_factor(tmp_path: Path) -> None:
    run = builder.train(dsl.loads(TWO), out=tmp_path / "run", device="cpu")
    assert list(rows(tmp_path / "run")[0]) == [
        "epoch", "step", "train_loss", "val_loss", "train_cross", "train_size", "val_cross", "val_size", "val_accuracy",
        "lr", "seconds",
    ]  # fmt: skip
    for row in run.rows:
        for part in ("train", "val"):
            assert row[f"{part}_loss"] == pytest.approx(0.5 * row[f"{part}_cross"] + row[f"{part}_size"], rel=1e-6)


def test_evaluation_gives_the_terms_over_all_samples(tmp_path: Path) -> None:
    """Held against torch over all samples at once: they come in batches of 8, the last of which is not full."""
    text = TWO.replace("validation = 0.25", "")
    experiment = Experiment(dsl.loads(text), device="cpu")
    found = experiment.evaluate()
    batches = list(experiment.training.epoch(1))
    assert {len(each["target"]) for each in batches} == {8, 6}
    x, target = (torch.cat([each[name] for each in batches]) for name in ("x", "target"))
    with torch.no_grad():
        scores = experiment.model(x)
    cross = nn.functional.cross_entropy(scores, target).item()
    size = scores.square().mean().item()
    accuracy = (scores.argmax(1) == target).double().mean().item()
    assert found == pytest.approx(
        {"loss": 0.5 * cross + size, "cross": cross, "size": size, "accuracy": accuracy}, rel=1e-5
    )


def test_names_tell_losses_apart() -> None:
    twice = spec('[[loss]]\ntype = "CrossEntropyLoss"\n' * 2)
    assert "two losses are called `CrossEntropyLoss`, and each is logged by its name" in faults(twice)
    assert "a column of metrics.csv is called `loss` already" in faults(TWO.replace('"size"', '"loss"'))
    layer = ADAPTIVE.replace('name = "fc"', 'name = "loss"')
    assert "a layer of the model is called `loss`" in faults(layer)


@pytest.mark.parametrize(
    ("text", "owned"),
    [
        (ADAPTIVE, ["head.weight", "tail.0.0.weight", "tail.0.1.weight"]),
        (UNCERTAIN, ["s"]),
        (LINEAR,
         ["LinearCrossEntropyLoss.linear.weight"]),
    ],
)  # fmt: skip
def test_parameters_of_a_loss_train_and_are_kept(text: str, owned: list[str], tmp_path: Path) -> None:
    spec = dsl.loads(text)
    fresh = Experiment(spec, device="cpu").task.loss_state()
    builder.train(spec, out=tmp_path / "run", device="cpu")
    for file in ("last.pt", "best.pt"):
        held = torch.load(tmp_path / "run" / "checkpoints" / file, weights_only=True)
        assert list(held["loss"]) == owned
        assert not any(torch.equal(held["loss"][name], fresh[name]) for name in owned)
        assert set(held["model"]) == {"fc.weight", "fc.bias"}


@pytest.mark.parametrize("text", [ADAPTIVE, UNCERTAIN])
def test_a_loss_comes_back_exactly(text: str, tmp_path: Path) -> None:
    """Two epochs and two more are four, bit for bit; what is evaluated again is what was found in training."""
    whole = builder.train(dsl.loads(text, overrides={"train.epochs": 4}), out=tmp_path / "whole", device="cpu")
    builder.train(dsl.loads(text), out=tmp_path / "parts", device="cpu")
    builder.train(dsl.loads(text, overrides={"train.epochs": 4}), resume=tmp_path / "parts", device="cpu")
    ends = [torch.load(tmp_path / name / "checkpoints" / "last.pt", weights_only=True) for name in ("whole", "parts")]
    for part in ("model", "loss"):
        assert all(torch.equal(ends[0][part][key], ends[1][part][key]) for key in ends[0][part])
    found = Experiment(
        dsl.loads(text), device="cpu", weights=str(tmp_path / "whole" / "checkpoints" / "last.pt")
    ).evaluate()
    assert found["loss"] == whole.rows[-1]["val_loss"]


def test_weights_without_the_loss_s_own_are_not_evaluated(tmp_path: Path) -> None:
    experiment = Experiment(dsl.loads(ADAPTIVE), device="cpu")
    torch.save(experiment.model.state_dict(), tmp_path / "bare.pt")
    bare = Experiment(dsl.loads(ADAPTIVE), device="cpu", weights=str(tmp_path / "bare.pt"))
    with pytest.raises(CheckpointError, match=r"trained with another loss: it lacks head\.weight"):
        bare.evaluate()


def test_groups_of_parameters_match_the_loss_s() -> None:
    text = ADAPTIVE.replace("lr = 0.1", 'lr = 0.1\ngroups = [{ match = "loss.head.*", lr = 0.01 }]')
    optimizer = Experiment(dsl.loads(text), device="cpu").optimizer()
    shapes = [[tuple(each.shape) for each in group["params"]] for group in optimizer.param_groups]
    # the model's weight and bias and the cluster's two matrices (int(3 / 1.5) wide); the head: four classes, a cluster
    assert shapes == [[(3, 4), (3,), (2, 3), (5, 2)], [(5, 3)]]


def faults(text: str) -> str:
    with pytest.raises(dsl.SpecError) as caught:
        check(dsl.loads(text))
    return str(caught.value)
