"""What training computes: held against loops and sums written by hand."""

import csv
import json
import math

import numpy
import pytest
import torch
from torch import nn
from training_runs import TRAIN, VALIDATION, Memory, network, only, run, samples, task_of

from builder.training import Diverged, RunFolder, Settings, TrainingError, checkpoints, evaluate, fit
from builder.training import optimizer as optimizers
from builder.training.events import CheckpointSaved, EpochDone, Finished, Started, StepDone


def rows_of(path):
    with open(path / "metrics.csv", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("clip", [None, 0.2])
def test_the_same_bits_as_a_loop_written_by_hand(tmp_path, clip):
    ours, by_hand = network(dropout=0.0), network(dropout=0.0)
    run(tmp_path, ours, optimizer=torch.optim.SGD(ours.parameters(), lr=0.1, momentum=0.9),
        settings={"clip_grad_norm": clip})  # fmt: skip
    optimizer = torch.optim.SGD(by_hand.parameters(), lr=0.1, momentum=0.9)
    for epoch in (1, 2, 3):
        for batch in TRAIN.epoch(epoch):
            optimizer.zero_grad()
            nn.CrossEntropyLoss()(by_hand(batch["x"]), batch["target"]).backward()
            if clip is not None:
                nn.utils.clip_grad_norm_(by_hand.parameters(), clip)
            optimizer.step()
    for name, value in by_hand.state_dict().items():
        assert torch.equal(value, ours.state_dict()[name]), name


def test_losses_are_averaged_over_samples(tmp_path):
    """With a learning rate of 0 nothing changes, so every average can be worked out at once, in numpy."""
    torch.manual_seed(4)
    model = nn.Linear(4, 3)
    [epoch] = only(EpochDone, run(tmp_path, model, settings={"epochs": 1},
        optimizer=torch.optim.SGD(model.parameters(), lr=0.0)))  # fmt: skip

    def by_hand(fields):
        weight, bias = (each.detach().numpy().astype(float) for each in (model.weight, model.bias))
        scores = fields["x"].numpy() @ weight.T + bias
        target = fields["target"].numpy()
        losses = numpy.log(numpy.exp(scores).sum(1)) - scores[numpy.arange(len(target)), target]
        return losses.mean(), (scores.argmax(1) == target).mean()

    assert epoch.row["train_loss"] == pytest.approx(by_hand(TRAIN.fields)[0], rel=1e-6)
    loss, accuracy = by_hand(VALIDATION.fields)
    assert epoch.row["val_loss"] == pytest.approx(loss, rel=1e-6)
    assert epoch.row["val_accuracy"] == pytest.approx(accuracy)
    found = evaluate(task_of(model), VALIDATION, Settings(epochs=1))
    assert found == pytest.approx({"loss": loss, "accuracy": accuracy}, rel=1e-6)


def test_an_uneven_last_batch_weighs_its_size(tmp_path):
    """Losses 1, 2, 3 | 8: the mean is 14 / 4, not the mean of the batches' means (2 + 8) / 2."""
    fields = {"x": torch.tensor([1.0, 2.0, 3.0, 8.0])}
    model = nn.Linear(1, 1)
    task = task_of(model, objective=lambda out, batch: batch["x"].mean() + 0 * out.sum(), measures={},
        forward=lambda model, batch: model(batch["x"][:, None]))  # fmt: skip
    batches = Memory(fields, 3)
    [epoch] = only(
        EpochDone, run(tmp_path, model, task=task, train=batches, validation=batches, settings={"epochs": 1})
    )
    assert epoch.row["train_loss"] == epoch.row["val_loss"] == 3.5
    assert "val_accuracy" not in epoch.row


def test_the_events_of_a_run(tmp_path):
    events = run(tmp_path, network())
    assert events[0] == Started(
        epoch=1, batch=0, step=0, epochs=3, total_steps=18, steps_in_epoch=6, resumed=False
    )  # fmt: skip
    steps = only(StepDone, events)
    assert [(each.epoch, each.batch, each.step) for each in steps] == [
        (i // 6 + 1, i % 6 + 1, i + 1) for i in range(18)
    ]
    rows = [each.row for each in only(EpochDone, events)]
    best = min(rows, key=lambda row: row["val_loss"])
    assert isinstance(events[-1], Finished)
    assert events[-1].best.metric == "val_loss"
    assert (events[-1].best.value, events[-1].best.epoch) == (best["val_loss"], best["epoch"])
    assert only(CheckpointSaved, events)[-1].path == tmp_path / "checkpoints" / "last.pt"
    assert json.loads((tmp_path / "status.json").read_text()) == {"state": "done", "step": 18, "reason": ""}
    assert [(row["epoch"], row["step"], float(row["val_loss"])) for row in rows_of(tmp_path)] == [
        (str(row["epoch"]), str(row["step"]), row["val_loss"]) for row in rows
    ]
    assert list(rows_of(tmp_path)[0]) == ["epoch", "step", "train_loss", "val_loss", "val_accuracy", "lr", "seconds"]


def test_reporting_seldom_changes_nothing(tmp_path):
    often, seldom = network(), network()
    run(tmp_path / "often", often)
    events = run(tmp_path / "seldom", seldom, settings={"report_seconds": 1e9})
    assert [each.step for each in only(StepDone, events)] == [6, 12, 18]
    assert all(torch.equal(a, b) for a, b in zip(often.parameters(), seldom.parameters(), strict=True))
    assert [row["train_loss"] for row in rows_of(tmp_path / "often")] == [
        row["train_loss"] for row in rows_of(tmp_path / "seldom")
    ]


def test_best_holds_the_weights_of_the_best_epoch(tmp_path):
    """Trained on the wrong answers, the first epoch is the best one."""
    wrong = Memory({"x": VALIDATION.fields["x"], "target": (VALIDATION.fields["target"] + 1) % 3}, 7)
    model = network(dropout=0.0)
    events = run(tmp_path, model, train=wrong, settings={"epochs": 4},
        optimizer=torch.optim.SGD(model.parameters(), lr=0.5))  # fmt: skip
    assert [each.is_best for each in only(EpochDone, events)] == [True, False, False, False]
    fresh = network()
    checkpoints.restore_model(fresh, checkpoints.load_weights(tmp_path / "checkpoints" / "best.pt").model, "best")
    found = evaluate(task_of(fresh), VALIDATION, Settings(epochs=1))
    assert found["loss"] == events[-1].best.value == only(EpochDone, events)[0].row["val_loss"]


def test_without_validation_the_training_loss_decides(tmp_path):
    events = run(tmp_path, network(), validation=None)
    rows = [each.row for each in only(EpochDone, events)]
    assert events[-1].best.metric == "train_loss"
    assert events[-1].best.value == min(row["train_loss"] for row in rows)
    assert list(rows_of(tmp_path)[0]) == ["epoch", "step", "train_loss", "val_loss", "lr", "seconds"]
    assert [row["val_loss"] for row in rows_of(tmp_path)] == ["", "", ""]


def test_a_number_of_steps_may_end_inside_an_epoch(tmp_path):
    events = run(tmp_path, network(), settings={"steps": 8})
    assert [(each.row["epoch"], each.row["step"]) for each in only(EpochDone, events)] == [(1, 6), (2, 8)]
    assert only(StepDone, events)[-1].steps_in_epoch == 2


def test_evaluation_leaves_the_modes_as_they_were():
    model = network()
    model[1].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    evaluate(task_of(model), VALIDATION, Settings(epochs=1))
    assert [module.training for module in model] == [True, False, True, True, True]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize(("precision", "dtype"), [("float32", torch.float32), ("bf16", torch.bfloat16)])
@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
def test_precision_and_memory_format(tmp_path, precision, dtype, memory_format):
    seen = []
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(16, 3))

    def prepare(batch, training):
        return {**batch, "x": batch["x"] + 1000 * (not torch.is_grad_enabled())}

    def forward(model, batch):
        last = torch.channels_last if memory_format == "channels_last" else torch.contiguous_format
        prepared = bool(batch["x"].min() > 900)
        seen.append((model[0](batch["x"]).dtype, batch["x"].is_contiguous(memory_format=last), prepared))
        return model(batch["x"])

    fields = {"x": torch.randn(6, 3, 4, 4), "target": torch.tensor([0, 1, 2, 0, 1, 2])}
    task = task_of(model, forward=forward, prepare=prepare)
    run(tmp_path, model, task=task, train=Memory(fields, 4), validation=Memory(fields, 4),
        settings={"epochs": 1, "precision": precision, "memory_format": memory_format})  # fmt: skip
    assert seen == [(dtype, True, True)] * 4
    assert model[0].weight.is_contiguous(memory_format=torch.channels_last) == (memory_format == "channels_last")
    assert model[0].weight.dtype == torch.float32


@pytest.mark.parametrize("poison", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_ends_the_run(tmp_path, poison):
    """Batch 3 of epoch 2 is bad: step 9. The checkpoint of epoch 1 stands, and nothing is the worse for it."""
    fields = {**TRAIN.fields, "x": TRAIN.fields["x"].clone()}

    class Poisoned(Memory):
        def epoch(self, number, start=0):
            for index, batch in enumerate(super().epoch(number, start), start):
                yield {**batch, "x": batch["x"] * poison} if (number, index) == (2, 2) else batch

    with pytest.raises(Diverged) as caught:
        run(tmp_path, network(), train=Poisoned(fields, 4), settings={"report_seconds": 1e9})
    assert str(caught.value) == (
        "training diverged: the loss is nan at step 9 (learning rate 0.02); "
        "the first that is not finite: x of the batch (sample 0)"
    )
    assert caught.value.step == 9
    status = json.loads((tmp_path / "status.json").read_text())
    assert (status["state"], status["reason"]) == ("failed", str(caught.value))
    last = checkpoints.load(tmp_path / "checkpoints" / "last.pt")
    assert last.progress.step == last.progress.best.step == 6
    assert all(value.isfinite().all() for value in last.model.values())
    assert len(rows_of(tmp_path)) == 1


def test_weights_that_are_not_finite_reach_no_checkpoint(tmp_path):
    """The loss of a step may be finite and its gradient not: the root of 0 is 0, and its slope infinite."""
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    task = task_of(model, objective=lambda outputs, _: (outputs**2).sum().sqrt(), measures={})
    with pytest.raises(
        Diverged, match=r"parameter weight \(its gradient too\) is no longer finite at step 1 \(learning rate 0\.5\)$"
    ):
        run(tmp_path, model, task=task, train=Memory({"x": torch.ones(1, 1)}, 1), validation=None,
            optimizer=torch.optim.SGD(model.parameters(), lr=0.5))  # fmt: skip
    assert not list((tmp_path / "checkpoints").iterdir())


def test_a_validation_loss_that_is_not_finite_is_never_best(tmp_path):
    fields = {**VALIDATION.fields, "x": VALIDATION.fields["x"] * math.nan}
    with pytest.raises(Diverged, match=r"val_loss is nan at step 6"):
        run(tmp_path, network(), validation=Memory(fields, 3))
    assert not list((tmp_path / "checkpoints").iterdir())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "training lasts for a number of epochs or of steps: say one of the two"),
        ({"epochs": 1, "steps": 1}, "training lasts for a number of epochs or of steps: say one of the two"),
        ({"epochs": 0}, "training lasts for at least one epoch or step"),
        ({"epochs": 1, "clip_grad_norm": 0.0}, "clip_grad_norm is a number above 0, not 0.0"),
        ({"epochs": 1, "precision": "fp16"},
            'precision "fp16" needs a CUDA device, and this run is on cpu; use "bf16" or "float32"'),
    ],
)  # fmt: skip
def test_settings_that_cannot_be(settings, message):
    with pytest.raises(TrainingError) as caught:
        Settings(**settings)
    assert str(caught.value) == message


def test_batches_that_cannot_be(tmp_path):
    none = Memory({"x": torch.ones(0, 4), "target": torch.ones(0)}, 2)
    with pytest.raises(TrainingError, match=r"^there is no batch to train on$"):
        run(tmp_path, network(), train=none)
    with pytest.raises(TrainingError, match=r"^there is no batch to validate on$"):
        run(tmp_path, network(), validation=none)
    assert not any(tmp_path.iterdir())

    class Short(Memory):
        def epoch(self, number, start=0):
            yield from list(super().epoch(number, start))[:2]

    with pytest.raises(TrainingError, match=r"^epoch 1 has 6 batches, but gave only 2$"):
        run(tmp_path, network(), train=Short(samples(22, 1), 4))


def test_a_loss_of_many_numbers_is_refused(tmp_path):
    model = network()
    task = task_of(model, objective=lambda outputs, batch: outputs.sum(1))
    with pytest.raises(TrainingError, match=r"^the loss is a tensor of shape \(4,\), not one number to go down from$"):
        run(tmp_path, model, task=task)


def test_who_stops_listening_is_noted(tmp_path):
    model = network()
    optimizer = optimizers.make("SGD", {"lr": 0.1}, [], model)
    events = fit(task_of(model), optimizer, TRAIN, None, Settings(epochs=1), RunFolder(tmp_path))
    next(events)
    events.close()
    status = json.loads((tmp_path / "status.json").read_text())
    assert status == {"state": "stopped", "step": 0, "reason": "the caller stopped listening"}
