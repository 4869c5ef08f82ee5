"""Where a spec is broken by one bracket, quote or declared name, the first diagnostic stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import dsl
from builder.checking import check, load
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
    assert sum(line == found for line, found in broken) >= 0.95 * len(broken), broken


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


@pytest.mark.parametrize("path", sorted(SPECS.rglob("*.toml")), ids=lambda path: path.stem)
def test_a_sound_text_has_no_bracket_at_fault(path: Path) -> None:
    assert brackets.fault(path.read_text(encoding="utf-8")) is None
