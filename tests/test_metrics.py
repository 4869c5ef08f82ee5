"""`[metrics]`: torchmetrics' numbers over all samples, held against plain arithmetic; faults before training."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import builder
import dsl
from builder.checking import check, metric_names
from builder.checking import metrics as checking_metrics
from builder.experiment import Experiment, metrics
from builder.training import TrainingError


def spec(loss: str, metrics: str, target: str, outputs: int = 4) -> str:
    return f"""
[model]
inputs = {{ x = ["N", 5] }}
layers = [{{ type = "Linear", out_features = {outputs} }}]

[loss]
{loss}

[optimizer]
type = "SGD"
lr = 0.1

[data]
source = "random"
samples = 50
batch_size = 16
fields = {{ target = {target} }}

[train]
epochs = 2

[metrics]
{metrics}
"""


CLASSES = '{ shape = ["N"], dtype = "int64", high = 4 }'
CROSS = 'type = "CrossEntropyLoss"'
TOP2 = spec(CROSS, 'top2 = { type = "Accuracy", top_k = 2 }\nf1 = { type = "F1Score", average = "macro" }', CLASSES)


def evaluated(text: str) -> tuple[dict[str, float], Tensor, dict[str, Tensor]]:
    """What is found; the outputs and the batch over all samples at once, though they come in batches of 16 and 2."""
    experiment = Experiment(dsl.loads(text), device="cpu")
    found = experiment.evaluate()
    batches = list(experiment.training.epoch(1))
    assert {len(each["target"]) for each in batches} == {16, 2}
    batch = {name: torch.cat([each[name] for each in batches]) for name in batches[0]}
    with torch.no_grad():
        return found, experiment.model(batch["x"]), batch


def test_metrics_over_classes_and_the_usual_one() -> None:
    found, scores, batch = evaluated(TOP2)
    target = batch["target"]
    two = (scores.topk(2).indices == target[:, None]).any(1).double().mean().item()
    answer, f1 = scores.argmax(1), []
    for each in range(4):
        hit = ((answer == each) & (target == each)).sum().item()
        f1.append(2 * hit / ((answer == each).sum() + (target == each).sum()).item())
    assert list(found) == ["loss", "accuracy", "top2", "f1"]
    assert found["accuracy"] == (answer == target).double().mean().item()
    assert found["top2"] == pytest.approx(two)
    assert found["f1"] == pytest.approx(sum(f1) / 4)


def test_logits_are_probabilities_for_a_metric_even_where_they_lie_between_0_and_1() -> None:
    """torchmetrics would take a batch of logits in [0, 1] for probabilities: 0.4 means yes as a logit, no else."""
    text = spec('type = "BCEWithLogitsLoss"', 'hits = { type = "Accuracy" }', '{ shape = ["N", 4] }').replace(
        "[train]", '[train]\ndevice = "cpu"'
    )
    experiment = Experiment(dsl.loads(text), device="cpu")
    hits = experiment.task.measures["hits"]
    hits.reset()
    hits.update(torch.full((3, 4), 0.4), {"x": torch.zeros(3, 5), "target": torch.ones(3, 4)})
    assert hits.compute(experiment.processes) == 1.0


def test_metrics_over_numbers() -> None:
    text = spec('type = "HuberLoss"', 'rmse = { type = "MeanSquaredError", squared = false }', '{ shape = ["N", 4] }')
    found, outputs, batch = evaluated(text)
    off = outputs - batch["target"]
    assert found["mae"] == pytest.approx(off.abs().mean().item())
    assert found["rmse"] == pytest.approx(off.square().mean().sqrt().item(), rel=1e-5)


def test_what_a_metric_reads_can_be_said() -> None:
    text = spec('value = "${mean(output**2)}"', 'off = { type = "MeanAbsoluteError", input = ["output", "target"] }',
                '{ shape = ["N", 4] }')  # fmt: skip
    found, outputs, batch = evaluated(text)
    assert found["off"] == pytest.approx((outputs - batch["target"]).abs().mean().item())


def test_columns_and_which_way_is_better(tmp_path: Path) -> None:
    text = (
        TOP2.replace("batch_size = 16", "batch_size = 16\nvalidation = 0.3").replace(
            "epochs = 2", 'epochs = 2\nearly_stopping = { metric = "val_f1", patience = 5 }'
        )
        + 'off = { type = "HammingDistance" }\n'
    )
    run = builder.train(dsl.loads(text), out=tmp_path / "run", device="cpu")
    with (tmp_path / "run" / "metrics.csv").open() as file:
        header = next(csv.reader(file))
    assert header == ["epoch", "step", "train_loss", "val_loss", "val_accuracy", "val_top2", "val_f1", "val_off", "lr",
                      "seconds"]  # fmt: skip
    assert run.best is not None
    assert (run.best.metric, run.best.value) == ("val_f1", max(row["val_f1"] for row in run.rows))
    task = Experiment(dsl.loads(text), device="cpu").task
    assert task.rising == {"val_accuracy", "val_top2", "val_f1"}


def faults(text: str, make: Any = check) -> str:
    with pytest.raises(dsl.SpecError) as caught:
        make(dsl.loads(text))
    return str(caught.value)


@pytest.mark.parametrize(
    ("metrics", "told"),
    [
        ('a = { type = "Acuracy" }', 'torchmetrics has no class "Acuracy"'),
        ('a = { type = "Acuracy" }', "did you mean `Accuracy`"),
        (
            'a = { type = "Accuracy", input = ["output", "targets"] }',
            "`targets` is no output of the model",
        ),
        ('loss = { type = "Accuracy" }', "a loss is called `loss` already"),
        ("a = { top_k = 2 }", "the metric has no `type`"),
        ('a = "Accuracy"', 'a metric is a table such as { type = "F1Score" }, not "Accuracy"'),
        ('"a b" = { type = "Accuracy" }', "a metric's name has letters, digits and `_`, unlike `a b`"),
    ],
)
def test_faults_that_a_check_tells(metrics: str, told: str) -> None:
    assert told in faults(spec(CROSS, metrics, CLASSES))


def test_faults_that_torchmetrics_tells() -> None:
    def experiment(text: dsl.Spec) -> Experiment:
        return Experiment(text, device="cpu")

    assert "Accuracy: Unexpected keyword arguments: `topk`" in faults(
        spec(CROSS, 'a = { type = "Accuracy", topk = 2 }', CLASSES), experiment
    )
    told = faults(spec('value = "${mean(output**2)}"', 'a = { type = "Accuracy" }', CLASSES), experiment)
    assert "the loss does not tell what to hold against what here" in told
    with pytest.raises(TrainingError, match=r"the metric a \(F1Score\) gives a tensor of shape \(4,\), not one number"):
        experiment(dsl.loads(spec(CROSS, 'a = { type = "F1Score", average = "none" }', CLASSES))).evaluate()


def test_without_torchmetrics(monkeypatch: pytest.MonkeyPatch) -> None:
    for each in (metric_names, checking_metrics, metrics):
        monkeypatch.setattr(each, "metric_classes", lambda: None)
    assert check(dsl.loads(TOP2)).notes == ("torchmetrics is not installed, so [metrics] is not checked",)
    told = faults(TOP2, lambda text: Experiment(text, device="cpu"))
    assert "metrics are torchmetrics', which is not installed: pip install 'tomograph[metrics]'" in told
