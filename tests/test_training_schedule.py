"""The course of the learning rate, held against torch's own schedulers and against formulas."""

from __future__ import annotations

import copy
import math
import warnings

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler
from training_runs import TRAIN, network, only, run

from builder.checking.optimization import LENGTHS
from builder.training import TrainingError, checkpoints
from builder.training.events import EpochDone
from builder.training.schedule import Schedule, Stretch

# Every scheduler of torch that follows one rule, with arguments.
COURSES = {
    "LambdaLR": {"lr_lambda": lambda step: 0.9**step},
    "MultiplicativeLR": {"lr_lambda": lambda step: 0.9},
    "StepLR": {"step_size": 3, "gamma": 0.5},
    "MultiStepLR": {"milestones": [2, 5, 5], "gamma": 0.1},
    "ConstantLR": {"factor": 0.5, "total_iters": 4},
    "LinearLR": {"start_factor": 0.1, "total_iters": 6},
    "ExponentialLR": {"gamma": 0.9},
    "CosineAnnealingLR": {"T_max": 8, "eta_min": 0.01},
    "CyclicLR": {"base_lr": 0.01, "max_lr": 0.2, "step_size_up": 3},
    "CosineAnnealingWarmRestarts": {"T_0": 3, "T_mult": 2},
    "OneCycleLR": {"max_lr": 0.3, "total_steps": 12},
    "PolynomialLR": {"total_iters": 7, "power": 2.0},
}


def an_optimizer() -> torch.optim.Optimizer:
    weights = [nn.Parameter(torch.ones(2)) for _ in range(2)]
    return torch.optim.SGD([{"params": weights[:1]}, {"params": weights[1:], "lr": 0.05}], lr=0.1, momentum=0.9)


def stretch(name: str, **more) -> Stretch:
    arguments = dict(more.pop("arguments", COURSES.get(name, {})))
    course = arguments.pop("lr_lambda", None)
    return Stretch(type=name, arguments=arguments, every="step", length_name=LENGTHS.get(name),
                   course=None if course is None else lambda step, epoch: course(step), **more)  # fmt: skip


def rates_of(schedule: Schedule, optimizer: torch.optim.Optimizer, steps: int) -> list[list[float]]:
    found = [[group["lr"] for group in optimizer.param_groups]]
    for _ in range(steps):
        optimizer.step()
        schedule.after_step()
        found.append([group["lr"] for group in optimizer.param_groups])
    return found


def torchs(name: str, steps: int) -> list[list[float]]:
    optimizer = an_optimizer()
    scheduler = getattr(lr_scheduler, name)(optimizer, **COURSES[name])
    found = [[group["lr"] for group in optimizer.param_groups]]
    for _ in range(steps):
        optimizer.step()
        scheduler.step()
        found.append([group["lr"] for group in optimizer.param_groups])
    return found


def test_every_scheduler_of_torch_has_a_course_here():
    bases = {"LRScheduler", "SequentialLR", "ChainedScheduler", "ReduceLROnPlateau"}
    assert set(COURSES) == set(lr_scheduler.__all__) - bases


@pytest.mark.parametrize("name", COURSES)
def test_the_rates_are_torchs(name):
    optimizer = an_optimizer()
    schedule = Schedule(optimizer, [stretch(name)], 12, 1)
    assert rates_of(schedule, optimizer, 11) == torchs(name, 11)


@pytest.mark.parametrize("name", COURSES)
@pytest.mark.parametrize("at", [0, 1, 5, 9])
def test_goes_on_exactly_from_its_state(tmp_path, name, at):
    optimizer = an_optimizer()
    schedule = Schedule(optimizer, [stretch(name)], 12, 1)
    rates_of(schedule, optimizer, at)
    torch.save([schedule.state(), optimizer.state_dict()], tmp_path / "state.pt")
    state, inner = torch.load(tmp_path / "state.pt", weights_only=True)
    second = an_optimizer()
    resumed = Schedule(second, [stretch(name)], 12, 1)
    resumed.restore(state)
    second.load_state_dict(inner)
    assert rates_of(resumed, second, 11 - at) == rates_of(schedule, optimizer, 11 - at)
    momenta = [[group["momentum"] for group in each.param_groups] for each in (optimizer, second)]
    assert momenta[0] == momenta[1]


@pytest.mark.parametrize("names", [("LinearLR", "CosineAnnealingLR"), ("ConstantLR", "ExponentialLR", "StepLR")])
def test_several_follow_one_another_as_in_sequential_lr(names):
    steps = 14
    optimizer, twin = an_optimizer(), an_optimizer()
    stretches = [stretch(name, length=4 if i + 1 < len(names) else None) for i, name in enumerate(names)]
    schedule = Schedule(optimizer, stretches, steps, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SequentialLR steps its own schedulers in a way that it deprecates itself
        own = [getattr(lr_scheduler, name)(twin, **COURSES[name]) for name in names]
        sequence = lr_scheduler.SequentialLR(twin, own, milestones=[4 * (i + 1) for i in range(len(names) - 1)])
        expected = [[group["lr"] for group in twin.param_groups]]
        for _ in range(steps):
            twin.step()
            sequence.step()
            expected.append([group["lr"] for group in twin.param_groups])
    for ours, theirs in zip(rates_of(schedule, optimizer, steps), expected, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-12)


def test_a_length_left_out_is_that_of_the_stretch():
    """Five steps of warming up, then half a cosine over the other 15: formulas of torch's documentation."""
    optimizer = an_optimizer()
    stretches = [stretch("LinearLR", arguments={"start_factor": 0.2}, length=5),
                 stretch("CosineAnnealingLR", arguments={})]  # fmt: skip
    rates = [first for first, _ in rates_of(Schedule(optimizer, stretches, 20, 1), optimizer, 20)]
    assert rates[:5] == pytest.approx([0.1 * (0.2 + 0.8 * step / 5) for step in range(5)])
    assert rates[5:] == pytest.approx([0.05 * (1 + math.cos(math.pi * step / 15)) for step in range(16)], abs=1e-12)


def test_a_stretch_may_count_epochs_after_one_that_counts_steps():
    optimizer = an_optimizer()
    warm = stretch("LinearLR", arguments={"start_factor": 0.5}, length=3)
    schedule = Schedule(optimizer, [warm, Stretch(type="StepLR", arguments={"step_size": 1, "gamma": 0.5})], 12, 3)
    found = []
    for _ in range(3):  # epochs of four steps
        for _ in range(4):
            optimizer.step()
            schedule.after_step()
            found.append(optimizer.param_groups[0]["lr"])
        schedule.after_epoch({})
    assert found == pytest.approx([0.2 / 3, 0.25 / 3, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05, 0.025, 0.025, 0.025, 0.025])


def test_plateau_watches_a_metric_and_knows_which_way_is_better():
    def rates(metric: str, values: list[float]) -> list[float]:
        optimizer = an_optimizer()
        plateau = Stretch(type="ReduceLROnPlateau", arguments={"patience": 0, "factor": 0.5}, metric=metric)
        schedule = Schedule(optimizer, [plateau], 100, 10, frozenset(("val_accuracy",)))
        found = []
        for value in values:
            schedule.after_epoch({metric: value})
            found.append(optimizer.param_groups[0]["lr"])
        return found

    assert rates("val_loss", [1.0, 0.5, 0.6]) == [0.1, 0.1, 0.05]
    assert rates("val_accuracy", [0.5, 0.6, 0.5]) == [0.1, 0.1, 0.05]
    with pytest.raises(TrainingError, match="watches val_loss, which this run does not measure"):
        rates("val_loss", [None])  # type: ignore[list-item]


def test_what_torch_refuses_is_said_in_a_sentence():
    with pytest.raises(TrainingError, match=r"^OneCycleLR: .*total_steps"):
        Schedule(an_optimizer(), [Stretch(type="OneCycleLR", arguments={"max_lr": 1.0, "total_steps": -1})], 10, 1)


def test_a_run_follows_its_course_and_resumes_in_it(tmp_path):
    """The rates by the cosine's formula; a run that was stopped comes out with the same bits."""
    stretches = (
        stretch("LinearLR", arguments={"start_factor": 0.5}, length=4),
        Stretch(type="CosineAnnealingLR", arguments={}, every="step", length_name="T_max"),
    )
    whole, parts = network(), network()
    events = run(tmp_path / "whole", whole, settings={"stretches": stretches})
    steps = len(TRAIN) * 3 - 4
    expected = [0.01 * (1 + math.cos(math.pi * (step - 4) / steps)) for step in (6, 12, 18)]
    assert [each.row["lr"] for each in only(EpochDone, events)] == pytest.approx(expected, abs=1e-12)
    copied = copy.deepcopy(parts)
    run(tmp_path / "parts", parts, settings={"stretches": stretches}, stop_at=7)
    run(tmp_path / "parts", copied, settings={"stretches": stretches},
        resume=checkpoints.load(tmp_path / "parts" / "checkpoints" / "last.pt"))  # fmt: skip
    assert all(torch.equal(one, two) for one, two in zip(whole.parameters(), copied.parameters(), strict=True))
