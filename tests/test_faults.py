"""Every spec under tests/cases/invalid gets exactly the text beside it: the words, the place, the caret and the fix."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import dsl
from builder.checking import check, load

CASES = sorted((Path(__file__).parent / "cases" / "invalid").glob("*.toml"))


def faults(path: str) -> dsl.SpecError:
    with pytest.raises(dsl.SpecError) as caught:
        check(load(path))
    return caught.value


def test_there_are_cases_and_each_has_its_text() -> None:
    assert len(CASES) >= 30
    texts = sorted(Path(__file__).parent.glob("cases/invalid/*.txt"))
    assert [each.stem for each in texts] == [each.stem for each in CASES]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_text(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(case.parent)
    assert str(faults(case.name)) + "\n" == case.with_suffix(".txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b""], ids=["byte-order mark", "plain"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_marks_and_line_ends_move_no_caret(
    before: bytes, end: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = next(each for each in CASES if each.stem == "wide_and_tabs")
    (tmp_path / case.name).write_bytes(before + case.read_bytes().replace(b"\n", end))
    monkeypatch.chdir(tmp_path)
    assert str(faults(case.name)) + "\n" == case.with_suffix(".txt").read_text(encoding="utf-8")


def replaced(text: str, fault: dsl.Diagnostic) -> str:
    """The file after the fix: `replacement` in the place of the span."""
    assert fault.span is not None
    assert fault.fix is not None
    assert fault.fix.replacement is not None
    assert fault.span.line == fault.span.end_line
    lines = text.split("\n")
    line = lines[fault.span.line - 1]
    start, end = fault.span.column - 1, fault.span.end_column - 1
    lines[fault.span.line - 1] = line[:start] + fault.fix.replacement + line[end:]
    return "\n".join(lines)


@pytest.mark.parametrize("name", ["in_channels_wrong", "shape_does_not_fit", "wrong_keyword"])
def test_a_fix_in_place_of_its_span_mends_the_spec(name: str, tmp_path: Path) -> None:
    case = next(each for each in CASES if each.stem == name)
    copy = Path(shutil.copy(case, tmp_path))
    (fault,) = faults(str(copy)).diagnostics
    copy.write_text(replaced(copy.read_text(encoding="utf-8"), fault), encoding="utf-8")
    assert check(dsl.load(copy)).model.nodes


def test_an_earlier_fault_says_nothing_of_the_layers_after_it() -> None:
    case = next(each for each in CASES if each.stem == "two_faults")
    assert [each.span and each.span.line for each in faults(str(case)).diagnostics] == [4, 7]
