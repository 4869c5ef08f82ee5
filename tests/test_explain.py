"""Every code that the program gives has a page, and every page's examples do what they say."""

from __future__ import annotations

import ast
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from builder.commands.entry import run
from dsl.explanations import codes, page
from dsl.warning_codes import WARNINGS

ROOT = Path(__file__).parents[1]
SOURCES = sorted(path for each in ("dsl", "builder", "render") for path in (ROOT / each).rglob("*.py"))
# Where a code stands in what makes a diagnostic: `faults.add(place, message, code)`, `place.fault(message, code)`,
# `warning(place, code, message)`.
POSITIONS = {"add": 2, "fault": 1, "warning": 1}
HANDED_ON = {"code", "misfit.code"}  # what passes a code that another place wrote
Line = Callable[[Path, list[str]], tuple[int, str, str]]


def written(tree: ast.AST) -> Iterator[ast.expr]:
    """Every expression that a file gives as a code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from (each.value for each in node.keywords if each.arg == "code")
            called = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
            position = POSITIONS.get(called)
            if position is not None and len(node.args) > position:
                yield node.args[position]
        elif isinstance(node, ast.arguments):
            named = [*node.posonlyargs, *node.args][::-1]
            pairs = [
                *zip(named, node.defaults[::-1], strict=False),
                *zip(node.kwonlyargs, node.kw_defaults, strict=True),
            ]
            yield from (default for each, default in pairs if each.arg == "code" and default is not None)
        elif isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "code" and node.value is not None:
            yield node.value


def used() -> dict[str, str]:
    """Each code that the source writes -> a file that does."""
    found = {}
    for source in SOURCES:
        for each in written(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(each, ast.Constant) and isinstance(each.value, str):
                found[each.value] = source.relative_to(ROOT).as_posix()
            elif isinstance(each, ast.Constant | ast.Call):
                continue  # another kind of `add`
            else:
                assert ast.unparse(each) in HANDED_ON, (
                    f"{source}: {ast.unparse(each)} is a code that no page can be held to"
                )
    return found


def test_each_code_has_a_page_and_each_page_a_code() -> None:
    found = used()
    assert {code: where for code, where in found.items() if code not in codes()} == {}, "write dsl/pages/CODE.md"
    assert set(codes()) - set(found) == set(), "pages of codes that nothing gives"


@pytest.mark.parametrize("code", codes())
def test_the_form_of_a_page(code: str) -> None:
    found = page(code)
    assert found.code == code
    assert 10 < len(found.title) < 80
    assert found.title[-1] != "."
    assert 1 <= len(re.findall(r"[.](?: |$)", found.about)) <= 4
    assert re.findall(r"^#.*", re.sub(r"```.*?```", "", found.text, flags=re.DOTALL), re.MULTILINE) == [
        f"# {code}: {found.title}", "## Wrong", "## Right"
    ]  # fmt: skip


def example(code: str, heading: str, folder: Path) -> list[str]:
    """Write the files under a heading of a page, and return the words of its command.

    A file is called as its first line says (`# base.toml`), else spec.toml; the command is --check unless one is there.
    """
    part = page(code).text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    words = ["spec.toml", "--check"]
    for language, text in re.findall(r"^```(\w+)\n(.*?)^```$", part, re.MULTILINE | re.DOTALL):
        if language == "sh":
            program, *words = shlex.split(text)
            assert program == "tomograph"
            continue
        named = re.match(r"# (\S+\.(?:toml|py))\n", text)
        (folder / (named[1] if named else "spec.toml")).write_text(text, encoding="utf-8")
    return words


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Line:
    """The command line in a folder: (status, standard output, standard error)."""

    def done(folder: Path, words: list[str]) -> tuple[int, str, str]:
        if "--allow-python" in words:  # what it allows lasts as long as the process
            program = (
                f"import sys; sys.path.insert(1, {str(ROOT)!r}); from builder.__main__ import main; sys.exit(main())"
            )
            own = subprocess.run([sys.executable, "-c", program, *words], cwd=folder, capture_output=True, text=True)
            return own.returncode, own.stdout, own.stderr
        monkeypatch.chdir(folder)
        return run(words), *capsys.readouterr()

    return done


@pytest.mark.parametrize("code", codes())
def test_the_examples_of_a_page(code: str, tmp_path: Path, line: Line) -> None:
    for heading in ("Wrong", "Right"):
        folder = tmp_path / heading
        folder.mkdir()
        status, out, err = line(folder, [*example(code, heading, folder), "--format", "json"])
        told = json.loads(out)["diagnostics"] if out.startswith('{"spec"') else []
        assert [each["code"] for each in told] == ([code] if heading == "Wrong" else []), f"{heading}: {out} {err}"
        assert [each["severity"] for each in told] == ["warning" if code in WARNINGS else "error" for _ in told]
        assert status == int(any(each["severity"] == "error" for each in told))


def test_without_a_code_there_is_a_line_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert [line.split()[0] for line in out.splitlines()] == list(codes())
    assert re.search(r"^shape +a tensor's shape does not fit what reads it$", out, re.MULTILINE)


@pytest.mark.parametrize("word", ["toml", "error[toml]", "warning[toml]"])
def test_a_page_in_the_terminal(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", word]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith("toml: the file is not TOML\n\nThe text does not follow TOML itself")
    assert '\n\nRight\n\n    [model]\n    inputs = { x = ["N", 4] }\n    layers = [\n      { type' in out
    assert "```" not in out


def test_the_page_of_a_warning_tells_how_to_silence_it(capsys: pytest.CaptureFixture[str]) -> None:
    for code in codes():
        assert run(["explain", code]) == 0
        end = f'\n\nThis is a warning: allow = ["{code}"] at the top of the spec silences it.\n'
        assert capsys.readouterr().out.endswith(end) == (code in WARNINGS)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["shap"], "no diagnostic has the code shap; did you mean shape"),
        (["Reference"], "no diagnostic has the code Reference; did you mean reference"),
        (["zzz"], "no diagnostic has the code zzz; `explain` without a code lists them"),
        (["../pages/shape"], "no diagnostic has the code ../pages/shape; `explain` without a code lists them"),
        (["shape", "dtype"], "explain takes one code, not shape dtype"),
        (["--all"], "explain takes one code, not --all"),
    ],
)
def test_a_word_that_is_no_code(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", *words]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"error: {said}\ntry --help\n")


def test_help_tells_of_explain(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    assert "tomograph explain CODE" in " ".join(capsys.readouterr().out.split())
    assert run(["explain", "--help"]) == 0
    assert capsys.readouterr().out.startswith("usage: tomograph explain [CODE]")
