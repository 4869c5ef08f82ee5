"""Every spec under tests/cases/warnings gets exactly the text beside it, and what is only like a mistake gets none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_faults import replaced

import builder
import dsl
from builder.checking import check, load
from builder.commands.entry import run
from builder.lint import lint
from builder.lint.checks import CHECKS
from dsl.diagnostics import as_text
from dsl.warning_codes import WARNINGS

ROOT = Path(__file__).parents[1]
CASES = sorted((Path(__file__).parent / "cases" / "warnings").glob("*.toml"))
SILENT = sorted((Path(__file__).parent / "cases" / "silent").glob("*.toml"))
LATE = next(each for each in SILENT if each.stem == "dropout_last_nothing_dropped")
SPECS = sorted((ROOT / "specs").rglob("*.toml"))


def told(path: Path) -> list[dsl.Diagnostic]:
    return lint(check(load(path)))


def test_every_check_has_a_code_a_case_and_a_spec_that_is_not_meant() -> None:
    assert list(CHECKS) == list(WARNINGS) == sorted(WARNINGS)
    assert [code for code in WARNINGS if not any(each.stem.startswith(code.replace("-", "_")) for each in SILENT)] == []
    texts = {each: each.with_suffix(".txt").read_text(encoding="utf-8") for each in CASES}
    assert [code for code in WARNINGS if not any(f"warning[{code}]" in text for text in texts.values())] == []


def test_the_readme_tells_every_code() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = [f"| `{code}` | {what[0].lower()}{what[1:].rstrip('.')} |" for code, what in WARNINGS.items()]
    assert "\n".join(rows) in text


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_text(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(case.parent)
    found = told(Path(case.name))
    assert as_text(found) + "\n" == case.with_suffix(".txt").read_text(encoding="utf-8")
    assert {each.severity for each in found} == {"warning"}


@pytest.mark.parametrize("spec", SILENT, ids=lambda spec: spec.stem)
def test_what_is_only_like_a_mistake_is_not_told(spec: Path) -> None:
    assert as_text(told(spec)) == ""


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_the_specs_are_free_of_warnings_and_allow_none_in_vain(spec: Path) -> None:
    allowed = dsl.load(spec).allow
    assert as_text(told(spec)) == ""
    everything = lint(check(dsl.load(spec, overrides={"allow": []}))) if allowed else []
    assert {each.code for each in everything} == set(allowed)


def test_a_fix_in_place_of_its_span_mends_the_spec(tmp_path: Path) -> None:
    copy = tmp_path / "wasted.toml"
    copy.write_text(next(each for each in CASES if each.stem == "wasted").read_text(encoding="utf-8"), encoding="utf-8")
    for _ in range(2):
        fault = next(each for each in told(copy) if each.fix and each.fix.replacement)
        copy.write_text(replaced(copy.read_text(encoding="utf-8"), fault), encoding="utf-8")
    assert "bias-before-norm" not in {each.code for each in told(copy)}


# On the command line


def command(case: str, *words: str) -> tuple[str, ...]:
    return (str(next(each for each in CASES if each.stem == case)), "--check", *words)


def test_warnings_follow_the_summary_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command("loss_of_truths")) == 0
    printed = capsys.readouterr()
    assert printed.out.count("\n") == 1
    assert printed.err.startswith("warning[no-gradient]: `fc` (line 7)")


def test_as_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command("loss_of_truths", "--format", "json")) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert (found["ok"], printed.err) == (True, "")
    assert [(each["severity"], each["code"], each["line"]) for each in found["diagnostics"]] == [
        ("warning", "no-gradient", 11)
    ]


def test_an_allowed_code_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command("loss_of_truths", "--set", 'allow=["no-gradient"]')) == 0
    assert capsys.readouterr().err == ""


def test_a_code_that_no_warning_has_is_a_fault() -> None:
    text = 'allow = ["unused-layr"]\n[model]\ninputs = { x = ["N", 4] }\nlayers = [{ type = "relu" }]'
    with pytest.raises(dsl.SpecError) as caught:
        dsl.loads(text)
    (fault,) = caught.value.diagnostics
    assert fault.message == 'there is no warning "unused-layr"'
    assert fault.fix is not None
    assert replaced(text, fault) == text.replace("layr", "layer")
    with pytest.raises(dsl.SpecError, match='`allow` is an array of codes of warnings, not "unused-layer"'):
        dsl.loads(text.replace('["unused-layr"]', '"unused-layer"'))


def test_training_tells_them_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "late.toml"
    late = LATE.read_text(encoding="utf-8").replace("p = 0.0", "p = 0.5")
    spec.write_text(late + '[optimizer]\ntype = "SGD"\nlr = 0.1\n', encoding="utf-8")
    assert run([str(spec), "--train", "--out", str(tmp_path / "run"), "--epochs", "1", "--device", "cpu"]) == 0
    assert capsys.readouterr().err.startswith("warning[dropout-last]: ")


def test_building_tells_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    builder.build(next(each for each in CASES if each.stem == "unused"), device="cpu")
    assert capsys.readouterr() == ("", "")
