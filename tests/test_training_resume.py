"""A run that is stopped and goes on is the run that was never stopped, bit for bit."""

import csv
import json
import signal
import threading

import pytest
import torch
from torch import nn
from training_runs import TRAIN, VALIDATION, Memory, network, only, run, samples, task_of

from builder.training import CheckpointError, RunFolder, Settings, checkpoints, fit, seeding
from builder.training import optimizer as optimizers
from builder.training.events import EpochDone, Finished, Started, StepDone, Stopped


class Noisy(nn.Sequential):
    """It draws at random in evaluation too, and has a batch norm and a dropout."""

    def forward(self, x):
        return super().forward(x + torch.randn_like(x) * 0.1)


def noisy() -> Noisy:
    return Noisy(*network())


def state_of(path):
    """Everything that a run leaves behind, but the seconds it took."""
    last = checkpoints.load(path / "checkpoints" / "last.pt")
    best = checkpoints.load_weights(path / "checkpoints" / "best.pt")
    with open(path / "metrics.csv", newline="") as file:
        rows = [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]
    place = [last.progress.epoch, last.progress.batch, last.progress.step, last.progress.best]
    return last.model, last.optimizer, best.model, rows, place, (path / "status.json").read_text()


def assert_same(one, two):
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, two)
    elif isinstance(one, dict):
        assert list(one) == list(two)
        for name in one:
            assert_same(one[name], two[name])
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(two)
        for left, right in zip(one, two, strict=True):
            assert_same(left, right)
    else:
        assert one == two


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    path = tmp_path_factory.mktemp("unbroken")
    run(path, noisy())
    return state_of(path)


@pytest.mark.parametrize("step", [1, 3, 5, 6, 7, 11, 12, 17, 18])
def test_resumed_at_any_step(tmp_path, unbroken, step):
    events = run(tmp_path, noisy(), stop_at=step)
    assert events[-1] == Stopped(signal=signal.SIGTERM, step=step, reason="SIGTERM")
    status = json.loads((tmp_path / "status.json").read_text())
    assert status == {"state": "stopped", "step": step, "reason": "SIGTERM"}
    torch.manual_seed(99)  # whatever was drawn meanwhile
    events = run(tmp_path, noisy(), resume=checkpoints.load(tmp_path / "checkpoints" / "last.pt"))
    assert only(Started, events)[0].step == step
    assert only(Started, events)[0].resumed
    assert isinstance(events[-1], Finished)
    assert_same(state_of(tmp_path), unbroken)


def test_resumed_again_and_again(tmp_path, unbroken):
    run(tmp_path, noisy(), stop_at=1)
    for step in (4, 5, 6, 13):
        run(tmp_path, noisy(), stop_at=step, resume=checkpoints.load(tmp_path / "checkpoints" / "last.pt"))
    run(tmp_path, noisy(), resume=checkpoints.load(tmp_path / "checkpoints" / "last.pt"))
    assert_same(state_of(tmp_path), unbroken)


def test_stopped_while_validating(tmp_path, unbroken):
    class Interrupted(Memory):
        def epoch(self, number, start=0):
            for index, batch in enumerate(super().epoch(number, start)):
                if index == 1:
                    signal.raise_signal(signal.SIGINT)
                yield batch

    events = run(tmp_path, noisy(), validation=Interrupted(VALIDATION.fields, 3))
    assert events[-1] == Stopped(signal=signal.SIGINT, step=6, reason="SIGINT")
    assert not only(EpochDone, events)
    run(tmp_path, noisy(), resume=checkpoints.load(tmp_path / "checkpoints" / "last.pt"))
    assert_same(state_of(tmp_path), unbroken)


def test_stopped_between_epochs(tmp_path, unbroken):
    """A signal that comes while an epoch's checkpoint is written."""
    made = optimizers.make("AdamW", {"lr": 0.02}, [], model := noisy())
    events = []
    for event in fit(task_of(model), made, TRAIN, VALIDATION, Settings(epochs=3, seed=3), RunFolder(tmp_path)):
        events.append(event)
        if isinstance(event, EpochDone) and event.row["epoch"] == 2:
            signal.raise_signal(signal.SIGTERM)
    assert events[-1] == Stopped(signal=signal.SIGTERM, step=12, reason="SIGTERM")
    run(tmp_path, noisy(), resume=checkpoints.load(tmp_path / "checkpoints" / "last.pt"))
    assert_same(state_of(tmp_path), unbroken)


def test_more_epochs_after_the_end(tmp_path, unbroken):
    """Two epochs, then one more, are three; and a finished run that is resumed is at its end at once."""
    run(tmp_path, noisy(), settings={"epochs": 2})
    run(tmp_path, noisy(), resume=checkpoints.load(tmp_path / "checkpoints" / "last.pt"))
    assert_same(state_of(tmp_path), unbroken)
    events = run(tmp_path, noisy(), resume=checkpoints.load(tmp_path / "checkpoints" / "last.pt"))
    assert [type(event) for event in events] == [Started, Finished]
    assert_same(state_of(tmp_path), unbroken)


def test_more_steps_after_the_end(tmp_path):
    """A run of 8 steps ends in its second epoch; going on to 12 trains what 12 at once train."""
    run(tmp_path / "12", whole := noisy(), settings={"steps": 12})
    run(tmp_path / "8", noisy(), settings={"steps": 8})
    run(tmp_path / "8", resumed := noisy(), settings={"steps": 12},
        resume=checkpoints.load(tmp_path / "8" / "checkpoints" / "last.pt"))  # fmt: skip
    assert_same(whole.state_dict(), resumed.state_dict())
    assert (tmp_path / "8" / "metrics.csv").read_text().count("\n") == 3  # a header and each epoch once


def test_what_the_caller_wrote_comes_back(tmp_path):
    run(tmp_path, network(), settings={"epochs": 1}, about={"spec": "name = 'a'\n"})
    assert checkpoints.load(tmp_path / "checkpoints" / "last.pt").about == {"spec": "name = 'a'\n"}
    assert checkpoints.load_weights(tmp_path / "checkpoints" / "best.pt").about == {"spec": "name = 'a'\n"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"settings": {"seed": 4}}, "cannot go on exactly: seed was 3 and is 4"),
        ({"train": Memory(samples(22, 1), 8)}, "cannot go on exactly: batches in an epoch was 6 and is 3"),
        ({"train": Memory(samples(21, 1), 4)}, "cannot go on exactly: samples was 22 and is 21"),
    ],
)
def test_another_run_is_refused(tmp_path, changes, message):
    run(tmp_path, network(), stop_at=2)
    before = (tmp_path / "status.json").read_bytes()
    with pytest.raises(CheckpointError) as caught:
        run(tmp_path, network(), resume=checkpoints.load(tmp_path / "checkpoints" / "last.pt"), **changes)
    assert str(caught.value) == f"{tmp_path / 'checkpoints' / 'last.pt'} {message}"
    assert (tmp_path / "status.json").read_bytes() == before


def test_another_optimizer_is_refused(tmp_path):
    run(tmp_path, network(), stop_at=2)
    resume = checkpoints.load(tmp_path / "checkpoints" / "last.pt")
    model = network()
    with pytest.raises(CheckpointError, match=r"last\.pt was made with AdamW, and the optimizer is SGD$"):
        run(tmp_path, model, optimizer=torch.optim.SGD(model.parameters(), lr=0.1), resume=resume)
    groups = optimizers.make("AdamW", {}, [optimizers.Group(patterns=("0.*",), arguments={"lr": 0.1})], model)
    with pytest.raises(CheckpointError, match=r"the optimizer's state in .*last\.pt does not fit: "):
        run(tmp_path, model, optimizer=groups, resume=resume)


def test_the_second_signal_ends_at_once(tmp_path):
    def objective(outputs, batch):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("not reached")

    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    model = network()
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, model, task=task_of(model, objective=objective))
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before
    assert json.loads((tmp_path / "status.json").read_text())["state"] == "stopped"


def test_handlers_are_there_only_while_training(tmp_path):
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    model, during = network(), []

    def objective(outputs, batch):
        during.append([signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)])
        return nn.functional.cross_entropy(outputs, batch["target"])

    run(tmp_path, model, task=task_of(model, objective=objective), settings={"epochs": 1})
    assert all(own is not other for own, other in zip(during[0], before, strict=True))
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before


def test_training_in_another_thread(tmp_path):
    """Signals cannot be caught there; training must work all the same."""
    events = []
    thread = threading.Thread(target=lambda: events.extend(run(tmp_path, network(), settings={"epochs": 1})))
    thread.start()
    thread.join()
    assert isinstance(events[-1], Finished)
    assert len(only(StepDone, events)) == 6


def test_the_mix_of_seed_and_step_is_fixed_and_spread():
    """Numbers of other seeds, streams and steps do not meet; and a checkpoint of today goes on tomorrow."""
    # The first two numbers of SplitMix64 for the seed 1234567, as published with it.
    assert seeding._spread(1234567) == 6457827717110365317
    assert seeding._spread(1234567 + 0x9E3779B97F4A7C15) == 3203168211198807973
    streams = (seeding.STEP, seeding.EPOCH, seeding.VALIDATION)
    numbers = [seeding.mixed(seed, stream, step) for seed in range(20) for stream in streams for step in range(50)]
    assert len(set(numbers)) == 3000
    assert all(0 <= number < 2**63 for number in numbers)
    ones = sum(number.bit_count() for number in numbers) / len(numbers)
    assert 31 < ones < 32  # of 63 bits, half are set
