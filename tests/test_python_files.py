"""`--allow-python FILE`: what a file adds, what is told when it fails, and that nothing runs without it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from python_layers import NET, SCALE, clean

from builder.commands.entry import run

__all__ = ["clean"]
ROOT = Path(__file__).parents[1]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.toml").write_text(NET, encoding="utf-8")
    (tmp_path / "layers.py").write_text(SCALE, encoding="utf-8")
    return tmp_path


def process(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The program in a process of its own, as a person starts it in a folder of theirs."""
    program = "import sys; sys.path.insert(1, sys.argv.pop(1)); from builder.__main__ import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program, str(ROOT), *words], cwd=folder, capture_output=True, text=True
    )


def test_a_spec_alone_runs_nothing(folder: Path) -> None:
    """Neither the file beside it, nor a module or a package that Python would find."""
    mark = "open('ran', 'w').close()\n"
    (folder / "layers.py").write_text(mark + SCALE, encoding="utf-8")
    (folder / "inner").mkdir()
    (folder / "inner" / "__init__.py").write_text(mark + SCALE, encoding="utf-8")
    for name in ("Scale", "layers.Scale", "inner.Scale", "python.layers.Scale", "tomograph_python.Scale"):
        (folder / "net.toml").write_text(NET.replace('"Scale"', f'"{name}"'), encoding="utf-8")
        done = process(folder, "net.toml", "--check", "--train")
        assert (done.returncode, done.stdout) == (1, ""), name
        assert f'there is no layer type "{name}"' in done.stderr
    assert not (folder / "ran").exists()


def test_the_file_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["net.toml", "--check"]) == 1
    assert capsys.readouterr().err == (
        'error[type]: there is no layer type "Scale"\n'
        " --> net.toml:5:21\n"
        "  |\n"
        '5 |   { name = "scale", type = "Scale", features = 4 },\n'
        "  |                     ^^^^^^^^^^^^^^\n"
        "  |\n"
        "  = layers.py defines it, and is run only if you allow it\n"
        "  = fix: --allow-python layers.py\n"
    )


def test_check_train_evaluate_and_export(folder: Path) -> None:
    done = process(folder, "net.toml", "--allow-python", "layers.py", "--check")
    # 4 numbers, 4 * 3 + 3
    assert (done.stdout, done.stderr) == ("Net: 19 parameters, x (N, 4) -> fc (N, 3)\n", "")
    done = process(folder, "net.toml", "--allow-python", "layers.py", "--train", "--out", "run", "--export", "net.py")
    assert done.returncode == 0, done.stderr
    assert (folder / "run" / "layers.py").read_text("utf-8") == SCALE
    assert "from layers import Scale  # layers.py must be where Python finds it\n" in (folder / "net.py").read_text()
    shown = subprocess.run(
        [sys.executable, "-c", "import net; print(type(net.Net().scale))"], cwd=folder, capture_output=True, text=True
    )
    assert shown.stdout == "<class 'layers.Scale'>\n", shown.stderr
    done = process(folder, "run", "--evaluate")
    assert "= fix: --allow-python run/layers.py\n" in done.stderr
    done = process(folder, "run", "--evaluate", "--allow-python", "run/layers.py", "--format", "json")
    assert set(json.loads(done.stdout)) == {"loss", "accuracy"}, done.stderr


def test_what_a_file_prints_is_no_result(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "layers.py").write_text(SCALE + "\nprint('hello')\n", encoding="utf-8")
    assert run(["net.toml", "--allow-python", "layers.py", "--check", "--format", "json"]) == 0
    out, err = capsys.readouterr()
    assert (json.loads(out)["ok"], err) == (True, "hello\n")


def test_what_a_file_registers_is_all_it_adds(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = SCALE + "\n\nimport builder\n\nbuilder.register(Scale, name='Times')\n"
    (folder / "layers.py").write_text(text, encoding="utf-8")
    assert run(["net.toml", "--allow-python", "layers.py", "--check"]) == 1
    assert 'there is no layer type "Scale"' in capsys.readouterr().err
    (folder / "net.toml").write_text(NET.replace('"Scale"', '"Times"'), encoding="utf-8")
    assert run(["net.toml", "--allow-python", "layers.py", "--check"]) == 0


def test_a_file_may_import_its_neighbours(folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "deep" / "widths_of_ours.py").write_text("WIDTH = 4\n", encoding="utf-8")
    (folder / "deep" / "more-layers.py").write_text("from widths_of_ours import WIDTH\n" + SCALE, encoding="utf-8")
    done = process(folder, "net.toml", "--allow-python", "deep/more-layers.py", "--check", "--export", "net.py")
    assert done.returncode == 0, done.stderr
    assert (
        "from tomograph_python_more_layers import Scale  "
        "# more-layers.py must be where Python finds it, as tomograph_python_more_layers.py\n"
    ) in (folder / "net.py").read_text("utf-8")


FAULTS = {
    "a name": (
        "import torch\n\nx = nn.Linear(3, 4)  # nn?\n",
        "error[python]: bad.py failed: NameError: name 'nn' is not defined\n --> bad.py:3:1\n  |\n"
        "3 | x = nn.Linear(3, 4)  # nn?\n  | ^^^^^^^^^^^^^^^^^^^^^^^^^^\n",
    ),
    "a module": (
        "def load():\n    import numba_of_nobody\n\n\nload()\n",
        "error[python]: bad.py failed: ModuleNotFoundError: No module named 'numba_of_nobody'\n --> bad.py:2:5\n"
        "  |\n2 |     import numba_of_nobody\n  |     ^^^^^^^^^^^^^^^^^^^^^^\n",
    ),
    "syntax": (
        "def load(:\n    pass\n",
        "error[python]: bad.py failed: SyntaxError: invalid syntax\n --> bad.py:1:1\n  |\n"
        "1 | def load(:\n  | ^^^^^^^^^^\n",
    ),
    "the end": (
        "import sys\n\nsys.exit(4)\n",
        "error[python]: bad.py failed: it ends the program with status 4\n --> bad.py:3:1\n  |\n"
        "3 | sys.exit(4)\n  | ^^^^^^^^^^^\n",
    ),
    "nothing": (
        "x = 1\n",
        "error[python]: bad.py failed: it defines no class of nn.Module with a forward, and registers nothing\n"
        "  --> bad.py\n",
    ),
    "a name of torch's": (
        "from torch import nn\n\n\nclass Linear(nn.Module):\n    def forward(self, x):\n        return x\n",
        "error[python]: bad.py failed: Linear is torch.nn.Linear already; register it under another name, or with "
        "replace=True\n --> bad.py:4:1\n  |\n4 | class Linear(nn.Module):\n  | ^^^^^^^^^^^^^^^^^^^^^^^^\n",
    ),
    "no forward": (
        "from torch import nn\n\n\nclass Base(nn.Module):\n    pass\n",
        "error[python]: bad.py failed: it defines no class of nn.Module with a forward, and registers nothing\n"
        "  --> bad.py\n",
    ),
}


@pytest.mark.parametrize(("text", "told"), FAULTS.values(), ids=FAULTS)
def test_a_file_that_fails(folder: Path, text: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "bad.py").write_text(text, encoding="utf-8")
    assert run(["net.toml", "--allow-python", "bad.py"]) == 1
    assert capsys.readouterr() == ("", told)


def test_a_file_that_is_not_there(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["net.toml", "--allow-python", "gone.py", "--format", "json"]) == 1
    fault = json.loads(capsys.readouterr().out)["diagnostics"][0]
    assert (fault["message"], fault["file"], fault["code"]) == ("there is no such file", "gone.py", "file")
    assert run(["net.toml", "--allow-python", "."]) == 1
    assert capsys.readouterr().err == "error[file]: it cannot be read: Is a directory\n  --> .\n"
