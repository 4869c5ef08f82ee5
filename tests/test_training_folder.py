"""The folder of a run, and what counts as right."""

import json

import pytest
import torch
from training_runs import network, only, run

from builder.files import OutputError
from builder.training import RunFolder, accuracy_for, next_free
from builder.training.events import Finished, Warned


def test_the_next_free_name(tmp_path):
    base = tmp_path / "runs"
    assert [next_free(base, "LeNet").path.name for _ in range(3)] == ["LeNet-1", "LeNet-2", "LeNet-3"]
    (base / "LeNet-2").rmdir()
    assert next_free(base, "LeNet").path == base / "LeNet-2"
    assert next_free(base, "a/../b c").path == base / "a-..-b-c-1"
    assert next_free(base, "..").path == base / "run-1"
    assert next_free(base, "网络").path == base / "网络-1"


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(OutputError, match=r"^cannot write .*runs/net-1: .*runs is not a folder$"):
        next_free(tmp_path / "runs", "net")
    with pytest.raises(OutputError, match=r"^cannot write .*net-1: Not a directory$"):
        next_free(tmp_path / "runs" / "deeper", "net")
    with pytest.raises(OutputError, match=r"^cannot write .*runs: it is not a folder$"):
        run(tmp_path / "runs", model := network())
    assert all(torch.equal(one, two) for one, two in zip(model.parameters(), network().parameters(), strict=True))


def test_a_run_is_not_lost_by_another(tmp_path):
    run(tmp_path, network(), settings={"epochs": 1})
    before = (tmp_path / "checkpoints" / "last.pt").read_bytes()
    with pytest.raises(OutputError, match=r"already holds a run: resume it, or name another folder$"):
        run(tmp_path, network(), settings={"epochs": 1})
    assert (tmp_path / "checkpoints" / "last.pt").read_bytes() == before


def test_what_a_killed_run_left_is_swept(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / ".last.pt.x1.aside").write_bytes(b"half")
    RunFolder(tmp_path).begin(resumed=False, step=0)
    assert not list((tmp_path / "checkpoints").iterdir())
    assert json.loads((tmp_path / "status.json").read_text()) == {"state": "running", "step": 0, "reason": ""}


def test_a_log_that_cannot_be_written_is_one_warning(tmp_path):
    (tmp_path / "metrics.csv").mkdir()
    events = run(tmp_path, network())
    [warning] = only(Warned, events)
    assert warning.message == f"cannot write {tmp_path / 'metrics.csv'}: Is a directory"
    assert isinstance(events[-1], Finished)


CLASSES = torch.tensor([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2], [0.0, 0.1, 0.9], [0.4, 0.3, 0.3]])


@pytest.mark.parametrize(
    ("loss", "outputs", "target", "right", "counted"),
    [
        ("CrossEntropyLoss", CLASSES, [1, 0, 0, 0], 3, 4),
        ("NLLLoss", CLASSES, [1, 0, -100, 2], 2, 3),
        ("MultiMarginLoss", CLASSES, [0, 1, 2, 1], 1, 4),
        ("CrossEntropyLoss", CLASSES[1], 0, 1, 1),  # one sample without a batch
        ("CrossEntropyLoss", CLASSES.T[None], [[1, 0, 2, 2]], 3, 4),  # (N, classes, positions)
        ("CrossEntropyLoss", CLASSES, [[0.0, 1.0, 0.0]] * 4, 1, 4),  # probabilities of classes
        ("BCELoss", [[0.5, 0.4], [0.6, 0.1]], [[1.0, 1.0], [0.0, 0.0]], 2, 4),
        ("BCEWithLogitsLoss", [0.4, -0.1, 0.0], [1.0, 0.0, 0.0], 2, 3),
    ],
)
def test_right_answers(loss, outputs, target, right, counted):
    measure = accuracy_for(loss)
    found = measure(torch.as_tensor(outputs), torch.as_tensor(target))
    assert [each.item() for each in found] == [right, counted]


def test_what_has_no_right_answer():
    assert [accuracy_for(name) for name in ("MSELoss", "L1Loss", "CTCLoss", "TripletMarginLoss")] == [None] * 4
    [right, counted] = accuracy_for("CrossEntropyLoss", ignore_index=0)(CLASSES, torch.tensor([1, 0, 2, 0]))
    assert (right.item(), counted.item()) == (2, 2)
