"""One run at a time in a folder, and a lock that is left behind stops nobody."""

import json
import os
import platform
import subprocess
import sys

import pytest
from training_runs import TRAIN, network, only, run, task_of

from builder.files import OutputError
from builder.training import RunFolder, Settings, fit
from builder.training import optimizer as optimizers
from builder.training.events import Finished, Started, Warned
from builder.training.lock import locked


def lock_of(path, **changes) -> None:
    with locked(path):
        held = json.loads((path / "run.lock").read_text())
    (path / "run.lock").write_text(json.dumps({**held, **changes}))


def test_a_second_run_is_refused_while_the_first_trains(tmp_path):
    model = network()
    made = optimizers.make("AdamW", {"lr": 0.02}, [], model)
    first = fit(task_of(model), made, TRAIN, None, Settings(epochs=1), RunFolder(tmp_path))
    assert isinstance(next(first), Started)
    before = (tmp_path / "status.json").read_bytes()
    with pytest.raises(OutputError) as caught:
        run(tmp_path, network())
    assert str(caught.value) == f"{tmp_path} is in use: process {os.getpid()} on {platform.node()} trains there"
    assert (tmp_path / "status.json").read_bytes() == before
    assert isinstance(list(first)[-1], Finished)
    assert not (tmp_path / "run.lock").exists()


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path):
    """A real process that takes the lock and is killed; its number is still there, as nobody has buried it."""
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom builder.training.lock import locked\n"
        "with locked(Path(sys.argv[1])):\n    print(flush=True)\n    time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True) as child:
        child.stdout.readline()
        with pytest.raises(OutputError, match=f"process {child.pid} on"):
            run(tmp_path, network())
        os.kill(child.pid, 9)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # dead, and not yet buried
        events = run(tmp_path, network(), settings={"epochs": 1})
    [warning] = only(Warned, events)
    assert warning.message == f"{tmp_path / 'run.lock'} was left by a process that is gone, and is taken over"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["checkpoints", "metrics.csv", "status.json"]


def test_a_number_that_another_process_has_by_now_is_stale(tmp_path):
    lock_of(tmp_path, started="1")
    with locked(tmp_path) as told:
        assert told.endswith("is taken over")


def test_of_another_machine_nothing_is_known(tmp_path):
    lock_of(tmp_path, host="elsewhere", pid=1)
    with pytest.raises(OutputError) as caught, locked(tmp_path):
        pass
    assert str(caught.value) == (
        f"{tmp_path} is in use: process 1 on elsewhere trains there; if that is gone, remove {tmp_path / 'run.lock'}"
    )


def test_a_file_that_is_no_lock_is_left_alone(tmp_path):
    (tmp_path / "run.lock").write_text("mine")
    with pytest.raises(OutputError, match=r"run\.lock is no lock of this program"), locked(tmp_path):
        pass
    assert [each.name for each in tmp_path.iterdir()] == ["run.lock"]


def test_without_links_there_is_a_lock_all_the_same(tmp_path, monkeypatch):
    def no_links(*_):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    with locked(tmp_path):
        with pytest.raises(OutputError, match="is in use"), locked(tmp_path):
            pass
        assert (tmp_path / "run.lock").exists()
    with locked(tmp_path) as told:
        assert told == ""
