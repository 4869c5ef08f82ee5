"""The README is true: its specs, commands and Python run as written, and its output is what they print."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from builder.commands.arguments import _parser
from builder.data.sources import NAMES

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
PYTHON = ".venv/bin/python"


def blocks(language: str) -> list[str]:
    return [text for found, text in BLOCKS if found == language]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the README's specs and layers, each under the name that its first line gives."""
    made = tmp_path_factory.mktemp("readme")
    for text in [*blocks("toml"), *blocks("py")]:
        (made / text.partition("\n")[0].removeprefix("# ")).write_text(text, encoding="utf-8")
    return made


def run(folder: Path, words: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    return subprocess.run([sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True)


def test_the_first_two_commands_set_everything_up() -> None:
    train, test = (text.strip() for text in blocks("sh")[:2])
    install = "python3 -m venv .venv && .venv/bin/pip install -c constraints.txt -e "
    assert train == install + ". && .venv/bin/python -m builder specs/alexnet.toml --train"
    assert test == install + "'.[dev]' && .venv/bin/python -m pytest"
    assert len(TEXT[: TEXT.index(test)].splitlines()) < 20
    assert (ROOT / "specs" / "alexnet.toml").is_file()


def test_constraints_pin_every_dependency() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()[1:]
    assert [each for each in lines if not re.fullmatch(r"[\w.-]+==[\w.]+", each)] == []
    pinned = {each.partition("==")[0].lower().replace("_", "-") for each in lines}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    assert {re.match(r"[\w-]+", each)[0] for each in wanted} <= pinned  # type: ignore[index]


@pytest.mark.parametrize("text", blocks("console"))
def test_what_a_command_prints(folder: Path, text: str) -> None:
    line, _, printed = text.partition("\n")
    assert line.startswith(f"$ {PYTHON} ")
    done = run(folder, shlex.split(line)[2:])
    assert done.stdout + done.stderr == printed
    assert done.returncode == (1 if "error[" in printed else 0)


def test_the_other_commands_run_in_their_order(folder: Path) -> None:
    lines = [line for text in blocks("sh")[2:] for line in text.splitlines()]
    assert len(lines) == 5
    for line in lines:
        program, *words = shlex.split(line)
        assert program == PYTHON
        done = run(folder, words)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
    for name in ("small.svg", "small.py", "predictions.csv"):
        assert (folder / name).stat().st_size > 0
    listed = re.findall(
        r"^- `(\S+?)`(?:, to go on from, and `(\S+?)`)?", TEXT.partition("## A run folder")[2], re.MULTILINE
    )
    names = {name for pair in listed for name in pair if name}
    inside = {each.relative_to(folder / "runs" / "small").as_posix() for each in (folder / "runs" / "small").rglob("*")}
    assert names == {each for each in inside if "." in each}
    assert len((folder / "runs" / "small" / "metrics.csv").read_text(encoding="utf-8").splitlines()) == 1 + 4


def test_the_python_runs(folder: Path) -> None:
    [code] = blocks("python")
    done = run(folder, ["-W", "error", "-c", code + "\nprint(type(model).__mro__[1].__name__, len(run.rows))"])
    assert (done.stdout, done.returncode) == ("Module 1\n", 0), done.stderr


def test_every_option_and_source_is_told() -> None:
    told = set(re.findall(r"--[a-z]+(?:-[a-z]+)*", TEXT))
    real = {each for action in _parser()._actions for each in action.option_strings if each.startswith("--")}
    assert real - told == {"--help"}
    assert told - real == set()
    assert [each for each in NAMES if f'`"{each}"`' not in TEXT] == []


def test_the_number_of_digits_and_links(folder: Path) -> None:
    code = "from builder.experiment import Experiment; import dsl; e = Experiment(dsl.load('small.toml'))"
    done = run(folder, ["-c", code + "; print(f'{e.training.samples + e.held_out.samples:,} handwritten digits')"])
    assert done.stdout.strip() in TEXT
    assert done.returncode == 0
    assert [
        each for each in re.findall(r"\]\(([^#\s]\S*?)\)", TEXT) if not (ROOT / each.partition("#")[0]).exists()
    ] == []
