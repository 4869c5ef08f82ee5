"""`tomograph diff`: what is different between two models, and nothing that only the texts differ in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import builder
import dsl
from builder.commands.entry import run
from builder.comparison import compare
from builder.differences import Comparison

ROOT = Path(__file__).parents[1]
SPECS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "specs").rglob("*.toml"))
HEAD = '[model]\ninputs = { x = ["N", 3, 8, 8] }\nlayers = [\n'
CONV = '{ type = "Conv2d", out_channels = 4, kernel_size = 3, padding = 1 }'
WIDE = CONV.replace("4", "6")
LINEAR = '{ name = "fc", type = "Linear", out_features = 5 }'
RELU, TANH, NORM, FLAT = ('{ type = "%s" }' % each for each in ("ReLU", "Tanh", "BatchNorm2d", "Flatten"))  # noqa: UP031


def between(old: list[str], new: list[str]) -> Comparison:
    graphs = [builder.elaborate(dsl.loads(HEAD + ",\n".join(each) + "\n]\n")) for each in (old, new)]
    return compare(*graphs)


def told(found: Comparison) -> list[str]:
    """The layers' changes in short: sign, name, what is different."""
    return [
        f"{each.kind[0]} {each.name} {' '.join(one.what for one in each.differences)}".strip() for each in found.layers
    ]


@pytest.mark.parametrize("name", SPECS)
def test_a_model_is_the_same_as_itself(name: str) -> None:
    graph = builder.elaborate(dsl.load(ROOT / name))
    found = compare(graph, graph)
    assert found.same
    assert found.keys == ()


def test_a_text_may_be_another() -> None:
    longer = CONV.replace("3,", "3, stride = 1, bias = true, in_channels = 3,")  # PyTorch's defaults
    assert between([CONV, RELU], [longer, RELU]).same


def test_an_inserted_layer_changes_none_of_those_after_it() -> None:
    found = between([CONV, RELU, CONV, RELU, FLAT, LINEAR], [CONV, NORM, RELU, CONV, RELU, FLAT, LINEAR])
    assert told(found) == ["a 1"]
    assert found.layers[0].parameters == 8  # a scale and a shift for each of 4 channels
    assert [(each.what, each.new - each.old) for each in found.totals] == [
        ("parameters", 8), ("trainable parameters", 8),
    ]  # fmt: skip
    assert found.keys == (("2", "3"),)
    back = between([CONV, NORM, RELU, CONV, RELU, FLAT, LINEAR], [CONV, RELU, CONV, RELU, FLAT, LINEAR])
    assert told(back) == ["r 1"]


def test_an_argument_and_what_follows_from_it() -> None:
    found = between([CONV, RELU, FLAT, LINEAR], [WIDE, RELU, FLAT, LINEAR])
    assert told(found) == [
        "c 0 out_channels shape parameters", "c 1 shape", "c 2 shape", "c fc in_features parameters",
    ]  # fmt: skip
    first = {each.what: (each.old, each.new) for each in found.layers[0].differences}
    assert first["out_channels"] == (4, 6)
    assert first["shape"] == (["N", 4, 8, 8], ["N", 6, 8, 8])
    assert first["parameters"] == (3 * 4 * 9 + 4, 3 * 6 * 9 + 6)
    assert {each.what: (each.old, each.new) for each in found.totals}["parameters"] == (
        112 + 4 * 64 * 5 + 5, 168 + 6 * 64 * 5 + 5,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ([CONV, RELU], [CONV, TANH], ["c 1 type"]),
        ([CONV, RELU], [CONV], ["r 1"]),
        ([CONV, RELU, NORM], [CONV, NORM, RELU], ["r 1", "a 2"]),
        ([FLAT, LINEAR], [FLAT, LINEAR.replace("fc", "head")], ["c head name"]),
        ([FLAT, LINEAR], [FLAT, LINEAR.replace("5", "5, freeze = true")], ["c fc freeze"]),
        ([FLAT, LINEAR], [FLAT, LINEAR.replace("5", "5, init = { weight = 0 }")], ["c fc init"]),
    ],
)
def test_small_differences(old: list[str], new: list[str], expected: list[str]) -> None:
    assert sorted(told(between(old, new)), key=lambda each: each[2:]) == expected


def test_another_input_is_a_difference() -> None:
    layers = [
        '{ name = "a", type = "ReLU" }',
        '{ name = "b", type = "Tanh" }',
        '{ name = "c", type = "add", other = "a" }',
    ]
    other = [*layers[:2], layers[2].replace('other = "a"', 'other = "x"')]
    found = between(layers, other)
    assert told(found) == ["c c other"]
    (difference,) = found.layers[0].differences
    assert (difference.old, difference.new) == ("a", "x")


def test_named_layers_that_change_places_are_no_new_ones() -> None:
    one, two = '{ name = "one", type = "ReLU" }', '{ name = "two", type = "Tanh" }'
    found = between([CONV, one, two], [CONV, two, one])
    assert {each.kind for each in found.layers} == {"changed"}
    assert {one.what for each in found.layers for one in each.differences} == {"input"}


def test_copies_are_told_once() -> None:
    block = f'{{ name = "h", repeat = 3, layers = [\n  {CONV.replace("4", "3")},\n  %s,\n] }}'
    assert told(between([block % RELU], [block % TANH])) == ["c h.*.1 type"]
    longer = (block % RELU).replace("repeat = 3", "repeat = 4")
    assert told(between([block % RELU], [longer])) == ["c h repeat", "a h.3"]


def test_copies_of_layers_and_of_groups_are_no_twins() -> None:
    found = between(
        ['{ name = "h", type = "ReLU", repeat = 2 }'], ['{ name = "h", repeat = 2, layers = [{ type = "ReLU" }] }']
    )
    assert sorted(told(found)) == ["a h.*", "r h.*"]


def test_what_is_said_of_the_whole_model() -> None:
    text = HEAD + CONV + "]\n"
    graphs = [builder.elaborate(dsl.loads(each)) for each in (text, text + 'init = { "Conv2d.bias" = 0 }\n')]
    assert told(compare(*graphs)) == ["c  init"]
    named = [builder.elaborate(dsl.loads(f'name = "{each}"\n{text}')) for each in ("One", "Two")]
    assert compare(*named).same


def test_inputs_and_outputs() -> None:
    old = '[model]\ninputs = { x = ["N", 4] }\nlayers = [{ name = "a", type = "ReLU" }]\noutputs = { y = "a" }\n'
    new = old.replace('["N", 4]', '["N", 6]').replace("y =", "z =")
    found = compare(*(builder.elaborate(dsl.loads(each)) for each in (old, new)))
    assert [(each.kind, each.name) for each in found.inputs] == [("changed", "x")]
    assert sorted((each.kind, each.name) for each in found.outputs) == [("added", "z"), ("removed", "y")]


@pytest.mark.parametrize("name", SPECS)
def test_there_and_back(name: str) -> None:
    """What is added on the way there is removed on the way back."""
    one, other = (builder.elaborate(dsl.load(ROOT / each)) for each in (name, "specs/lenet.toml"))
    there, back = compare(one, other), compare(other, one)
    for kind, opposite in (("added", "removed"), ("changed", "changed")):
        assert count(there, kind) == count(back, opposite)


def count(found: Comparison, kind: str) -> int:
    return sum(1 if kind == "changed" else each.layers for each in found.layers if each.kind == kind)


# The command


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = tmp_path / "old.toml", tmp_path / "new.toml"
    old.write_text(HEAD + f"{CONV}, {FLAT}, {LINEAR}]\n", encoding="utf-8")
    new.write_text(HEAD + f"{CONV}, {RELU}, {FLAT}, {LINEAR.replace('5', '6')}]\n", encoding="utf-8")
    assert run(["diff", str(old), str(old)]) == 0
    assert capsys.readouterr().out == "the models are the same\n"
    assert run(["diff", str(old), str(new)]) == 1
    assert capsys.readouterr().out == (
        "+ 1 (ReLU): (N, 4, 8, 8)\n"
        "~ fc (Linear): out_features 5 -> 6, shape (N, 5) -> (N, 6), parameters 1,285 -> 1,542\n"
        "~ output fc: shape (N, 5) -> (N, 6)\n"
        "  parameters 1,397 -> 1,654\n"
        "  trainable parameters 1,397 -> 1,654\n"
        "  multiply-adds 8,192 -> 8,448\n"  # 64 places * 27 * 4, and 256 for each feature
    )
    assert run(["diff", str(old), str(new), "--format", "json"]) == 1
    data: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert data["same"] is False
    assert [each["kind"] for each in data["layers"]] == ["added", "changed"]
    assert run(["diff", str(old)]) == 2
    assert run(["diff", str(old), str(tmp_path / "none.toml")]) == 1
