"""Pictures from the command line: what is easily got wrong is told in a sentence that says what to do."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from builder.commands.entry import run

# Two heads on two inputs, added crosswise: no part of it is a series or a set of branches.
CROSSING = """
[model]
inputs = { a = ["N", 4], b = ["N", 4] }
layers = [
  { name = "one", type = "Linear", out_features = 4, input = "a" },
  { name = "two", type = "Linear", out_features = 4, input = "b" },
  { name = "first", type = "add", input = ["one", "two"] },
  { name = "second", type = "mul", input = ["one", "two"] },
]
outputs = ["first", "second"]
"""


@pytest.fixture
def crossing(tmp_path: Path) -> str:
    path = tmp_path / "crossing.toml"
    path.write_text(CROSSING)
    return str(path)


@pytest.fixture
def no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with neither Graphviz nor pygraphviz."""
    find = importlib.util.find_spec
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "pygraphviz" else find(name))


@pytest.mark.parametrize("name", ["model.SVG", "model.Html", "two words.Dot"])
def test_a_suffix_may_be_in_capitals(crossing: str, tmp_path: Path, name: str) -> None:
    assert run([crossing, "--render", str(tmp_path / name)]) == 0
    assert (tmp_path / name).stat().st_size > 500
    assert run(["diff", crossing, crossing, "--render", str(tmp_path / f"both-{name}")]) == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--render", "-", "--render=-.txt"], "one picture alone goes to standard output; give the others a file"),
        (["--render", "-.txt"], "for standard output write --render - or --render=-.txt"),
        (["--theme", "dark"], "--theme goes with --render FILE"),
        (["--check", "--expand", "one"], "--expand goes with --render FILE"),
        (["--render", "model.bmp"], "--render model.bmp: unknown suffix .bmp; there are .svg .png"),
        (["--render", "model.svg", "--level", "blok"], "choose from 'block', 'overview', 'full'"),
    ],
)
def test_what_cannot_be_is_told_before_any_work(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["missing.toml", *words]) == 2
    assert told in capsys.readouterr().err


def test_how_to_draw_needs_a_picture_in_diff_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", "missing.toml", "missing.toml", "--level", "full"]) == 2
    assert "--level goes with --render FILE" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--expand", "on"], "no layer, group or block is called 'on'; did you mean 'one'"),
        (["--collapse", "one"], "no group or block is called 'one'"),
        (["--expand", "zz.*"], "no layer, group or block is called 'zz.*'; there are "),
    ],
)
def test_a_name_that_nothing_has_is_told(
    crossing: str, tmp_path: Path, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([crossing, "--render", str(tmp_path / "model.svg"), *words]) == 1
    assert told in capsys.readouterr().err


def test_a_page_in_three_dimensions_says_what_to_do(
    crossing: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([crossing, "--render", str(tmp_path / "model.html"), "--style", "blocks"]) == 2
    assert "leave out --style blocks, or give another suffix" in capsys.readouterr().err


def test_the_engine_is_told_where_places_are_shown(
    crossing: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for suffix in ("svg", "mmd", "dot", "txt"):
        assert run([crossing, "--render", str(tmp_path / f"model.{suffix}")]) == 0
    assert capsys.readouterr().err.count("laid out by") == 1


@pytest.mark.usefixtures("no_engine")
@pytest.mark.parametrize("suffix", ["dot", "mmd", "txt"])
def test_a_text_needs_no_engine(crossing: str, tmp_path: Path, suffix: str) -> None:
    assert run([crossing, "--render", str(tmp_path / f"model.{suffix}")]) == 0


@pytest.mark.usefixtures("no_engine")
def test_an_engine_that_is_missing_is_told_where_paths_cross(
    crossing: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([crossing, "--render", str(tmp_path / "model.svg")]) == 3
    told = capsys.readouterr().err
    assert "paths cross in this picture, which Graphviz lays out: install pygraphviz" in told
    assert run([crossing, "--render", str(tmp_path / "model.svg"), "--style", "blocks"]) == 0
