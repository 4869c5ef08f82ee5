"""Whatever a text says, the check ends in a result or in diagnostics with a message and a line of the text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fuzz_layers import layer_text
from fuzz_texts import spec_text
from fuzz_words import ODD
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from told_well import badly_told

from builder.fixing import faults_of, mend
from dsl.diagnostics import SpecError
from dsl.files import parse
from dsl.layout import formatted
from dsl.source import Source

ROOT = Path(__file__).parent.parent
TOKENS = [
    re.findall(r'"[^"\n]*"|[\w.]+|\s+|.', text)
    for path in sorted((ROOT / "specs").rglob("*.toml"))
    if len(text := path.read_text()) < 2000
]
KEYS = ["name", "input", "repeat", "when", "share", "value", "init", "freeze", "in_features", "layers", "params", "x.y"]
ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=200)
TOMLISH = st.lists(st.sampled_from(["[", "]", "{", "}", "=", '"', "'", "\n", ",", ".", "a", "model", *ODD[:13]])).map(
    "".join
)


@st.composite
def changed_specs(draw: st.DrawFn) -> str:
    """A spec of `specs/` with up to three tokens left out, doubled, swapped or made odd."""
    tokens = list(draw(st.sampled_from(TOKENS)))
    for _ in range(draw(st.integers(1, 3))):
        at, other = (draw(st.integers(0, len(tokens) - 1)) for _ in range(2))
        new = draw(st.sampled_from(["", tokens[at] * 2, tokens[other], *ODD]))
        tokens[at] = new
    return "".join(tokens)


@st.composite
def layers(draw: st.DrawFn) -> str:
    """A model whose only layer has odd values, expressions among them."""
    expression = draw(st.text("()+-*/%<>=.,0123456789 ainTx'", max_size=40))
    values = st.sampled_from([*ODD[:22], f'"${{{expression}}}"'])
    keys = draw(st.lists(st.sampled_from(KEYS), max_size=3, unique=True))
    pairs = "".join(f", {key} = {draw(values)}" for key in keys)
    shape = draw(values)
    return (
        f'[model]\ninputs = {{ x = {shape} }}\nlayers = [{{ type = "Linear", out_features = {draw(values)}{pairs} }}]\n'
    )


RANDOMS = st.randoms(use_true_random=False)
WRITTEN = RANDOMS.map(spec_text)
TEXTS = st.one_of(ANY_TEXT, TOMLISH, changed_specs(), layers(), WRITTEN, WRITTEN, RANDOMS.map(layer_text))
QUICK = settings(
    max_examples=400, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


def holds(text: str) -> None:
    told = faults_of(text, "fuzz.toml")
    assert list(badly_told(text, told)) == []


def meaning(value: object) -> str:
    """A text that is the same for equal tables, whatever their keys' order; nan is equal to nan."""
    if isinstance(value, dict):
        return "{" + ", ".join(sorted(f"{key!r}: {meaning(each)}" for key, each in value.items())) + "}"
    return "[" + ", ".join(map(meaning, value)) + "]" if isinstance(value, list) else repr(value)


def layout_holds(text: str) -> None:
    source = Source("fuzz.toml", text.replace("\r\n", "\n"))
    try:
        once = formatted(source)
    except SpecError:
        return
    again = Source("fuzz.toml", once)
    assert meaning(parse(again)) == meaning(parse(source))
    assert formatted(again) == once


@QUICK
@given(TEXTS)
def test_a_check_ends_in_diagnostics(text: str) -> None:
    holds(text)


@QUICK
@given(TEXTS)
def test_fmt_keeps_the_meaning(text: str) -> None:
    layout_holds(text)


@settings(QUICK, max_examples=100)
@given(TEXTS)
def test_fixes_end(text: str) -> None:
    mend(text, "fuzz.toml")


# What fuzzing has found, made small.
FOUND = {
    "a code of a warning that is no word": (
        'allow = [[1]]\n[model]\ninputs = { x = [2, 3] }\nlayers = [{ type = "relu" }]\n', "there is no warning [1]",
    ),
    "single numbers end to end": (
        '[model]\ninputs = { x = [] }\nlayers = [{ type = "cat", input = ["x", "x"] }]\n',
        "cat reads tensors with at least one dim, but the first is a single number",
    ),
    "a single number as a weight": (
        '[model]\ninputs = { x = [3], w = [] }\nlayers = [{ type = "linear", input = ["x", "w"] }]\n',
        "linear reads a weight of (out, in) or (in), but it is a single number",
    ),
    "a single number as one of two inputs": (
        '[model]\ninputs = { x = [3], y = [] }\n'
        'layers = [{ type = "Bilinear", out_features = 2, input = ["x", "y"] }]\n',
        "Bilinear reads two inputs with at least one dim, but they are (3,) and ()",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "told"), FOUND.values(), ids=FOUND.keys())
def test_what_was_found_is_told(text: str, told: str) -> None:
    holds(text)
    assert [each.message for each in faults_of(text, "fuzz.toml")] == [told]


@pytest.mark.long
@settings(QUICK, max_examples=20_000)
@given(TEXTS)
def test_a_check_ends_in_diagnostics_at_length(text: str) -> None:
    """On request: `python -m pytest tests/test_fuzz.py -m long`, some minutes."""
    holds(text)
    layout_holds(text)
    mend(text, "fuzz.toml")
