"""What a step may be beside one batch and one update: gradients added up, clipped, searched along a line, averaged."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from training_runs import TRAIN, VALIDATION, Memory, network, only, run, samples, task_of

from builder.training import Settings, TrainingError, checkpoints, evaluate
from builder.training import optimizer as optimizers
from builder.training.average import Averaging
from builder.training.events import EpochDone, Finished, Stopped
from builder.training.settings import EarlyStopping
from builder.training.step import Stepper


def plain() -> nn.Module:
    """Without what hangs on the batch."""
    torch.manual_seed(5)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))


def equal(one: nn.Module, two: nn.Module) -> bool:
    return all(torch.equal(a, two.state_dict()[name]) for name, a in one.state_dict().items())


def test_accumulated_batches_are_one_batch(tmp_path):
    """22 samples: three batches of 4 make a step of 12, the last step has 10 in batches of 4, 4 and 2."""
    ours, large = plain(), plain()
    fields = samples(22, 1)
    for path, model, batches, accumulate in (("ours", ours, 4, 3), ("large", large, 12, 1)):
        events = run(tmp_path / path, model, train=Memory(fields, batches), settings={"accumulate": accumulate},
                     optimizer=torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9))  # fmt: skip
        assert [each.row["step"] for each in only(EpochDone, events)] == [2, 4, 6]
    for one, two in zip(ours.parameters(), large.parameters(), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-6, atol=1e-7)


def test_values_of_gradients_are_clipped(tmp_path):
    ours, by_hand = plain(), plain()
    run(tmp_path, ours, optimizer=torch.optim.SGD(ours.parameters(), lr=0.1), settings={"clip_grad_value": 0.01})
    optimizer = torch.optim.SGD(by_hand.parameters(), lr=0.1)
    for epoch in (1, 2, 3):
        for batch in TRAIN.epoch(epoch):
            optimizer.zero_grad()
            nn.CrossEntropyLoss()(by_hand(batch["x"]), batch["target"]).backward()
            nn.utils.clip_grad_value_(by_hand.parameters(), 0.01)
            optimizer.step()
    assert equal(ours, by_hand)


def test_lbfgs_is_torchs_with_a_closure(tmp_path):
    ours, by_hand = plain(), plain()
    batch = samples(22, 1)
    run(tmp_path, ours, train=Memory(batch, 22), optimizer=optimizers.make("LBFGS", {"lr": 0.5}, [], ours))
    optimizer = torch.optim.LBFGS(by_hand.parameters(), lr=0.5)

    def closure():
        optimizer.zero_grad()
        loss = nn.CrossEntropyLoss()(by_hand(batch["x"]), batch["target"])
        loss.backward()
        return loss

    for _ in range(3):
        optimizer.step(closure)
    assert equal(ours, by_hand)


def test_lbfgs_is_refused_where_losses_are_scaled():
    """The line search would hold a loss against gradients that are a thousand times as large."""
    model = plain()
    settings = Settings(epochs=1, precision="fp16", device=torch.device("cuda"))
    with pytest.raises(TrainingError, match=r'^LBFGS .* "fp16" scales them: use "bf16"$'):
        Stepper(task_of(model), torch.optim.LBFGS(model.parameters()), settings)


def test_lbfgs_sees_one_function_in_a_step(tmp_path):
    """With dropout the loss differs from call to call, unless each call of a step draws the same."""
    model, seen = network(), []

    def objective(outputs, batch):
        loss = nn.functional.cross_entropy(outputs, batch["target"])
        seen.append(float(loss.detach()))
        return loss

    made = optimizers.make("LBFGS", {"lr": 0.0, "max_iter": 3}, [], model)
    run(tmp_path, model, task=task_of(model, objective=objective), validation=None, optimizer=made,
        settings={"steps": 1})  # fmt: skip
    assert len(seen) > 1
    assert len(set(seen)) == 1


@pytest.mark.parametrize("kind", ["EMA", "SWA"])
def test_averages_are_torchs(tmp_path, kind):
    ours, by_hand = network(dropout=0.0), network(dropout=0.0)
    averaging = Averaging(type=kind, decay=0.8, start=0.5)
    events = run(tmp_path, ours, settings={"average": averaging},
                 optimizer=torch.optim.SGD(ours.parameters(), lr=0.1))  # fmt: skip
    function = {"multi_avg_fn": get_ema_multi_avg_fn(0.8)} if kind == "EMA" else {}
    twin = AveragedModel(by_hand, use_buffers=True, **function)
    optimizer, step = torch.optim.SGD(by_hand.parameters(), lr=0.1), 0
    for epoch in (1, 2, 3):
        for batch in TRAIN.epoch(epoch):
            optimizer.zero_grad()
            nn.CrossEntropyLoss()(by_hand(batch["x"]), batch["target"]).backward()
            optimizer.step()
            step += 1
            if kind == "EMA" or step > 9:
                twin.update_parameters(by_hand)
    for name, value in twin.module.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue  # a count, which torch averages too
        torch.testing.assert_close(ours.state_dict()[name], value, rtol=1e-5, atol=1e-7, msg=name)
    found = evaluate(task_of(ours), VALIDATION, Settings(epochs=1))
    assert found["loss"] == pytest.approx(only(EpochDone, events)[-1].row["val_loss"], rel=1e-6)


@pytest.mark.parametrize("changes", [
    {"average": Averaging(decay=0.9)}, {"average": Averaging(type="SWA", start=0.2)}, {"accumulate": 4},
])  # fmt: skip
@pytest.mark.parametrize("step", [1, 2, 3])
def test_goes_on_exactly(tmp_path, changes, step):
    whole, parts, resumed = network(), network(), network()
    run(tmp_path / "whole", whole, settings=changes)
    run(tmp_path / "parts", parts, settings=changes, stop_at=step)
    run(tmp_path / "parts", resumed, settings=changes,
        resume=checkpoints.load(tmp_path / "parts" / "checkpoints" / "last.pt"))  # fmt: skip
    assert equal(whole, resumed)


def test_other_batches_in_a_step_are_refused_at_resume(tmp_path):
    run(tmp_path, network(), settings={"accumulate": 2}, stop_at=1)
    checkpoint = checkpoints.load(tmp_path / "checkpoints" / "last.pt")
    with pytest.raises(checkpoints.CheckpointError, match="batches in a step was 2 and is 1"):
        run(tmp_path, network(), resume=checkpoint)


def worsening(stopping: EarlyStopping, path, **changes):
    """A model that is best in its first epoch."""
    wrong = Memory({"x": VALIDATION.fields["x"], "target": (VALIDATION.fields["target"] + 1) % 3}, 7)
    model = network(dropout=0.0)
    return run(path, model, train=wrong, optimizer=torch.optim.SGD(model.parameters(), lr=0.5),
               settings={"epochs": 9, "early_stopping": stopping}, **changes)  # fmt: skip


def test_ends_when_nothing_gets_better(tmp_path):
    events = worsening(EarlyStopping(patience=2), tmp_path)
    assert len(only(EpochDone, events)) == 3
    [finished] = only(Finished, events)
    assert finished.reason == "val_loss was not better for 2 epochs"
    assert finished.best.epoch == 1
    assert json.loads((tmp_path / "status.json").read_text())["state"] == "done"
    again = worsening(EarlyStopping(patience=2), tmp_path,
                      resume=checkpoints.load(tmp_path / "checkpoints" / "last.pt"))  # fmt: skip
    assert only(EpochDone, again) == []  # what gave up stays so


def test_the_best_goes_by_the_metric_that_is_watched(tmp_path):
    events = run(tmp_path, network(), settings={"epochs": 6, "early_stopping": EarlyStopping(metric="val_accuracy")})
    rows = [each.row for each in only(EpochDone, events)]
    best = max(rows, key=lambda row: (row["val_accuracy"], -row["epoch"]))
    assert (events[-1].best.metric, events[-1].best.value) == ("val_accuracy", best["val_accuracy"])
    assert events[-1].best.epoch == best["epoch"]
    with pytest.raises(TrainingError, match="watches val_f1, which is not measured; there is train_loss, val_"):
        run(tmp_path / "other", network(), settings={"early_stopping": EarlyStopping(metric="val_f1")})


def test_stops_at_its_time_limit_and_goes_on_exactly(tmp_path):
    whole, parts, resumed = network(), network(), network()
    run(tmp_path / "whole", whole)
    events = run(tmp_path / "parts", parts, settings={"time_limit": 1e-9})
    assert events[-1] == Stopped(signal=None, step=0, reason="the time limit of 1e-09 s")
    assert json.loads((tmp_path / "parts" / "status.json").read_text())["state"] == "stopped"
    run(tmp_path / "parts", resumed, resume=checkpoints.load(tmp_path / "parts" / "checkpoints" / "last.pt"))
    assert equal(whole, resumed)


def test_deterministic_algorithms_are_asked_for_in_the_run_alone(tmp_path):
    seen = []

    def objective(outputs, batch):
        seen.append(torch.are_deterministic_algorithms_enabled())
        return nn.functional.cross_entropy(outputs, batch["target"])

    model = network()
    run(tmp_path, model, task=task_of(model, objective=objective), settings={"deterministic": True})
    assert all(seen)
    assert not torch.are_deterministic_algorithms_enabled()
