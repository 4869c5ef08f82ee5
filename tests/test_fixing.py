"""`--fix`: what is certain is put in place, the rest is told, and nothing else of the file changes."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from builder.commands.entry import run
from builder.fixing import faults_of, mend

CASES = sorted((Path(__file__).parent / "cases" / "invalid").glob("*.toml"))
MODEL = '[model]\ninputs = { x = ["N", 8] }\nlayers = [\n'


def mended(*layers: str) -> tuple[list[str], int]:
    """The layers after the fixes, and how many faults are left."""
    text = MODEL + "".join(f"  {each},\n" for each in layers) + "]\n"
    found = mend(text, "spec.toml")
    return [line.strip().removesuffix(",") for line in found.text.split("\n")[3:-2]], len(found.left)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ('{ type = "LayerNorm", normalized_shape = 4 }', '{ type = "LayerNorm", normalized_shape = [8] }'),
        ('{ type = "Linear", out_features = "2" }', '{ type = "Linear", out_features = 2 }'),
        ('{ type = "LayerNorm", bias = "false" }', '{ type = "LayerNorm", bias = false }'),
        ('{ type = "Linear", out_featres = 2 }', '{ type = "Linear", out_features = 2 }'),
        ('{ type = "Lineer", out_features = 2 }', '{ type = "Linear", out_features = 2 }'),
        ('{ tpye = "ReLU" }', '{ type = "ReLU" }'),
        ('{ type = "SiLu" }', '{ type = "SiLU" }'),
        # One fix brings the next to light.
        ('{ type = "Lineer", out_featres = "2" }', '{ type = "Linear", out_features = 2 }'),
    ],
)  # fmt: skip
def test_certain(wrong: str, right: str) -> None:
    assert mended(wrong) == ([right], 0)


@pytest.mark.parametrize(
    "wrong",
    [
        '{ type = "Dense", out_features = 2 }',  # a name from elsewhere
        '{ type = "Linear", units = 2 }',
        '{ type = "Conv4d", out_channels = 2, kernel_size = 1 }',  # Conv1d, Conv2d, Conv3d
        '{ type = "Reluu" }',  # ReLU, ReLU6
        '{ type = "Lnir", out_features = 2 }',  # two slips
        '{ type = "Linear", out_features = 2, dtype = "flaot32" }',
        '{ name = "train", type = "ReLU" }',  # any other name would do
    ],
)
def test_a_guess_is_left(wrong: str) -> None:
    layers, left = mended(wrong)
    assert layers == [wrong]
    assert left > 0


def test_a_block_that_two_uses_need_differently_is_left() -> None:
    block = '[blocks.B]\nlayers = [{ type = "Linear", in_features = 8, out_features = 4 }]\n\n'
    text = block + MODEL + '  { type = "B" },\n  { type = "B" },\n]\n'
    assert mend(text, "spec.toml").text == text  # in_features = 4 would be right in the second alone
    other = text.replace("in_features = 8", "in_features = 9")  # 8 is right in the first, 4 in the second
    assert mend(other, "spec.toml").text == other


def test_a_header_stays_one() -> None:
    text = MODEL + '  { type = "ReLU" },\n]\n\n[trian]\nepochs = 1\n'
    assert mend(text, "spec.toml").text == text.replace("trian", "train")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_fixes_take_faults_away_and_keep_the_form(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(case.parent)
    text = case.read_text(encoding="utf-8")
    found = mend(text, case.name)
    assert bool(found.applied) == (found.text != text)
    if found.applied:
        tomllib.loads(found.text)
    assert [str(each) for each in found.left] == [str(each) for each in faults_of(found.text, case.name)]
    again = mend(found.text, case.name)
    assert not again.applied


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = MODEL + '  { type = "Lineer", out_features = 2 },  # kept\n  { type = "Dense", units = 2 },\n]\n'
    file = tmp_path / "spec.toml"
    file.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert run(["spec.toml", "--check", "--fix"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert 'spec.toml:4:5: type = "Lineer" -> type = "Linear"\n1 fix applied\n' in err
    assert "Dense" in err
    assert file.read_bytes() == b"\xef\xbb\xbf" + text.replace("Lineer", "Linear").replace("\n", "\r\n").encode()
    file.write_text(text.replace("Dense", "Linear").replace("units", "out_feature"), encoding="utf-8")
    assert run(["spec.toml", "--fix"]) == 0
    out, err = capsys.readouterr()
    assert out == "spec: 24 parameters, x (N, 8) -> output (N, 2)\n"  # 8 * 2 + 2 and 2 * 2 + 2
    assert err.endswith("2 fixes applied\n")


def test_other_files_are_not_touched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = MODEL + '  { type = "Lineer", out_features = 2 },\n]\n'
    (tmp_path / "base.toml").write_text(base, encoding="utf-8")
    (tmp_path / "spec.toml").write_text('extends = "base.toml"\n[trian]\nepochs = 1\n', encoding="utf-8")
    assert run([str(tmp_path / "spec.toml"), "--check", "--fix"]) == 1
    assert "1 fix applied" in capsys.readouterr().err
    assert (tmp_path / "base.toml").read_text(encoding="utf-8") == base
    assert "[train]" in (tmp_path / "spec.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("words", [["--fix", "--set", "a=1"], ["--watch", "--fix"], ["--watch", "--train"]])
def test_what_does_not_go_together(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([str(tmp_path / "none.toml"), *words]) == 2
    assert words[0] in capsys.readouterr().err
