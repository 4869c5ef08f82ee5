"""Where a spec is broken by one bracket, quote or declared name, the first diagnostic stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import dsl
from builder.checking import check, examine_text, load
from dsl import brackets

SPECS = Path(__file__).parents[1] / "specs"
SAMPLE = ("lenet.toml", "two_heads.toml", "vae.toml", "vit_b_16.toml", "kl_div.toml")


def line_told(text: str, folder: Path) -> int | None:
    """The line of the first diagnostic; 0 where the text is a sound spec."""
    path = folder / "changed.toml"
    path.write_text(text, encoding="utf-8")
    try:
        check(load(path))
    except dsl.SpecError as error:
        span = error.diagnostics[0].span
        return span.line if span else None
    return 0


@pytest.mark.parametrize("name", SAMPLE)
def test_a_bracket_or_quote_left_out_is_told_on_its_line(name: str, tmp_path: Path) -> None:
    text = next(SPECS.rglob(name)).read_text(encoding="utf-8")
    places = [each.start() for each in re.finditer(r'[\[\]{}"]', re.sub(r"(?m)#.*", lambda m: "." * len(m[0]), text))]
    told = [(text.count("\n", 0, at) + 1, line_told(text[:at] + text[at + 1 :], tmp_path)) for at in places[::3]]
    broken = [(line, found) for line, found in told if found != 0]
    assert len(broken) > 10
    assert sum(line == found for line, found in broken) >= 0.98 * len(broken), broken


@pytest.mark.parametrize(
    ("name", "line", "before", "after"),
    [("kl_div.toml", 25, "target =", "targget ="), ("poisson_nll.toml", 21, "target =", "targget =")],
)
def test_a_declared_name_is_told_where_it_is_misspelled(
    name: str, line: int, before: str, after: str, tmp_path: Path
) -> None:
    lines = next(SPECS.rglob(name)).read_text(encoding="utf-8").split("\n")
    assert before in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(before, after, 1)
    assert line_told("\n".join(lines), tmp_path) == line


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("kl_div.toml", "out_features = 3 }", "out_features = 7 }"),  # the target's width is known
        ("unet.toml", "out_channels = 1, kernel_size = 1", "out_channels = 3, kernel_size = 1"),
        ("mse.toml", "num_classes = 10", "num_classes = 21"),  # the data has ten classes
        ("mse.toml", "out_features = 10", "out_features = 21"),
        ("mlp.toml", "high = 10", "high = 21"),
        ("resnet50.toml", "start_dim = 1", "start_dim = 3"),  # told at the loss, 5 lines below
        ("bce.toml", "start_dim = 0", "start_dim = 1"),
        ("resnet18.toml", "kernel_size = 3, padding = 1", "kernel_size = 3, padding = 3"),  # told at a sum
        ("l1.toml", "out_features = 64", "out_features = 129"),  # unflattened to (1, 8, 8) below
        ("bert_base.toml", "heads = 12", "heads = 25"),  # no width of 25 is told, though it would do
        ("googlenet.toml", 'widths[0]}", kernel_size = 1', 'widths[0]}", kernel_size = 3'),  # told where branches meet
        ("googlenet.toml", "[blocks.Inception]", "[blocks.Incepption]"),  # `inception3a` is as near
        ("squeezenet1_0.toml", "[blocks.Fire]", "[blocks.Firre]"),
        ("vae.toml", "] },\n]", "] ,\n]"),  # the line before the bracket that comes too early
        ("ctc.toml", "[data.fields]", "[datta.fields]"),  # what the loss reads is a field of it
    ],
)
def test_a_number_is_told_where_it_stands(name: str, before: str, after: str, tmp_path: Path) -> None:
    text = next(SPECS.rglob(name)).read_text(encoding="utf-8")
    assert before in text
    changed = text.replace(before, after, 1)
    assert line_told(changed, tmp_path) == text.count("\n", 0, text.index(before)) + 1


def test_of_two_numbers_that_may_both_be_wrong_the_words_name_the_lines() -> None:
    text = """
[model]
inputs = { x = ["N", 4] }
layers = [
  { name = "mean", type = "Linear", out_features = 8 },
  { name = "spread", type = "Linear", input = "x", out_features = 9 },
  { type = "add", other = "mean" },
]
"""
    (fault,) = examine_text(text, "spec.toml").faults
    assert fault.span is not None
    assert fault.span.line == 7
    assert fault.notes[-1] == "all fits with `out_features = 9` in line 5, or `out_features = 8` in line 6"


@pytest.mark.parametrize("path", sorted(SPECS.rglob("*.toml")), ids=lambda path: path.stem)
def test_a_sound_text_has_no_bracket_at_fault(path: Path) -> None:
    assert brackets.fault(path.read_text(encoding="utf-8")) is None
