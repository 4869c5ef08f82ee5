"""`tomograph import`: what it writes, what it says, its exit status."""

from __future__ import annotations

from pathlib import Path

import pytest

import builder
import dsl
from builder.commands.entry import run

MODELS = """\
import torch
from torch import nn

class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 3)

    def forward(self, rows):
        print("a word of the model's own")
        return self.fc(rows).relu()

def words():
    return nn.Sequential(nn.Embedding(40, 6), nn.Linear(6, 2)), torch.zeros(2, 5, dtype=torch.int64)

class Chooses(Small):
    def forward(self, rows):
        return rows if rows.sum() > 0 else -rows

class Hides(Small):
    def forward(self, rows):
        made = self.fc(rows)
        return made if torch._C._is_torch_function_mode_enabled() else -made  # another one while it is watched

class Fixed(Small):
    def forward(self, rows):
        return self.fc(rows).view(2, 3)

number = 4
small = Small()

def fails():
    raise RuntimeError("no weights here")
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "foreign_models.py").write_text(MODELS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_class_with_an_input_that_is_described(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["import", "foreign_models:Small", "--out", "small.toml", "--input", "rows=2,8", "--name", "Tiny"]) == 0
    spec = dsl.load(folder / "small.toml")
    assert (spec.name, spec.model.inputs[0].shape) == ("Tiny", ("N", 8))  # type: ignore[index]
    told = capsys.readouterr()
    assert told.out == ""
    assert "wrote small.toml" in told.err
    assert run(["small.toml", "--check"]) == 0


def test_a_model_of_one_batch_size_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["import", "foreign_models:Fixed", "--out", "fixed.toml", "--input", "rows=2,8"]) == 0
    assert dsl.load(folder / "fixed.toml").model.inputs[0].shape == (2, 8)  # type: ignore[index]
    assert "note: the model runs in no other batch size" in capsys.readouterr().err
    assert run(["import", "foreign_models:Small", "--out", "small.toml", "--input", "rows=2,8"]) == 0
    assert "note:" not in capsys.readouterr().err


def test_a_function_that_gives_examples_too(folder: Path) -> None:
    assert run(["import", "foreign_models:words", "--out", "words.toml"]) == 0
    model = builder.build(str(folder / "words.toml"), device="cpu")
    assert list(model.state_dict()) == ["0.weight", "1.weight", "1.bias"]
    assert run(["fmt", "--check", "words.toml"]) == 0


def test_names_of_dims_are_free_sizes(folder: Path) -> None:
    assert run(["import", "foreign_models:small", "--out", "s.toml", "--input", "rows=N,T=5,8"]) == 0
    assert dsl.load(folder / "s.toml").model.inputs[0].shape == ("N", "T", 8)  # type: ignore[index]


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["foreign_models:Chooses", "--input", "rows=2,8"], 1, "what runs hangs on the numbers of the inputs"),
        (["foreign_models:Hides", "--input", "rows=2,8"], 3, "output 0 differs on rows (2, 8)"),
        (["foreign_models:fails"], 1, "foreign_models:fails failed: RuntimeError: no weights here"),
        (["foreign_models:number"], 1, "foreign_models:number failed: TypeError: 'int' object is not callable"),
        (["foreign_models:Small", "--input", "rows=2,9"], 1, "it does not run on the examples: RuntimeError"),
        (["foreign_models:Small"], 2, "there are no example inputs"),
        (["foreign_models"], 2, "import takes package.module:callable, not 'foreign_models'"),
        (["foreign_models:Small", "--input", "rows=2,x y"], 2, "a dim is a number of at least 1"),
        (["foreign_models:Small", "--input", "rows=2,8:int65"], 2, "there is no dtype 'int65'"),
        (["no_such_module:Small", "--input", "rows=2,8"], 1, "No module named 'no_such_module'"),
    ],
)
def test_what_goes_wrong_writes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], status: int, message: str
) -> None:  # fmt: skip
    assert run(["import", *words, "--out", "none.toml"]) == status
    assert message in capsys.readouterr().err
    assert not (folder / "none.toml").exists()
