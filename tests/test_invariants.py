"""What ARCHITECTURE.md promises about the whole tree: who imports whom, who prints, and what stays free of torch."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from builder.names import MODULE_ATTRIBUTES

ROOT = Path(__file__).parents[1]
PACKAGES = ("dsl", "builder", "render")
SOURCES = sorted(path.relative_to(ROOT).as_posix() for each in PACKAGES for path in (ROOT / each).rglob("*.py"))
# What prints, ends the process and draws; the generator of the catalogue is run by hand and never imported.
COMMANDS = ("builder/commands", "builder/__main__.py")


def under(*places: str) -> list[str]:
    found = [each for each in SOURCES if any(each == place or each.startswith(place + "/") for place in places)]
    assert found, f"nothing lies at {places}"
    return found


def elsewhere(*places: str) -> list[str]:
    return [each for each in SOURCES if not any(each == place or each.startswith(place + "/") for place in places)]


@cache
def tree(source: str) -> ast.Module:
    return ast.parse((ROOT / source).read_text(encoding="utf-8"), source)


def imported(source: str) -> set[str]:
    """Every module that a file imports, at its top, inside functions and for types alone."""
    found: set[str] = set()
    for node in ast.walk(tree(source)):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source}: an import is relative"
            assert node.module is not None
            found |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
    return found


def reaches(source: str, *packages: str) -> list[str]:
    """What a file imports of these packages, or of anything in them."""
    wanted = tuple(f"{each}." for each in packages)
    return sorted(each for each in imported(source) if f"{each}.".startswith(wanted))


def called(source: str) -> Iterator[str]:
    for node in ast.walk(tree(source)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


# Arrows point one way


@pytest.mark.parametrize("source", under("dsl"))
def test_the_language_imports_nothing_of_ours(source: str) -> None:
    assert reaches(source, "builder", "render", "networkx", "graphviz", "pygraphviz") == []
    assert source == "dsl/catalogue/generate.py" or reaches(source, "torch") == []


@pytest.mark.parametrize("source", under("render"))
def test_pictures_reach_the_graph_and_the_writing_of_files_alone(source: str) -> None:
    allowed = ("builder.graph.", "builder.files.")
    ours = [each for each in reaches(source, "builder") if each != "builder"]
    assert [each for each in ours if not f"{each}.".startswith(allowed)] == []
    assert reaches(source, "dsl", "torch") == []


@pytest.mark.parametrize("source", elsewhere("render", *COMMANDS))
def test_only_the_command_line_draws(source: str) -> None:
    assert reaches(source, "render", "graphviz", "pygraphviz") == []


@pytest.mark.parametrize("source", elsewhere(*COMMANDS, "dsl/catalogue/generate.py"))
def test_only_the_command_line_prints_and_exits(source: str) -> None:
    forbidden = {"print", "input", "exit", "quit", "sys.exit", "os._exit", "sys.stdout.write", "sys.stderr.write"}
    assert sorted(forbidden & set(called(source))) == []
    assert reaches(source, "argparse", "tqdm") == []


@pytest.mark.parametrize("source", under("builder/training"))
def test_training_knows_no_spec_and_no_graph(source: str) -> None:
    assert reaches(source, "dsl", "networkx", "tomli", "builder.graph", "builder.elaboration", "builder.data") == []
    allowed = ("builder.training.", "builder.files.")
    ours = [each for each in reaches(source, "builder") if each != "builder"]
    assert [each for each in ours if not f"{each}.".startswith(allowed)] == []


@pytest.mark.parametrize("source", under("builder/data", "builder/shapes"))
def test_data_and_shapes_know_no_spec_and_no_elaboration(source: str) -> None:
    assert reaches(source, "builder.elaboration", "builder.checking", "dsl.reader", "dsl.records") == []
    shared = {
        "builder.training.seeding"
    }  # the one thing that data and training have in common: where chance comes from
    trained = {each for each in reaches(source, "builder.training") if each != "builder.training"}
    assert [each for each in trained if not each.startswith(tuple(shared))] == []


# What stays free of torch


def loaded_by(code: str) -> set[str]:
    """The top-level packages that a fresh interpreter has loaded after this code."""
    code += "\nimport sys; print('LOADED', *sorted({each.partition('.')[0] for each in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.rpartition("LOADED")[2].split())


@pytest.mark.parametrize(
    "code",
    [
        "import dsl",
        "import builder",
        "import render",
        "import dsl; dsl.load('specs/alexnet.toml')",
        "import builder, dsl; builder.elaborate(dsl.load('specs/alexnet.toml'))",
    ],
)
def test_reading_and_shaping_bring_no_torch(code: str) -> None:
    loaded = loaded_by(code)
    assert "torch" not in loaded
    assert code.startswith("import builder, dsl;") or "networkx" not in loaded


def test_checking_brings_no_torch() -> None:
    run = "import runpy, sys; sys.argv = ['builder', 'specs/alexnet.toml', '--check']\n"
    run += "try: runpy.run_module('builder', run_name='__main__')\nexcept SystemExit as end: assert not end.code"
    assert "torch" not in loaded_by(run)


def test_every_spec_is_checked_without_torch() -> None:
    """Every type that the specs of this repository use has a shape rule."""
    specs = sorted(each.relative_to(ROOT).as_posix() for each in Path(ROOT, "specs").rglob("*.toml"))
    assert len(specs) >= 20
    assert "torch" not in loaded_by(
        f"import dsl\nfrom builder.checking import check\nfrom builder.lint import lint\n"
        f"for each in {specs}: lint(check(dsl.load(each)))"
    )


# Names


def test_no_layer_takes_a_name_that_a_module_needs() -> None:
    """Those with two underscores before them are refused by their form."""
    code = "from torch import nn; print(*(each for each in dir(nn.Module()) if not each.startswith('__')))"
    fresh = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # others add some
    assert set(fresh.stdout.split()) == MODULE_ATTRIBUTES


# Every file


def tracked() -> list[Path]:
    """The files of the repository that hold text, whether or not git is there."""
    ignored = {".git", ".venv", ".hypothesis", "runs", "build", "dist", "__pycache__", "fonts", "digits"}
    found = [each for each in ROOT.rglob("*") if each.is_file() and not ignored & set(each.relative_to(ROOT).parts)]
    suffixes = {".py", ".toml", ".md", ".txt", ".json", ""}
    inner = [each for each in found if not any("cache" in part or ".egg-info" in part for part in each.parts[:-1])]
    return sorted(each for each in inner if each.suffix in suffixes)


def test_nothing_is_put_off_and_no_path_is_one_machines() -> None:
    wanted = re.compile(r"\bTO" + r"DO\b|\bFIX" + r"ME\b|(?<![\w.])/(work|root|opt|mnt)/\w|file:" + "//|^<{7} |^>{7} ")
    files = tracked()
    assert ROOT / "README.md" in files
    found = []
    for path in files:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if wanted.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}")
    assert found == []


def test_every_folder_of_code_is_a_package_that_is_installed() -> None:
    folders = {(ROOT / each).parent for each in SOURCES}
    assert [each for each in folders if not (each / "__init__.py").exists()] == []
