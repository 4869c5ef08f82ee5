"""Which checkpoints a run keeps, which of them it goes on from, and what others can read."""

import os
import signal

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from test_training_resume import assert_same, noisy, state_of
from torch import nn
from training_runs import network, only, run

from builder.files import write_aside
from builder.training import CheckpointError, checkpoints
from builder.training.events import CheckpointSaved, Warned
from builder.training.weights import read_safetensors, write_safetensors


def places(path) -> list:
    """(name, step) of the checkpoints that can be gone on from."""
    return [(name, checkpoints.load(path / "checkpoints" / name).progress.step) for name in ("last.pt", "previous.pt")]


def flip(path) -> None:
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 1
    path.write_bytes(whole)


def test_the_one_before_the_last_is_kept(tmp_path):
    run(tmp_path, network(), stop_at=15)
    assert places(tmp_path) == [("last.pt", 15), ("previous.pt", 12)]
    assert not list((tmp_path / "checkpoints").glob(".*"))


def test_checkpoints_within_an_epoch(tmp_path):
    events = run(tmp_path, network(), settings={"save_every": 4})
    saved = [each.step for each in only(CheckpointSaved, events) if each.path.name == "last.pt"]
    assert saved == [4, 6, 8, 12, 16, 18]  # an epoch has six steps


@pytest.mark.parametrize("step", [4, 8, 16])
def test_resumed_from_within_an_epoch(tmp_path, monkeypatch, step):
    run(tmp_path / "whole", noisy())
    save, folder = checkpoints.save, tmp_path / "ended"

    def write(path, checkpoint, *, keep):
        save(path, checkpoint, keep=keep)
        if checkpoint.progress.step == step:
            raise InterruptedError

    monkeypatch.setattr(checkpoints, "save", write)
    with pytest.raises(InterruptedError):
        run(folder, noisy(), settings={"save_every": 4})
    monkeypatch.undo()
    resume = checkpoints.load(folder / "checkpoints" / "last.pt")
    assert resume.progress.step == step
    run(folder, noisy(), resume=resume, settings={"save_every": 4})
    assert_same(state_of(folder), state_of(tmp_path / "whole"))


@pytest.mark.parametrize("harm", [flip, lambda path: path.write_bytes(b""), lambda path: os.truncate(path, 900)])
def test_a_damaged_newest_one_is_named_and_the_one_before_used(tmp_path, harm):
    run(tmp_path, noisy(), stop_at=15)
    last, previous = (tmp_path / "checkpoints" / name for name in ("last.pt", "previous.pt"))
    harm(last)
    found, faults = checkpoints.newest([last, previous])
    assert (found.name, found.progress.step) == (str(previous), 12)
    assert faults == [f"{last} is not a whole checkpoint: it is cut, damaged or something else"]
    run(tmp_path, noisy(), resume=found, stop_at=13)
    assert places(tmp_path) == [("last.pt", 13), ("previous.pt", 12)]  # the damaged one is not kept in its place
    run(tmp_path, noisy(), resume=checkpoints.load(last))
    run(tmp_path / "whole", noisy())
    assert_same(state_of(tmp_path), state_of(tmp_path / "whole"))


def test_one_that_is_missing_is_passed_over(tmp_path):
    run(tmp_path, network(), stop_at=15)
    last, previous = (tmp_path / "checkpoints" / name for name in ("last.pt", "previous.pt"))
    last.unlink()  # a kill between two renames, where a file cannot have two names
    assert checkpoints.newest([last, previous])[0].progress.step == 12
    flip(previous)
    with pytest.raises(CheckpointError, match=r"previous\.pt is not a whole checkpoint"):
        checkpoints.newest([last, previous])
    previous.unlink()
    with pytest.raises(FileNotFoundError, match="there is no checkpoint in"):
        checkpoints.newest([last, previous])


def test_a_file_is_kept_where_links_are_not_there(tmp_path, monkeypatch):
    def no_links(*_):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    for text in (b"one", b"two", b"three"):
        write_aside(tmp_path / "file", lambda file, text=text: file.write(text), keep=tmp_path / "kept")
    assert (tmp_path / "file").read_bytes() == b"three"
    assert (tmp_path / "kept").read_bytes() == b"two"


def test_the_best_weights_are_there_for_others(tmp_path):
    run(tmp_path, network(), settings={"epochs": 1})
    found = load_file(tmp_path / "checkpoints" / "best.safetensors")
    model = network()
    model.load_state_dict(found, strict=True)
    assert_same(dict(sorted(found.items())), dict(sorted(checkpoints.load_weights(
        tmp_path / "checkpoints" / "best.pt").model.items())))  # fmt: skip
    with safe_open(tmp_path / "checkpoints" / "best.safetensors", "pt") as file:
        assert file.metadata() == {"format": "pt"}


def test_safetensors_of_every_kind(tmp_path):
    """Held against the package's own reader."""
    tied = torch.randn(2, 2)
    state = {
        "a": torch.randn(3, 4), "count": torch.tensor(3), "half": torch.randn(3).bfloat16(), "one": tied, "two": tied,
        "image": torch.randn(2, 3, 4, 4).contiguous(memory_format=torch.channels_last), "none": torch.empty(0, 3),
        "mask": torch.tensor([True, False, True]), "part": torch.randn(4, 4)[:, 1], "complex": torch.randn(2) * 1j,
    }  # fmt: skip
    write_safetensors(tmp_path / "file.safetensors", {**state, "extra": {"no": "tensor"}})
    found = load_file(tmp_path / "file.safetensors")
    assert set(found) == set(state)
    assert all(torch.equal(found[name], each) and found[name].dtype == each.dtype for name, each in state.items())
    assert_same(read_safetensors(tmp_path / "file.safetensors"), found)


def test_safetensors_that_cannot_be_read(tmp_path):
    path = tmp_path / "file.safetensors"
    with pytest.raises(CheckpointError, match=r"^cannot read .*file\.safetensors: No such file"):
        checkpoints.load_weights(path)
    write_safetensors(path, nn.Linear(3, 3).state_dict())
    os.truncate(path, path.stat().st_size - 1)
    with pytest.raises(CheckpointError, match=r"^.*file\.safetensors is not a whole file of weights: "):
        checkpoints.load_weights(path)


def test_weights_of_a_safetensors_file(tmp_path):
    write_safetensors(tmp_path / "file.safetensors", network().state_dict())
    found = checkpoints.load_weights(tmp_path / "file.safetensors")
    checkpoints.restore_model(network(), found.model, "file.safetensors")


def test_a_best_for_others_that_cannot_be_written_is_a_warning(tmp_path):
    (tmp_path / "checkpoints" / "best.safetensors").mkdir(parents=True)
    events = run(tmp_path, network(), settings={"epochs": 1})
    assert "best.safetensors: Is a directory" in only(Warned, events)[0].message
    assert checkpoints.load_weights(tmp_path / "checkpoints" / "best.pt")


def test_a_signal_while_saving_lets_it_finish(tmp_path, monkeypatch):
    replace, sent = os.replace, []

    def signalled(old, new):
        if str(new).endswith("last.pt") and not sent:
            sent.append(signal.raise_signal(signal.SIGTERM))
        replace(old, new)

    monkeypatch.setattr(os, "replace", signalled)
    events = run(tmp_path, network(), settings={"save_every": 4})
    assert (events[-1].signal, events[-1].step) == (signal.SIGTERM, 4)
    assert places(tmp_path)[0] == ("last.pt", 4)
