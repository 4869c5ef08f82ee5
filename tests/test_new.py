"""`tomograph new NAME`: a spec that checks, is in the usual form and trains as it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.commands.creating import name_of
from builder.commands.entry import run
from dsl import load


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_what_it_writes_checks_without_a_warning_and_is_in_the_usual_form(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["new", "my-net"]) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert "wrote my-net.toml" in told.err
    assert "my-net.toml --train" in told.err
    assert run(["my-net.toml", "--check"]) == 0
    told = capsys.readouterr()
    # 16 * (1 * 3 * 3 + 1) + 10 * (16 * 4 * 4 + 1)
    assert told.out == "MyNet: 2,730 parameters, image (N, 1, 8, 8) -> fc (N, 10)\n"
    assert told.err == ""
    assert run(["fmt", "--check", "my-net.toml"]) == 0


def test_it_trains() -> None:
    assert run(["new", "net"]) == 0
    assert run(["net.toml", "--train", "--out", "run", "--device", "cpu", "--quiet"]) == 0
    rows = Path("run/metrics.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 1 + 2
    accuracy = dict(zip(rows[0].split(","), rows[-1].split(","), strict=True))["val_accuracy"]
    assert float(accuracy) > 0.8  # ten classes


@pytest.mark.parametrize("there", ["file", "folder", "link"])
def test_what_is_there_stays(there: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path("net.toml")
    if there == "file":
        path.write_text("mine", encoding="utf-8")
    elif there == "folder":
        path.mkdir()
    else:
        path.symlink_to("nowhere")
    assert run(["new", "net"]) == 3
    assert "net.toml is there already, and was left as it is" in capsys.readouterr().err
    assert there != "file" or path.read_text(encoding="utf-8") == "mine"
    assert there != "link" or path.is_symlink()


def test_the_schema_is_named_where_it_lies_beside_or_is_said() -> None:
    assert run(["new", "bare.toml"]) == 0
    assert not Path("bare.toml").read_text(encoding="utf-8").startswith("#:schema")
    Path("tomograph.schema.json").write_text("{}", encoding="utf-8")
    assert run(["new", "net"]) == 0
    assert run(["new", "deep/net", "--schema", "tomograph.schema.json"]) == 0
    assert Path("net.toml").read_text(encoding="utf-8").startswith("#:schema ./tomograph.schema.json\n# A small")
    assert Path("deep/net.toml").read_text(encoding="utf-8").startswith("#:schema ../tomograph.schema.json\n")
    assert load("deep/net.toml").name == "Net"


@pytest.mark.parametrize(
    ("stem", "name"),
    [("lenet", "Lenet"), ("my-net_2", "MyNet2"), ("2d", "Net2d"), ("none", "NetNone"), ("--", "Net"), ("GPT", "GPT")],
)
def test_a_name_is_one_of_a_class(stem: str, name: str) -> None:
    assert name_of(stem) == name


@pytest.mark.parametrize(
    "words", [["new"], ["new", "a", "b"], ["new", ""], ["new", "folder/"], ["new", "a", "--like", "b"]]
)
def test_other_words_are_refused(words: list[str]) -> None:
    assert run(words) == 2
    assert not list(Path().iterdir())
