"""Batches: their order, resuming, workers; the part held out; values out of range."""

import multiprocessing
import os
import random
import signal
from fractions import Fraction
from itertools import chain
from pathlib import Path

import numpy
import pytest
import torch
from data_files import opened

from builder import data
from builder.data.splitting import seats


def numbered(count: int) -> data.TensorSource:
    return data.TensorSource({"x": torch.arange(count, dtype=torch.float32)[:, None], "target": torch.arange(count)})


def order(batches: data.Batches, epoch: int, start: int = 0) -> list[list[int]]:
    return [batch["target"].tolist() for batch in batches.epoch(epoch, start)]


def test_batches_in_order() -> None:
    batches = data.Batches(numbered(7), batch_size=3)
    assert order(batches, 1) == [[0, 1, 2], [3, 4, 5], [6]]
    assert (len(batches), batches.samples) == (3, 7)
    dropped = data.Batches(numbered(7), torch.tensor([6, 5, 4, 0]), batch_size=3, drop_last=True)
    assert order(dropped, 1) == [[6, 5, 4]]
    assert (len(dropped), dropped.samples) == (1, 3)


def test_shuffled_epochs_are_permutations_that_hang_on_seed_and_epoch() -> None:
    batches = data.Batches(numbered(100), batch_size=8, shuffle=True, seed=3)
    first, second = order(batches, 1), order(batches, 2)
    assert sorted(chain(*first)) == sorted(chain(*second)) == list(range(100))
    assert len({str(each) for each in (first, second, order(data.Batches(numbered(100), batch_size=8), 1))}) == 3
    torch.manual_seed(1234)
    assert order(data.Batches(numbered(100), batch_size=8, shuffle=True, seed=3), 1) == first
    assert order(data.Batches(numbered(100), batch_size=8, shuffle=True, seed=4), 1) != first


@pytest.mark.parametrize("workers", [0, 2])
def test_an_epoch_resumed_anywhere_is_the_same(workers: int) -> None:
    whole = order(data.Batches(numbered(30), batch_size=4, shuffle=True), 2)
    state = torch.get_rng_state()
    batches = data.Batches(numbered(30), batch_size=4, shuffle=True, num_workers=workers)
    for start in (0, 1, 7, 8):
        assert order(batches, 2, start) == whole[start:]
    assert torch.equal(torch.get_rng_state(), state)


def test_workers_end_with_the_epoch_and_with_whoever_breaks_off() -> None:
    batches = data.Batches(numbered(30), batch_size=4, num_workers=2)
    epoch = batches.epoch(1)
    next(epoch)
    assert len(multiprocessing.active_children()) == 2
    epoch.close()
    assert multiprocessing.active_children() == []
    assert len(list(batches.epoch(1))) == 8
    assert multiprocessing.active_children() == []


class Drawing(torch.utils.data.Dataset):
    """Items that hang on all three random states, as augmentations do."""

    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return {"x": torch.rand(2) + random.random() + numpy.random.rand(), "index": torch.tensor(index)}


def test_what_a_dataset_draws_is_the_same_with_workers_and_after_resuming() -> None:
    def drawn(workers: int, epoch: int, start: int = 0) -> list[torch.Tensor]:
        source = data.DatasetSource(Drawing())
        batches = data.Batches(source, batch_size=4, shuffle=True, num_workers=workers)
        return [batch["x"] for batch in batches.epoch(epoch, start)]

    first = torch.cat(drawn(0, 1))
    states = torch.get_rng_state(), random.getstate(), numpy.random.get_state()[1].tolist()
    assert torch.equal(torch.cat(drawn(2, 1)), first)
    assert torch.equal(torch.cat(drawn(0, 1, 1)), first[4:])
    assert (random.getstate(), numpy.random.get_state()[1].tolist()) == states[1:]
    assert torch.equal(torch.get_rng_state(), states[0])
    assert len(torch.cat([first, *drawn(0, 2)]).unique()) == 48


class Failing(torch.utils.data.Dataset):
    def __len__(self) -> int:
        return 10

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        if index == 7:
            raise OSError("image file is truncated")
        return torch.zeros(2), index


class Dying(Failing):
    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        if index == 7:
            os.kill(os.getpid(), signal.SIGKILL)
        return torch.zeros(2), index


@pytest.mark.parametrize("workers", [0, 1])
def test_a_sample_that_cannot_be_read_is_named(workers: int) -> None:
    batches = data.Batches(data.DatasetSource(Failing()), batch_size=2, num_workers=workers)
    with pytest.raises(data.DataError) as caught:
        list(batches.epoch(1))
    assert str(caught.value) == "sample 7 of the dataset cannot be read: OSError: image file is truncated"


# torch's own iterator may hear of the death while it is being collected, where it can only warn
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_worker_that_is_killed_is_told() -> None:
    batches = data.Batches(data.DatasetSource(Dying()), batch_size=2, num_workers=1)
    with pytest.raises(data.DataError, match="a process that reads data ended unexpectedly"):
        list(batches.epoch(1))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"batch_size": 0}, "batch_size is 0; a batch has at least one sample"),
        ({"batch_size": 2, "num_workers": -1}, "num_workers is -1; it is 0 (none) or more"),
        ({"batch_size": 2, "indices": torch.tensor([], dtype=torch.int64)}, "there are no samples"),
        (
            {"batch_size": 8, "drop_last": True},
            "drop_last leaves nothing: 7 samples are less than one batch of 8; "
            "lower batch_size, or leave drop_last out",
        ),
    ],
)
def test_settings_that_give_no_batches(settings: dict[str, object], said: str) -> None:
    with pytest.raises(data.DataError) as caught:
        data.Batches(numbered(7), **settings)
    assert str(caught.value) == said


def labelled(*counts: int) -> data.TensorSource:
    return data.TensorSource({"target": torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))})


def held_out(source: data.Source, fraction: float) -> list[int]:
    """How many of each class are held out, once the two parts are seen to be each sample once."""
    kept, held = data.split(source, fraction, "target")
    assert sorted(kept.tolist() + held.tolist()) == list(range(len(source)))
    return source.values("target")[held].bincount(minlength=int(source.values("target").max()) + 1).tolist()


def test_the_part_held_out_is_stratified() -> None:
    assert held_out(labelled(50, 30, 20), 0.2) == [10, 6, 4]
    # by hand: 0.3 * (7, 5, 8) = 2.1, 1.5, 2.4; 6 in all; 2 + 1 + 2 and one more for the largest remainder
    assert held_out(labelled(7, 5, 8), 0.3) == [2, 2, 2]
    # 0.1 * (96, 4) = 9.6, 0.4
    assert held_out(labelled(96, 4), 0.1) == [10, 0]
    # 0.29 * 100 is 28.999999999999996 in binary floats
    assert held_out(labelled(100, 100), 0.29) == [29, 29]


def test_digits_are_split_by_class() -> None:
    source = opened(Path(), "digits")
    counts = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    held = held_out(source, 0.2)
    assert sum(held) == 359  # 0.2 * 1797 = 359.4
    assert all(abs(0.2 * count - taken) < 1 for count, taken in zip(counts, held, strict=True))
    state = torch.get_rng_state()
    assert torch.equal(data.split(source, 0.2, "target")[1], data.split(source, 0.2, "target")[1])
    assert torch.equal(torch.get_rng_state(), state)


def test_seats_go_to_the_largest_remainders() -> None:
    # Hamilton's method for 21, 14, 9 of 44 with 10 seats: 4.77, 3.18, 2.05 -> 4 + 3 + 2 and one for the first
    assert seats([21, 14, 9], Fraction(10, 44), 10, [0, 1, 2]) == [5, 3, 2]
    assert seats([1, 1, 1, 1], Fraction(1, 2), 2, [3, 0, 2, 1]) == [0, 1, 0, 1]


def test_targets_all_different_are_not_held_out_from_one_end() -> None:
    _, held = data.split(data.TensorSource({"target": torch.arange(1000)}), 0.2, "target")
    assert len(held) == 200
    assert 400 < held.double().mean() < 600  # 499.5 with a standard error of 18


@pytest.mark.parametrize("target", [None, "price", "several"])
def test_without_classes_samples_are_held_out_at_random(target: str | None) -> None:
    source = data.TensorSource({"price": torch.arange(10.0), "several": torch.arange(20).reshape(10, 2)})
    kept, held = data.split(source, 0.25, target)
    assert (len(kept), len(held)) == (7, 3)
    assert sorted([*kept.tolist(), *held.tolist()]) == list(range(10))
    assert torch.equal(held, data.split(source, 0.25, None)[1])


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 0.01, 0.99, float("nan"), float("inf")])
def test_a_part_that_leaves_nothing(fraction: float) -> None:
    with pytest.raises(data.DataError, match=r"validation = \S+ of 10 samples leaves nothing"):
        data.split(labelled(5, 5), fraction, "target")


def test_the_first_value_out_of_range_is_named() -> None:
    values = torch.zeros(30, dtype=torch.int64)
    values[[17, 20]] = torch.tensor([12, -1])
    source = data.TensorSource({"target": values, "mask": torch.stack([values * 0 + 5, values], 1)})
    with pytest.raises(data.DataError) as caught:
        data.check_range(source, "target", 0, 10)
    assert str(caught.value) == "sample 17 of 'target' is 12; the model has classes 0 to 9"
    with pytest.raises(data.DataError, match="sample 17 of 'mask' is 12; an embedding takes 1 to 9"):
        data.check_range(source, "mask", 1, 10, allowed="an embedding takes", ignored=0)
    data.check_range(source, "target", 0, 13, ignored=-1)
    with pytest.raises(data.DataError, match="sample 20 of 'target' is -1"):
        data.check_range(source, "target", 0, 13)
