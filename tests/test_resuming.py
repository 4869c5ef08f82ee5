"""Going on with a run by its spec: what may have changed, what is told, and what is refused."""

import json
import shutil

import pytest
import torch

import builder
from builder.commands.entry import run as command
from builder.experiment import Experiment
from builder.training import CheckpointError, checkpoints
from builder.training.events import Warned
from dsl import loads

SPEC = """\
name = "Net"

[vars]
width = 8
rate = 0.05

[model]
inputs = { x = ["N", 4] }
layers = [
  { name = "hidden", type = "Linear", out_features = "${width}" },
  { name = "drop", type = "Dropout", p = 0.25 },
  { name = "logits", type = "Linear", out_features = 3 },
]

[loss]
type = "CrossEntropyLoss"

[optimizer]
type = "AdamW"
lr = "${rate}"

[data]
source = "random"
samples = 20
batch_size = 5
fields = { target = { shape = ["N"], dtype = "int64", high = 3 } }
validation = 0.2

[train]
epochs = 1
"""
LAST = "checkpoints/last.pt"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "net"
    builder.train(loads(SPEC), out=path)
    return path


@pytest.fixture
def path(tmp_path, trained, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained, tmp_path / "net")
    (tmp_path / "net.toml").write_text(SPEC)
    return tmp_path / "net"


def told(path, changes, **options) -> list[str]:
    experiment = Experiment(loads(SPEC, overrides=changes))
    events = list(experiment.events(experiment.folder(None, path), resume=path, **options))
    return [each.message for each in events if isinstance(each, Warned)]


def refused(path, changes, **options) -> str:
    with pytest.raises(CheckpointError) as caught:
        told(path, changes, **options)
    return str(caught.value)


def test_the_same_spec_goes_on_without_a_word(path):
    assert told(path, {}) == []


def test_length_and_data_may_change(path):
    changes = {"train.epochs": 2, "data.num_workers": 1, "train.save_every": 2}
    assert told(path, changes) == [
        f"changed since {path / LAST}: data.num_workers 0 -> 1",
        f"changed since {path / LAST}: train.epochs 1 -> 2",
        f"changed since {path / LAST}: train.save_every none -> 2",
    ]
    assert checkpoints.load(path / LAST).progress.epoch == 3


def test_what_the_model_hands_out_may_change(path):
    assert told(path, {"model.outputs": "logits"}) == []


@pytest.mark.parametrize("changes", [{"optimizer.lr": 0.01}, {"vars.rate": 0.01}])
def test_another_rate_is_told_and_refused(path, changes):
    before = (path / "status.json").read_text()
    assert refused(path, {**changes, "train.epochs": 2}) == (
        f"the spec is not the one that {path / LAST} was made with:\n  optimizer.lr 0.05 -> 0.01\n"
        "  --force goes on with the new values, and is then not the run that was never stopped"
    )
    assert (path / "status.json").read_text() == before


def test_another_model_is_shown_as_diff_shows_it(path):
    assert "\n  ~ drop (Dropout): p 0.25 -> 0.5\n" in refused(path, {"model.layers.drop.p": 0.5})
    message = refused(path, {"vars.width": 9})
    assert "\n  ~ hidden (Linear): out_features 8 -> 9, shape (N, 8) -> (N, 9), parameters 40 -> 45\n" in message


def test_whoever_insists_gets_the_new_values(path):
    changes = {"optimizer.lr": 0.01, "optimizer.weight_decay": 0.5, "model.layers.drop.p": 0.5, "train.epochs": 2}
    messages = told(path, changes, insist=True)
    assert "optimizer.lr 0.05 -> 0.01: the run goes on with the new value" in messages
    group = checkpoints.load(path / LAST).optimizer["param_groups"][0]
    assert (group["lr"], group["weight_decay"]) == (0.01, 0.5)
    assert "0.01" in (path / "metrics.csv").read_text().splitlines()[-1]


def test_a_course_of_rates_is_scaled(path, tmp_path):
    """Halfway down a line from 1 to 0 in four epochs, the new rate is half of the new start."""
    line = {"scheduler": {"type": "LinearLR", "start_factor": 1.0, "end_factor": 0.0, "total_iters": 4}}
    builder.train(loads(SPEC, overrides={**line, "train.epochs": 2}), out=tmp_path / "course")
    told(tmp_path / "course", {**line, "train.epochs": 3, "optimizer.lr": 0.2}, insist=True)
    rates = [float(row.split(",")[-2]) for row in (tmp_path / "course/metrics.csv").read_text().splitlines()[1:]]
    assert rates == pytest.approx([0.05, 0.0375, 0.1])


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"optimizer.type": "SGD"}, "optimizer.type AdamW -> SGD"),
        ({"data.batch_size": 4}, "data.batch_size 5 -> 4"),
        ({"train.accumulate": 2}, "train.accumulate 1 -> 2"),
    ],
)
def test_what_no_insisting_helps_with(path, changes, line):
    message = refused(path, changes, insist=True)
    assert f"\n  {line}\n  which cannot go on: start anew from its weights, with --weights" in message


def test_a_run_without_a_checkpoint_starts_anew(path):
    shutil.rmtree(path / "checkpoints")
    assert told(path, {}) == [f"{path} has no checkpoint yet: the run starts from its beginning"]
    assert checkpoints.load(path / LAST).progress.epoch == 2


def test_a_folder_that_is_no_run(tmp_path):
    assert refused(tmp_path, {}) == f"{tmp_path} holds no run to go on with"


def test_a_damaged_newest_one_is_named_and_one_asked_for_is_refused(path, capsys):
    told(path, {"train.epochs": 2})
    whole = (path / LAST).read_bytes()
    (path / LAST).write_bytes(whole[:-1])
    message = f"{path / LAST} is not a whole checkpoint: it is cut, damaged or something else"
    words = ["net.toml", "--train", "--epochs", "2", "--resume"]
    assert command([*words, str(path / LAST)]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == f"error: {message}"
    assert command([*words, str(path)]) == 0
    assert f"warning: {message}; going on from {path / 'checkpoints/previous.pt'}, step 4" in capsys.readouterr().err
    again = checkpoints.load(path / LAST)
    (path / LAST).write_bytes(whole)
    assert all(torch.equal(one, again.model[name]) for name, one in checkpoints.load(path / LAST).model.items())


def test_going_on_in_another_folder_leaves_the_run_as_it_is(path, tmp_path, capsys):
    before = (path / LAST).read_bytes()
    words = ["net.toml", "--train", "--epochs", "2", "--resume", "net", "--out"]
    assert command([*words, "other"]) == 0
    assert (path / LAST).read_bytes() == before
    assert checkpoints.load(tmp_path / "other" / LAST).progress.epoch == 3
    assert command([*words, "other"]) == 3
    assert "other already holds a run" in capsys.readouterr().err


def test_force_alone_is_a_mistake(path, capsys):
    assert command(["net.toml", "--train", "--force"]) == 2
    assert capsys.readouterr().err == "error: --force goes with --resume\ntry --help\n"
    assert json.loads((path / "status.json").read_text())["state"] == "done"
