"""Two faults in two layers are both told, and nothing else: a small draw of `benchmarks/fault_pairs.py`."""

from __future__ import annotations

import importlib
import random
from pathlib import Path

import pytest

from builder.fixing import faults_of

ROOT = Path(__file__).parents[1]

# A block that a fault above it keeps from being walked, as its param stands for a size that is not known.
UNREACHED = """[blocks.Wide]
defaults = {{ channels = "${{x.shape[1]}}" }}
layers = [
  {{ type = "Conv2d", out_channels = "${{channels}}", kernel_size = {kernel} }},
  {{ type = "permute", {dims} }},
]

[model]
inputs = {{ image = ["N", 3, 8, 8] }}
layers = [{{ type = "{first}" }}, {{ type = "Wide" }}]
"""


@pytest.mark.parametrize(
    ("kernel", "dims", "told"),
    [
        ('"three"', "dims = [0, 2, 3, 1]", '`kernel_size` of Conv2d is a whole number or two of them, not "three"'),
        ("3", 'dims = "all"', '`dims` of permute is a list of whole numbers, not "all"'),
        ("3", "", "permute needs `dims`: a list of whole numbers"),
    ],
)
def test_a_block_whose_default_needs_an_unknown_shape_is_read_all_the_same(kernel: str, dims: str, told: str) -> None:
    text = UNREACHED.format(kernel=kernel, dims=dims, first="Reluu").replace('"permute",  }', '"permute" }')
    assert [each.message for each in faults_of(text, "spec.toml")] == [told, 'there is no layer type "Reluu"']
    sound = UNREACHED.format(kernel="3", dims="dims = [0, 2, 3, 1]", first="Reluu")
    assert [each.message for each in faults_of(sound, "spec.toml")] == ['there is no layer type "Reluu"']


FAULTS = {
    "type": ('type = "ReLU"', 'type = "ReLLU"'),
    "keyword": ("kernel_size = 3", "kernel_sizze = 3"),
    "value": ("padding = 1", 'padding = "wrong"'),
}


def test_pairs_of_faults_in_a_specs_layers_are_both_told_and_nothing_else() -> None:
    lines = (ROOT / "specs" / "alexnet.toml").read_text(encoding="utf-8").splitlines(keepends=True)
    able = [(number, kind) for number, line in enumerate(lines) for kind, (old, _) in FAULTS.items() if old in line]
    pairs = [(one, other) for one in able for other in able if one[0] < other[0]]
    drawn = random.Random(4).sample(pairs, min(50, len(pairs)))
    assert len(drawn) >= 40
    for pair in drawn:
        changed = list(lines)
        for number, kind in pair:
            changed[number] = changed[number].replace(*FAULTS[kind], 1)
        told = faults_of("".join(changed), "alexnet.toml")
        assert [each.span.line - 1 for each in told if each.span] == [number for number, _ in pair]


PAIRS = ("alexnet.toml", "two_heads.toml", "mse.toml", "lenet.toml", "autoencoder.toml", "resnet18.toml")


@pytest.mark.parametrize("name", PAIRS)
def test_drawn_pairs_of_every_kind_are_told_without_echoes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    drawing = importlib.import_module("fault_pairs")
    text = next((ROOT / "specs").rglob(name)).read_text(encoding="utf-8")
    pairs = drawing.pairs_of(text, name, 12)
    assert len(pairs) == 12
    told = [faults_of(drawing.changed(text, (one, other)), name) for (one, _), (other, _) in pairs]
    right = [drawing.is_right(each, (one, other)) for each, ((_, one), (_, other)) in zip(told, pairs, strict=True)]
    assert sum(right) >= 9, name
    assert all(len(each) <= 2 for each in told), "a fault has an echo"
