"""Checkpoints: whole or not at all, and nothing in them runs."""

import hashlib
import os
import pickle
import resource
import zipfile
from contextlib import contextmanager

import pytest
import torch
from torch import nn
from training_runs import TRAIN, VALIDATION, network, only, run, task_of

from builder.files import OutputError
from builder.training import CheckpointError, RunFolder, Settings, checkpoints, fit, sealed
from builder.training import optimizer as optimizers
from builder.training.events import CheckpointSaved, Finished, StepDone, Warned


@pytest.fixture
def last(tmp_path):
    """A checkpoint of a real run."""
    run(tmp_path / "run", network(), settings={"epochs": 1})
    return tmp_path / "run" / "checkpoints" / "last.pt"


@contextmanager
def largest_file(size: int):
    """No file can grow beyond `size` bytes, as on a full disk: the system refuses the write."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def fault(path) -> str:
    with pytest.raises(CheckpointError) as caught:
        checkpoints.load(path)
    return str(caught.value).removeprefix(f"{path} ")


def test_a_file_that_is_cut_is_refused(last):
    whole = last.read_bytes()
    for size in [0, 1, 100, len(whole) // 3, len(whole) - 100, len(whole) - 1]:
        last.write_bytes(whole[:size])
        assert fault(last) == "is not a whole checkpoint: it is cut, damaged or something else"


def test_the_digest_is_that_of_all_that_stands_before_it(last):
    whole = last.read_bytes()
    assert whole[-64:].decode() == hashlib.sha256(whole[:-64]).hexdigest()
    assert zipfile.ZipFile(last).comment == b"sha256:" + whole[-64:]


def test_no_flipped_bit_is_loaded(last):
    """One bit in each of many places, all of the end among them: of the zip's records, its index, the digest."""
    whole = last.read_bytes()
    for place in [*range(0, len(whole) - 300, 97), *range(len(whole) - 300, len(whole))]:
        last.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        assert fault(last) == "is not a whole checkpoint: it is cut, damaged or something else", place


def test_other_files_are_refused(tmp_path, last):
    path = tmp_path / "file.pt"
    assert fault(path) == f"cannot read {path}: No such file or directory"
    assert fault(tmp_path) == f"cannot read {tmp_path}: Is a directory"
    path.write_text("name = 'a spec'\n")
    assert fault(path) == "is not a whole checkpoint: it is cut, damaged or something else"
    torch.save([1, 2], path)
    assert fault(path) == "is not a checkpoint: it holds a list"
    torch.save({"epoch": 3, "optimizer": {}}, path)
    assert fault(path) == "is not a checkpoint of this program"
    payload = torch.load(last, weights_only=True)
    for broken in ({"progress": {}}, {"progress": {**payload["progress"], "step": "many"}}, {"model": [1]}):
        sealed.write(path, {**payload, **broken})
        assert fault(path) == "is not a checkpoint of this program"
    assert fault(last.with_name("best.pt")) == "holds weights alone: training goes on from a run's checkpoints/last.pt"


class Hostile:
    def __init__(self, path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_nothing_in_a_checkpoint_runs(tmp_path, last):
    payload = torch.load(last, weights_only=True)
    torch.save({**payload, "about": Hostile(tmp_path / "ran")}, last)
    assert fault(last) == "is refused: it holds more than tensors and plain values"
    last.write_bytes(pickle.dumps(Hostile(tmp_path / "ran")))
    assert fault(last) == "is not a whole checkpoint: it is cut, damaged or something else"
    assert not (tmp_path / "ran").exists()


def test_a_bomb_is_refused(tmp_path):
    """Records that torch would blow up from a few bytes: torch itself never compresses."""
    with zipfile.ZipFile(tmp_path / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb/data.pkl", bytes(10_000_000))
    assert fault(tmp_path / "bomb.pt") == "is not a whole checkpoint: it is cut, damaged or something else"


def test_a_plain_state_dict_gives_weights(tmp_path):
    torch.save(network().state_dict(), tmp_path / "weights.pt")
    found = checkpoints.load_weights(tmp_path / "weights.pt")
    assert found.about == {}
    assert all(torch.equal(value, found.model[name]) for name, value in network().state_dict().items())


def test_the_state_of_another_model_is_told_by_names():
    model = nn.ModuleDict({"conv": nn.Conv2d(3, 8, 3), "fc": nn.Linear(8, 10)})
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = {"conv.weight": torch.ones(8, 1, 3, 3), "conv.bias": torch.ones(8), "fc.bias": torch.ones(10)}
    state |= {f"old.{index}": torch.ones(1) for index in range(5)}
    with pytest.raises(CheckpointError) as caught:
        checkpoints.restore_model(model, state, "a.pt")
    assert str(caught.value) == (
        "a.pt is of another model: it lacks fc.weight; it has besides old.0, old.1, old.2 and 2 more; "
        "it has other shapes: conv.weight (8, 1, 3, 3), in the model (8, 3, 3, 3)"
    )
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    with pytest.raises(CheckpointError, match=r"^a\.pt does not fit the model: "):
        checkpoints.restore_model(model, {**before, "fc.bias": "not a tensor"}, "a.pt")


@pytest.mark.parametrize("room", [100, 5000])
def test_a_full_disk_leaves_the_old_checkpoint(last, room):
    before = last.read_bytes()
    checkpoint = checkpoints.load(last)
    with largest_file(room), pytest.raises(OutputError) as caught:
        checkpoints.save(last, checkpoint)
    count = sum(value.nbytes for value in checkpoint.model.values())
    count += sum(value.nbytes for slots in checkpoint.optimizer["state"].values() for value in slots.values())
    assert str(caught.value) == f"cannot write {last}: File too large (the checkpoint takes {count:,} bytes)"
    assert last.read_bytes() == before
    assert sorted(path.name for path in last.parent.iterdir()) == ["best.pt", "best.safetensors", "last.pt"]


def train_while_full(path, full_at: int, free_at: int) -> list:
    """Three epochs of six steps; between the two steps no file may grow beyond 1000 bytes."""
    model, events = network(), []
    made = optimizers.make("AdamW", {"lr": 0.02}, [], model)
    settings = Settings(epochs=3, report_seconds=0)
    with largest_file(resource.RLIM_INFINITY):
        for event in fit(task_of(model), made, TRAIN, VALIDATION, settings, RunFolder(path)):
            events.append(event)
            if isinstance(event, StepDone) and event.step in (full_at, free_at):
                size = 1000 if event.step == full_at else resource.RLIM_INFINITY
                resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    return events


def test_a_disk_that_is_full_for_a_while_is_survived(tmp_path):
    events = train_while_full(tmp_path, full_at=8, free_at=14)
    assert all("File too large" in each.message for each in only(Warned, events))
    assert {each.message.split(":")[0].rpartition("/")[2] for each in only(Warned, events)} == {"best.pt", "last.pt"}
    assert 12 not in [each.step for each in only(CheckpointSaved, events)]
    assert isinstance(events[-1], Finished)
    assert checkpoints.load(tmp_path / "checkpoints" / "last.pt").progress.step == 18


def test_a_disk_that_stays_full_ends_the_run(tmp_path):
    with pytest.raises(OutputError, match=r"last\.pt: File too large"):
        train_while_full(tmp_path, full_at=8, free_at=99)
    assert checkpoints.load(tmp_path / "checkpoints" / "last.pt").progress.step == 6
    assert not list((tmp_path / "checkpoints").glob(".*"))
