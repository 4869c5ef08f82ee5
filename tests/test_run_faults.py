"""What happens to runs, done to real processes: the disk fills, signals come, numbers go bad, streams are closed."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import torch
from torch import nn
from training_runs import TRAIN, Memory, network, only, run, samples, task_of

from builder.commands.entry import run as command
from builder.files import OutputError
from builder.training import Diverged, RunFolder, Settings, checkpoints, fit
from builder.training import optimizer as optimizers
from builder.training.events import CheckpointSaved, StepDone, Warned

ROOT = Path(__file__).parents[1]
SPEC = """\
name = "Net"

[model]
inputs = { x = ["N", 4] }
layers = [
  { name = "hidden", type = "Linear", out_features = 64 },
  { type = "ReLU" },
  { name = "logits", type = "Linear", out_features = 3 },
]

[loss]
type = "CrossEntropyLoss"

[optimizer]
type = "AdamW"

[data]
source = "random"
samples = 64
batch_size = 4
fields = { target = { shape = ["N"], dtype = "int64", high = 3 } }

[train]
epochs = 2
device = "cpu"
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.toml").write_text(SPEC)


def process(*words, before="", **options) -> subprocess.Popen:
    """The command line as a process; `before` is Python that runs first."""
    program = f"import sys\n{before}\nfrom builder.commands.entry import run\nsys.exit(run(sys.argv[1:]))"
    environment = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], **options.pop("environment", {})}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
    return subprocess.Popen([sys.executable, "-c", program, "net.toml", *words], env=environment, **pipes)


def wait_for_epoch(child: subprocess.Popen) -> None:
    """Until its first line of an epoch; what it told where it ends before that."""
    told = []
    for line in child.stderr:
        told.append(line)
        if re.match(r"epoch +\d", line):
            return
    pytest.fail("it ended: " + "".join(told))


def status(folder="run") -> dict:
    return json.loads((Path(folder) / "status.json").read_text())


@contextmanager
def small_disk(path: Path, size: str):
    """A file system of its own, of so many bytes: where this process may mount one."""
    path.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)]
    if subprocess.run(words, capture_output=True).returncode:
        pytest.skip("this process may not mount a file system")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def test_a_disk_that_fills(tmp_path):
    """A file takes all that is left once eight steps are done: the checkpoint of step 6 stands, the run ends."""
    model, warned, path = network(), [], tmp_path / "disk" / "run"
    made = optimizers.make("AdamW", {"lr": 0.02}, [], model)
    settings = Settings(epochs=3, report_seconds=0)
    with small_disk(tmp_path / "disk", "1m"):
        full = r"last\.pt: No space left on device \(the checkpoint takes [\d,]+ bytes\)"
        with pytest.raises(OutputError, match=full):  # noqa: PT012  (the disk fills on the way)
            for event in fit(task_of(model), made, TRAIN, None, settings, RunFolder(path)):
                if isinstance(event, StepDone) and event.step == 8:
                    fill(tmp_path / "disk" / "filler")
                if isinstance(event, Warned):
                    warned.append(event.message.split(":")[0].rpartition("/")[2])
        assert checkpoints.load(path / "checkpoints" / "last.pt").progress.step == 6
        assert not list((path / "checkpoints").glob(".*"))
    assert set(warned) == {"best.pt", "last.pt", "metrics.csv"}  # of all that only tells, one warning


def fill(path: Path) -> None:
    with suppress(OSError), open(path, "wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass


def test_too_little_room_is_told_before_the_first_step(tmp_path, capsys):
    with small_disk(tmp_path / "disk", "300k"):
        words = ["net.toml", "--train", "--out", "disk/run", "--set", "model.layers.hidden.out_features=2500"]
        assert command(words) == 3
        lines = capsys.readouterr().err.splitlines()
        assert re.match(r"warning: disk/run has too little room: 300\.0 KiB are free, and the run's checkpoints take "
                        r"up to \d.* more, one of them 23\d\.\d KiB", lines[1])  # fmt: skip
        assert not any(re.match(r"epoch +\d", line) for line in lines[:2])


def test_a_folder_that_cannot_be_written(tmp_path, capsys):
    with small_disk(tmp_path / "disk", "1m"):
        subprocess.run(["mount", "-o", "remount,ro", str(tmp_path / "disk")], check=True)
        assert command(["net.toml", "--train", "--out", "disk/run"]) == 3
    told = capsys.readouterr().err
    assert told.splitlines()[-1] == "error: cannot write disk/run: Read-only file system"
    assert not re.search(r"^epoch +\d", told, re.MULTILINE)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_in_training_leaves_a_checkpoint(name):
    # Started by nohup, this process and its children would not hear of a closed terminal.
    heard = "import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL)"
    child = process("--train", "--out", "run", "--epochs", "100000", before=heard)
    wait_for_epoch(child)
    child.send_signal(getattr(signal, name))
    _, told = child.communicate(timeout=60)
    assert child.returncode == 128 + getattr(signal, name)
    assert told.splitlines()[-2].endswith(f"({name}); the checkpoint is written")
    assert told.splitlines()[-1] == "to go on: --resume run"
    last = checkpoints.load(Path("run/checkpoints/last.pt"))
    assert status() == {"state": "stopped", "step": last.progress.step, "reason": name}


def test_ctrl_c_reaches_workers_too():
    """As from a terminal, every process of the group gets it; training itself decides."""
    child = process(
        "--train", "--out", "run", "--epochs", "100000", "--set", "data.num_workers=2", start_new_session=True
    )
    wait_for_epoch(child)
    os.killpg(child.pid, signal.SIGINT)
    child.communicate()
    assert child.returncode == 130
    assert status()["reason"] == "SIGINT"


def test_a_signal_while_loading_ends_at_once():
    before = "import builder.experiment, os\nbuilder.experiment.Experiment = lambda *_, **__: os.kill(os.getpid(), 2)"
    child = process("--train", "--out", "run", before=before)
    _, told = child.communicate()
    assert (child.returncode, told) == (130, "stopped\n")
    assert not Path("run").exists()


class Poisoned(Memory):
    """The second epoch's third batch holds a number that is none."""

    def epoch(self, number, start=0):
        for place, batch in enumerate(super().epoch(number, start), start):
            if (number, place) == (2, 2):
                batch["x"][1, 0] = torch.nan
            yield batch


@pytest.mark.parametrize("seconds", [0.0, 1000.0])
def test_a_number_of_the_data_that_is_none(tmp_path, seconds):
    with pytest.raises(Diverged) as caught:
        run(tmp_path, network(), train=Poisoned(samples(22, 1), 4), settings={"report_seconds": seconds})
    assert str(caught.value) == (
        "training diverged: the loss is nan at step 9 (learning rate 0.02); "
        "the first that is not finite: x of the batch (sample 1)"
    )
    found = checkpoints.load(tmp_path / "checkpoints" / "last.pt")
    assert found.progress.step == 6
    assert all(bool(each.isfinite().all()) for each in found.model.values())


def test_a_gradient_that_is_not_finite(tmp_path):
    """The root has no slope at 0: the loss is 0 and its gradient is not a number."""
    model = nn.Linear(4, 3)
    task = task_of(model, objective=lambda outputs, _: (outputs * 0).abs().sum().sqrt(), measures={})
    with pytest.raises(Diverged, match=r"parameter weight \(its gradient too\) is no longer finite at step 1"):
        run(tmp_path, model, task=task, validation=None, settings={"steps": 1})
    assert not (tmp_path / "checkpoints" / "last.pt").exists()


def test_what_hides_behind_an_update_of_nothing(tmp_path):
    """A gradient of 1e30 squared is infinite: Adam then divides by infinity and moves nothing, for ever."""
    model = nn.Linear(4, 3)
    task = task_of(model, objective=lambda outputs, _: outputs.sum() * 1e30, measures={})
    with pytest.raises(Diverged, match=r"the optimizer's exp_avg_sq of weight is no longer finite at step 1"):
        run(tmp_path, model, task=task, settings={"steps": 1})


def test_running_means_that_are_poisoned(tmp_path):
    """A batch norm's running means take in what no gradient and no loss shows."""
    model = network()
    task = task_of(model, objective=lambda outputs, batch: outputs.nan_to_num().sum())
    bad = Memory({**TRAIN.fields, "x": TRAIN.fields["x"].index_fill(0, torch.tensor([3]), torch.inf)}, 4)
    with pytest.raises(Diverged, match=r"is no longer finite at step 6"):
        run(tmp_path, model, task=task, train=bad, validation=None, optimizer=torch.optim.SGD(model.parameters(), 0.0))


def test_a_metric_that_is_no_number_is_never_the_best(tmp_path):
    model = network()
    calls = []

    def objective(outputs, batch):
        calls.append(model.training)
        loss = nn.functional.cross_entropy(outputs, batch["target"])
        return loss * torch.nan if not model.training and calls.count(True) > 6 else loss

    with pytest.raises(Diverged, match=r"val_loss is nan at step 12"):
        run(tmp_path, model, task=task_of(model, objective=objective))
    assert checkpoints.load(tmp_path / "checkpoints" / "last.pt").progress.best.step == 6


def test_divergence_is_status_3(capsys):
    words = ["net.toml", "--train", "--out", "run", "--set", "optimizer.type=SGD", "--set", "optimizer.lr=1e30"]
    assert command(words) == 3
    assert "error: training diverged: " in capsys.readouterr().err
    assert status()["state"] == "failed"


def test_closed_streams():
    child = process(
        "--train", "--out", "run", before="import os\nos.close(1)\nos.close(2)\nsys.stdout = sys.stderr = None"
    )
    child.communicate()
    assert child.returncode == 0
    assert status()["state"] == "done"


def test_nobody_reads_what_is_told():
    child = process("--train", "--out", "run", "--epochs", "4")
    child.stdout.close()
    child.stderr.close()
    assert child.wait() == 0
    assert status() == {"state": "done", "step": 64, "reason": ""}


def test_an_odd_locale():
    odd = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    Path("net.toml").write_text(SPEC.replace('name = "Net"', 'name = "Netz-é-网络"'), encoding="utf-8")
    child = process("--check", "--train", environment=odd)
    out, told = child.communicate()
    assert (child.returncode, out.splitlines()[0][:24]) == (0, "Netz-\\xe9-\\u7f51\\u7edc: "), told


def test_a_clock_that_is_set_back_moves_no_checkpoint(tmp_path, monkeypatch):
    """What is newest goes by steps: a file's time means nothing."""
    events = run(tmp_path / "run", network(), stop_at=15)
    last, previous = (tmp_path / "run" / "checkpoints" / name for name in ("last.pt", "previous.pt"))
    os.utime(last, (0, time.time() - 10**8))
    assert checkpoints.newest([last, previous])[0].progress.step == only(CheckpointSaved, events)[-1].step == 15
