"""`patch` and `--set`, laid over what files say, and the spec written out whole."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from spec_trees import BASE, Tree, written

import builder
import dsl
from builder import graph as contract
from builder.checking import check
from builder.resolving import resolved_text
from dsl.layering import layered
from dsl.overrides import apply
from dsl.source import Source, Span


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    monkeypatch.chdir(tmp_path)
    return Tree(tmp_path)


# patch


def test_patches_set_and_put_beside_and_replace_and_remove(tree: Tree) -> None:
    patch = """
[patch."body.0"]
set = { bias = false, out_features = 6 }
before = { type = "Identity" }
[patch."body.1"]
replace = [{ type = "GELU" }, { type = "Tanh" }]
[patch.1]
remove = true
[patch.fc]
before = [{ type = "LayerNorm" }]
after = [{ type = "Softmax", dim = 1 }]
"""
    assert tree.layers(patch) == [
        {"name": "body", "layers": [
            {"type": "Identity"},
            {"type": "Linear", "out_features": 6, "bias": False},
            {"type": "GELU"},
            {"type": "Tanh"},
        ]},
        {"type": "LayerNorm"},
        {"name": "fc", "type": "Linear", "out_features": 3},
        {"type": "Softmax", "dim": 1},
    ]  # fmt: skip


def test_layers_that_moved_keep_their_places(tree: Tree) -> None:
    tree.layers('[patch."body.0"]\nbefore = [{ type = "Tanh" }]\nset = { bias = false }\n[patch.1]\nremove = true\n')
    place = dsl.load("net.toml").model.place
    assert written(place, "layers", 0, "layers", 0, "type") == ("net.toml", '"Tanh"')
    assert written(place, "layers", 0, "layers", 1, "out_features") == ("base.toml", '"${width}"')
    assert written(place, "layers", 0, "layers", 1, "bias", part="pair") == ("net.toml", "bias = false")
    assert written(place, "layers", 0, "layers", 2, "type") == ("base.toml", '"ReLU"')
    assert written(place, "layers", 1, "name") == ("base.toml", '"fc"')


def test_patches_of_an_extended_file_come_first(tree: Tree) -> None:
    tree.write("mid.toml", 'extends = "base.toml"\n[patch.1]\nremove = true\n[patch.fc]\nbefore = { type = "ReLU" }\n')
    found = tree.tables('extends = "mid.toml"\n[patch.1]\nset = { inplace = true }\n')["model"]["layers"]
    assert found[1:] == [{"type": "ReLU", "inplace": True}, {"name": "fc", "type": "Linear", "out_features": 3}]


def test_a_patch_inside_a_repeat_is_for_all_copies(tree: Tree) -> None:
    tree.write(
        "base.toml",
        BASE.replace('"body", layers', '"body", repeat = 2, layers').replace(
            '{ type = "ReLU"', '{ name = "act", type = "ReLU"'
        ),
    )
    body = tree.layers('[patch."body.act"]\nremove = true\n[patch.body]\nset = { repeat = 3 }\n')[0]
    assert body == {"name": "body", "repeat": 3, "layers": [{"type": "Linear", "out_features": "${width}"}]}


def test_a_patch_may_be_of_ones_own_layers_and_keep_an_expression(tree: Tree) -> None:
    found = tree.tables(BASE + '[patch.1]\nset = { p = "${none}" }\n')
    assert found["model"]["layers"][1] == {"type": "Dropout", "p": "${none}"}


def test_a_fault_in_what_a_patch_says_is_told_at_the_patch(tree: Tree) -> None:
    tree.layers('[patch."body.0"]\nafter = { type = "Linear", out_features = 8, in_features = 5 }\n')
    with pytest.raises(dsl.SpecError) as caught:
        check(dsl.load("net.toml"))
    (fault,) = caught.value.diagnostics
    assert (fault.file, fault.span) == ("net.toml", Span(3, 46, 3, 61))
    assert fault.notes == ("input: Linear (line 10 of base.toml) gives (N, 8)",)


def test_names_with_an_expression_are_several_copies(tree: Tree) -> None:
    tree.write("base.toml", BASE.replace('{ type = "Dropout"', '{ name = "drop${i + 1}", repeat = 2, type = "Dropout"'))
    (fault,) = tree.faults('extends = "base.toml"\n[patch.drop2]\nremove = true\n')
    assert "one copy of a repeat" in fault.message
    assert (fault.file, fault.span and fault.span.line) == ("net.toml", 2)


# --set


def test_set_comes_last_and_reaches_every_key(tree: Tree) -> None:
    tree.write("net.toml", 'extends = "base.toml"\n[patch.1]\nset = { p = 0.1 }\n')
    changes = {
        "optimizer.lr": "1", "model.layers.fc.bias": "false", "model.layers[1].p": "0.3", "train.epochs": "7",
        "model.layers.body.layers.0.out_features": "[1, 2]", "doc": "words", "data.source": "digits",
        "optimizer.betas": (0.5, 0.9), "model.init.'fc.weight'": {"type": "zeros_"}, "model.layers[1].inplace": None,
    }  # fmt: skip
    whole, faults = apply(layered(Source("net.toml", Path("net.toml").read_text())), changes)
    found = whole.plain()
    assert faults == []
    assert found["optimizer"] == {"type": "SGD", "lr": 1.0, "betas": [0.5, 0.9]}
    assert isinstance(found["optimizer"]["lr"], float)
    assert found["model"]["layers"] == [
        {"name": "body", "layers": [{"type": "Linear", "out_features": [1, 2]}, {"type": "ReLU"}]},
        {"type": "Dropout", "p": 0.3, "inplace": "${none}"},
        {"name": "fc", "type": "Linear", "out_features": 3, "bias": False},
    ]
    assert (found["train"], found["data"], found["doc"]) == ({"epochs": 7}, {"source": "digits"}, "words")
    assert found["model"]["init"] == {"fc.weight": {"type": "zeros_"}}


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("model.layers[-1].p", "`model.layers` has no `-1`: it has 3, from [0] to [2]"),
        ("model.layers[3].p", "`model.layers` has no `3`: it has 3, from [0] to [2]"),
        ("model.layers.bodi.p", "`model.layers` has no `bodi`: did you mean `body`?"),
        ("[3].p", "`[3].p` is not a key such as train.epochs or model.layers[0].p"),
        ("optimizer.lr.x", "`optimizer.lr` is no table, and has no `x`"),
        ("optimizer[0]", "there is no array `optimizer` in the spec"),
        ("data.prepare[0].size", "there is no array `data.prepare` in the spec"),
        ("extends", "`extends` is worked in before --set, and cannot be set"),
        ("vars.widht", "there is no `vars.widht` in the spec"),
    ],
)  # fmt: skip
def test_a_set_that_fits_nowhere(tree: Tree, key: str, said: str) -> None:
    (fault,) = tree.faults(BASE, **{key: "1"})
    assert (fault.file, fault.message, fault.excerpt) == ("--set", said, f"{key}=1")


def test_a_var_that_is_read_and_not_written_may_be_set(tree: Tree) -> None:
    spec = dsl.loads(BASE.replace("[vars]\nwidth = 8\n", ""), overrides={"vars.width": "6"})
    assert dict(spec.vars) == {"width": 6}


@pytest.mark.parametrize(
    ("key", "said"),
    [("tran.epochs", "unknown key `tran`"), ("model.layers.fc.out_feature", "Linear has no argument `out_feature`")],
)
def test_a_new_key_that_means_nothing_is_told_at_the_set(tree: Tree, key: str, said: str) -> None:
    tree.write("net.toml", BASE)
    with pytest.raises(dsl.SpecError) as caught:
        check(dsl.load("net.toml", {key: "1"}))
    (fault,) = caught.value.diagnostics
    assert (fault.file, fault.message, fault.excerpt) == ("--set", said, f"{key}=1")


# The spec resolved


def shapes(spec: dsl.Spec) -> list[Any]:
    """What each layer makes."""
    return [node.shape for node in contract.nodes(builder.elaborate(spec)) if node.role not in ("input", "output")]


def test_a_resolved_spec_stands_alone_and_means_the_same(tree: Tree) -> None:
    tree.write("lib/base.toml", BASE)
    text = 'extends = "lib/base.toml"\n[vars]\nwidth = 16\n[patch.1]\nset = { p = 0.25 }\n[data]\nsource = "a.npz"\n'
    tree.write("net.toml", text)
    spec = dsl.load("net.toml", {"optimizer.lr": 0.2})
    (tree.folder / "far").mkdir()
    tree.write("far/alone.toml", resolved_text(spec))
    alone = dsl.load("far/alone.toml")
    source = str(tree.folder / "a.npz")
    assert alone.document.tables == {**spec.document.tables, "data": {"source": source}}
    assert shapes(alone) == shapes(spec) == [["N", 16], ["N", 16], ["N", 16], ["N", 3]]
    tree.write("near.toml", dsl.dumps(spec))
    assert dsl.load("near.toml").document.tables == spec.document.tables


SPECS = sorted((Path(__file__).parents[1] / "specs").rglob("*.toml"))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_dumps_says_the_same_in_toml_1_0(path: Path) -> None:
    spec = dsl.load(path)
    assert tomllib.loads(dsl.dumps(spec)) == spec.document.tables


def test_dumps_reads_like_a_spec() -> None:
    text = """[model]
layers = [{ out_channels = 3, type = "Conv2d", name = "conv" }, { type = "relu" }]
inputs = { x = ["N", 1, 8, 8] }
[optimizer]
type = "SGD"
lr = 0.0001
"""
    assert (
        dsl.dumps(dsl.loads("doc = 'One\\two'\n" + text + "[vars]\na = 1\n"))
        == """doc = "One\\\\two"

[vars]
a = 1

[model]
inputs = { x = ["N", 1, 8, 8] }
layers = [
  { name = "conv", type = "Conv2d", out_channels = 3 },
  { type = "relu" },
]

[optimizer]
type = "SGD"
lr = 1e-4
"""
    )
