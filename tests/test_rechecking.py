"""Checking again after a change says what a check of the whole says, over random changes."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import tomli
from language_mutations import mutated
from language_specs import Writer
from language_specs_scope import NothingFitsError
from rechecking_edits import chain, edited
from test_language_oracle import text_of

import dsl
from builder.checking import check, with_meaning
from builder.checking.again import Checker
from builder.shapes.call import TensorType
from builder.shapes.sizes import plain

SPECS = sorted(Path("specs").rglob("*.toml"))


def afresh(text: str, name: str) -> Any:
    """What is known of a text by a check of the whole: what its layers and the model give, or what is wrong."""
    try:
        model = check(with_meaning(lambda: dsl.loads(text, name))).model
    except dsl.SpecError as error:
        return list(error.diagnostics)
    assert model.course is not None
    seens = [mark.seen for mark in model.course.marks]
    return (
        [seen.value if seen is not None else None for seen in seens],
        model.outputs,
        list(model.outputs),
        model.conditions,
    )


def again(checker: Checker, text: str, name: str) -> Any:
    try:
        sound = checker.check(text, name)
    except dsl.SpecError as error:
        return list(error.diagnostics)
    return list(sound.gives), dict(sound.outputs), list(sound.outputs), sound.conditions


def walk(spec: dict[str, Any], name: str, seed: int, steps: int) -> tuple[int, int]:
    """Change a spec step by step, from the last sound one or the last one; (texts, how many were checked whole)."""
    draw, checker = random.Random(seed), Checker()
    sound = spec
    for _ in range(steps):
        text = text_of(spec)
        found = again(checker, text, name)
        assert found == afresh(text, name), text
        sound = spec if isinstance(found, tuple) else sound
        spec = edited(spec if draw.random() < 0.3 else sound, draw)
        spec = mutated(spec, draw.randrange(10**6)) if draw.random() < 0.1 else spec
    return steps, checker.whole


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_changed_spec_is_told_as_afresh(path: Path) -> None:
    walk(tomli.loads(path.read_text("utf-8")), str(path), 1, 6)


@pytest.mark.parametrize("seed", range(10))
def test_a_changed_chain_is_told_as_afresh(seed: int) -> None:
    walk(chain(random.Random(seed), 4 + 2 * seed), "chain.toml", seed, 50)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(200))
def test_many_changed_specs_are_told_as_afresh(seed: int) -> None:
    """On request: `python -m pytest tests/test_rechecking.py -m long`, some minutes."""
    walk(chain(random.Random(seed), seed % 40), "chain.toml", seed, 100)
    try:
        spec = Writer(seed).spec()
    except NothingFitsError:
        return
    walk(spec, "random.toml", seed, 50)


CONVOLUTION = '{ type = "Conv2d", out_channels = 8, kernel_size = 3 },'
IMAGES = f"""
[model]
inputs = {{ image = ["N", 3, "H", 64] }}
layers = [
  {CONVOLUTION}
  {{ type = "ReLU", name = "act" }},
  {{ type = "MaxPool2d", kernel_size = 2 }},
  {{ type = "Conv2d", out_channels = 8, kernel_size = 3, padding = 1, name = "wide" }},
  {{ type = "add", input = ["wide", "2"] }},
  {{ type = "Linear", out_features = 10 }},
]
"""


def shape(checker: Checker, text: str) -> list[Any]:
    """Of what the model gives."""
    (value,) = checker.check(text).outputs.values()
    assert isinstance(value, TensorType)
    return [plain(size) for size in value.shape]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("out_features = 10", "out_features = 12", ["N", 8, "H // 2 - 1", 12]),
        (CONVOLUTION, CONVOLUTION.replace("3 }", "5 }"), ["N", 8, "H // 2 - 2", 10]),
        (CONVOLUTION, CONVOLUTION + "\n# a word\n", ["N", 8, "H // 2 - 1", 10]),
        ('"act" },', '"act" }, { type = "Tanh" },', None),  # position 2 is another layer's now
        ('"act" }', '"act" }, { type = "Tanh", name = "t" }', None),
        ('name = "act"', 'name = "other"', ["N", 8, "H // 2 - 1", 10]),
        ("out_features = 10", "out_features = 10, bias = true", ["N", 8, "H // 2 - 1", 10]),
        ('input = ["wide", "2"]', "other = 1", ["N", 8, "H // 2 - 1", 10]),
    ],
)
def test_what_a_change_comes_to(old: str, new: str, expected: list[Any] | None) -> None:
    checker = Checker()
    assert shape(checker, IMAGES) == ["N", 8, "H // 2 - 1", 10]
    text = IMAGES.replace(old, new)
    assert again(checker, text, "<spec>") == afresh(text, "<spec>")
    if expected is not None:
        assert shape(checker, text) == expected


@pytest.mark.parametrize(
    ("old", "new"),
    [("bias = true", "bias = 1"), ("groups = 1", "groups = 1.0"), ("[1, 1]", "[1, 1.0]"), ("a = 1", "a = true")],
)
def test_equal_numbers_of_other_kinds_are_changes(old: str, new: str) -> None:
    text = """
vars = { a = 1 }
model = { inputs = { image = ["N", 3, 32, 32] }, layers = [
  { type = "Conv2d", out_channels = 8, kernel_size = 3, bias = true, groups = 1, stride = [1, 1], dilation = "${a}" },
] }
"""
    checker = Checker()
    checker.check(text)
    found = again(checker, text.replace(old, new), "<spec>")
    assert isinstance(found, list)
    assert len(found) == 1


def test_only_what_a_change_reaches_is_looked_at() -> None:
    """Of plain layers; what is looked at from one end to the other is counted."""
    checker, lines = Checker(), ['{ type = "Linear", out_features = 8 }', '{ type = "ReLU" }'] * 20
    for at, line in ((7, '{ type = "Tanh" }'), (0, '{ type = "Linear", out_features = 9 }'), (3, '{ type = "GELU" }')):
        for change in ([line], [line, lines[at]], []):
            layers = ",\n".join([*lines[:at], *change, *lines[at + 1 :]])
            found = checker.check(f'[model]\ninputs = {{ x = ["N", 8] }}\nlayers = [\n{layers}\n]\n')
            assert list(found.gives) == afresh(found.source.text, "<spec>")[0]
    assert checker.whole == 1


def test_all_of_a_text_that_was_found_sound_by_its_changes() -> None:
    checker = Checker()
    checker.check(IMAGES)
    found = checker.check("\n" + IMAGES.replace("out_features = 10", "out_features = 12"))
    node = next(node for node in found.checked.model.nodes if node.type == "Linear")
    assert (node.line, node.shape) == (11, ["N", 8, "H // 2 - 1", 12])


def test_a_fault_is_told_where_it_stands_now_and_is_forgotten_with_its_text() -> None:
    checker = Checker()
    checker.check(IMAGES)
    for _ in range(2):
        with pytest.raises(dsl.SpecError) as told:
            checker.check("\n\n" + IMAGES.replace('"act"', '"wide"'))
        assert [(each.span.line, each.message) for each in told.value.diagnostics if each.span] == [
            (10, "two layers are called `wide`")
        ]
        assert shape(checker, IMAGES) == ["N", 8, "H // 2 - 1", 10]
