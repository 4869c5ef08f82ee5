"""What a person sees: on a terminal, in a pipe, and where nobody looks."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.commands.epoch_lines import EpochLines
from builder.commands.screen import Screen, _clock, _fitted, _Pace
from builder.training.events import EpochDone, Finished, Started, StepDone, Stopped, Warned

ROOT = Path(__file__).parents[1]
NET = """name = "Net"
[model]
inputs = { x = ["N", 4] }
layers = [{ name = "logits", type = "Linear", out_features = 3 }]
[loss]
type = "CrossEntropyLoss"
[optimizer]
type = "SGD"
lr = 0.1
[data]
source = "random"
samples = 40
validation = 0.2
batch_size = 8
fields = { target = { shape = ["N"], dtype = "int64", high = 3 } }
[train]
epochs = 3
device = "cpu"
"""
STARTED = Started(epoch=1, batch=0, step=0, epochs=12, total_steps=1200, steps_in_epoch=100, resumed=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "net.toml").write_text(NET)
    return tmp_path


def words(*more: str) -> list[str]:
    return [sys.executable, "-m", "builder", "net.toml", "--train", "--out", "run", *more]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def on_a_terminal(
    folder: Path, columns: int, *more: str, act: Callable[[int, bytes], None] = lambda handle, shown: None
) -> tuple[int, str]:
    """(exit status, everything the terminal was sent). act: is given the terminal and what it was sent so far."""
    import fcntl
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = {name: value for name, value in environment(TERM="xterm").items() if name not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(words(*more), cwd=folder, env=env, stdin=theirs, stdout=theirs, stderr=theirs,
                               start_new_session=True)  # fmt: skip
    os.close(theirs)
    shown, end = b"", time.monotonic() + 60
    while time.monotonic() < end:
        if select.select([ours], [], [], 0.1)[0]:
            try:
                shown += os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            act(process.pid, shown)
    os.close(ours)
    try:
        return process.wait(20), shown.decode()
    finally:
        process.kill()


def lines_left(shown: str) -> list[str]:
    """What still stands there at the end, where each line shows what was last written over it."""
    found = []
    for line in shown.replace("\r\n", "\n").split("\n"):
        stands = ""
        for part in line.split("\r"):
            stands = part + stands[len(part) :]
        found.append(stands.rstrip())
    return [each for each in found if each]


def test_a_terminal_shows_a_bar_and_keeps_a_line_an_epoch(folder: Path) -> None:
    status, shown = on_a_terminal(folder, 100)
    assert status == 0
    assert re.search(r"\repoch 1/3  step 4/4  loss \d\.\d{4}", shown)
    assert "validating" in shown
    left = lines_left(shown)
    assert [line[:10] for line in left[1:4]] == ["epoch 1/3 ", "epoch 2/3 ", "epoch 3/3 "]
    assert [line for line in left if "step" in line] == []  # the bar is gone
    assert left[4].startswith("best val_loss")
    assert len(left) == 5
    assert "\x1b" not in shown  # no colours and no moving about: NO_COLOR has nothing to take away


@pytest.mark.parametrize("columns", [1, 30])
def test_the_bar_fits_a_narrow_terminal(folder: Path, columns: int) -> None:
    status, shown = on_a_terminal(folder, columns)
    assert status == 0
    live = [part.rstrip("\n") for line in shown.split("\n") for part in line.split("\r") if "step " in part]
    assert [each for each in live if len(each) > max(columns, 1)] == []
    assert [each for each in shown.split("\r") if each.startswith("ep")]


def test_ctrl_c_on_a_terminal(folder: Path) -> None:
    told: list[int] = []

    def act(process: int, shown: bytes) -> None:
        if b" 3/100000 " in shown and not told:
            told.append(process)
            os.kill(process, 2)

    status, shown = on_a_terminal(folder, 100, "--epochs", "100000", act=act)
    assert status == 130
    left = lines_left(shown)
    assert re.fullmatch(r"stopped after step \d+ \(SIGINT\); the checkpoint is written", left[-2])
    assert left[-1] == "to go on: --resume run"
    assert json.loads((folder / "run/status.json").read_text())["state"] == "stopped"
    assert (folder / "run/curves.svg").stat().st_size > 0
    assert (folder / "run/curves.png").stat().st_size > 0


def test_a_pipe_gets_lines_alone(folder: Path) -> None:
    done = subprocess.run(words(), cwd=folder, env=environment(), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0
    assert re.findall(r"[^\x20-\x7e\n]", done.stdout + done.stderr) == []
    lines = done.stderr.splitlines()
    assert len(lines) == 4
    assert {line.index("val_loss") for line in lines[1:]} == {lines[1].index("val_loss")}
    assert done.stdout.startswith("best val_loss")


def test_quiet_prints_the_result_alone(folder: Path) -> None:
    done = subprocess.run(words("--quiet"), cwd=folder, env=environment(), capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"best val_loss \d\.\d{4} in epoch \d: run/checkpoints/best\.pt\n", done.stdout)


@pytest.mark.parametrize("closed", ["<&- >&- 2>&-", "2>/dev/full"])
def test_nobody_to_tell_ends_no_run(folder: Path, closed: str) -> None:
    script = f'exec "$@" {closed}'
    done = subprocess.run(["sh", "-c", script, "sh", *words()], cwd=folder, env=environment(), timeout=120)
    assert done.returncode == 0
    assert json.loads((folder / "run/status.json").read_text())["state"] == "done"


def test_a_reader_that_goes_away_ends_no_run(folder: Path) -> None:
    """Standard error is read to its first line, as by `2>&1 | head -1`."""
    process = subprocess.Popen(words("--epochs", "30"), cwd=folder, env=environment(), stderr=subprocess.PIPE,
                               stdout=subprocess.DEVNULL)  # fmt: skip
    assert process.stderr is not None
    process.stderr.readline()
    process.stderr.close()
    assert process.wait(120) == 0
    assert json.loads((folder / "run/status.json").read_text()) == {"state": "done", "step": 120, "reason": ""}


def test_results_that_cannot_be_written_are_a_failure(folder: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(words("--quiet"), cwd=folder, env=environment(), stdout=full, stderr=subprocess.PIPE,
                              text=True, timeout=120)  # fmt: skip
    assert done.returncode == 3
    assert done.stderr == "error: cannot write the results: No space left on device\n"
    assert json.loads((folder / "run/status.json").read_text())["state"] == "done"


def test_curves_that_cannot_be_drawn_end_no_run(folder: Path) -> None:
    (folder / "run/curves.svg").mkdir(parents=True)
    done = subprocess.run(words("--quiet"), cwd=folder, env=environment(), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0
    assert done.stderr == "warning: the curves are missing: cannot write run/curves.svg: Is a directory\n"


def test_a_resumed_run_has_the_curves_of_all_its_epochs(folder: Path) -> None:
    for more in (["--epochs", "2"], ["--epochs", "5", "--resume", "run"]):
        assert subprocess.run(words("--quiet", *more), cwd=folder, env=environment(), timeout=120).returncode == 0
    assert ">5 epochs, 20 steps<" in (folder / "run/curves.svg").read_text()


def test_the_events_as_lines(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen(quiet=False)
    screen.show(STARTED)
    screen.show(StepDone(epoch=1, batch=3, steps_in_epoch=100, step=3, loss=0.5))
    row = {"epoch": 1, "step": 100, "train_loss": 0.5, "val_loss": None, "val_f1": 1e-4, "lr": 0.1, "seconds": 1.24}
    screen.show(EpochDone(row=row, is_best=True))
    screen.show(Warned(message="the disk is full"))
    screen.show(Finished(step=100, best=None, reason="val_loss did not fall"))
    screen.show(Stopped(signal=15, step=7, reason="SIGTERM"))
    assert capsys.readouterr() == (
        "",
        "epoch  1/12  train_loss 0.5000  val_f1 1.000e-04  1.2 s  *  lr 0.1\n"
        "warning: the disk is full\n"
        "ended early: val_loss did not fall\n"
        "stopped after step 7 (SIGTERM); the checkpoint is written\n",
    )


def test_lines_stand_below_one_another() -> None:
    lines = EpochLines(100)
    rows = [
        {"epoch": 9, "train_loss": 12.5, "val_loss": 9.25, "lr": 0.1, "seconds": 9.96},
        {"epoch": 10, "train_loss": 9.5, "val_loss": 8.0, "lr": 0.1, "seconds": 8.0},
        {"epoch": 11, "train_loss": 7.5, "val_loss": 8.5, "lr": 0.05, "seconds": 120.0},
    ]
    assert [lines.line(row, best) for row, best in zip(rows, [True, True, False], strict=True)] == [
        "epoch   9/100  train_loss 12.5000  val_loss 9.2500  10.0 s  *  lr 0.1",
        "epoch  10/100  train_loss  9.5000  val_loss 8.0000   8.0 s  *",
        "epoch  11/100  train_loss  7.5000  val_loss 8.5000  120.0 s     lr 0.05",
    ]


def test_the_time_that_is_left_is_the_whole_runs() -> None:
    pace = _Pace(10, 100.0)
    pace.reach(10, 100.0)
    assert (pace.rate, pace.seconds_for(50)) == (None, None)
    pace.reach(20, 105.0)  # 10 steps in 5 s
    assert (pace.rate, pace.seconds_for(50)) == (2.0, 25.0)
    pace.reach(30, 115.0)  # and 10 more in 10 s, of which a validation took some
    assert pace.seconds_for(50) == 50 * 15 / 20


def test_clocks_and_what_fits() -> None:
    assert [_clock(each) for each in (0, 59.6, 754, 3723, 172_800, 273_600)] == \
        ["0:00", "1:00", "12:34", "1:02:03", "2 d 0 h", "3 d 4 h"]  # fmt: skip
    parts = ["epoch 1/3", "step 1/9", "loss 0.5"]
    assert [_fitted(parts, each) for each in (5, 31, 32, 80)] == \
        ["epoch 1/3", "epoch 1/3  step 1/9", "epoch 1/3  step 1/9", "epoch 1/3  step 1/9  loss 0.5"]  # fmt: skip
