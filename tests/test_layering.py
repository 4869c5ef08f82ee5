"""`extends` and `include`: what comes out, where each value stands, and that no other file is read. Faults in whole
sentences are under tests/cases/invalid."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
from spec_trees import BASE, Tree, written

import dsl
from builder.checking import request_of
from builder.resolving import resolved_text
from dsl.layering import layered
from dsl.source import Source, Span


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    monkeypatch.chdir(tmp_path)
    return Tree(tmp_path)


# extends


def test_tables_merge_key_by_key_and_arrays_are_replaced(tree: Tree) -> None:
    found = tree.tables(
        'extends = "base.toml"\n[optimizer]\nlr = 0.5\nmomentum = 0.9\n[model]\nlayers = [{ type = "ReLU" }]\n'
    )
    assert found == {
        **tomllib.loads(BASE),
        "optimizer": {"type": "SGD", "lr": 0.5, "momentum": 0.9},
        "model": {"inputs": {"x": ["N", 4]}, "layers": [{"type": "ReLU"}]},
    }


def test_a_var_that_is_written_anew_may_read_new_ones_above_it(tree: Tree) -> None:
    tree.write("net.toml", 'extends = "base.toml"\n[vars]\nhalf = 32\nwidth = "${half * 2}"\ndeep = "${width + 1}"\n')
    assert dict(dsl.load("net.toml").vars) == {"half": 32, "width": 64, "deep": 65}


def test_files_are_found_from_the_file_that_says_them(tree: Tree) -> None:
    tree.write("lib/mid.toml", 'extends = "../base.toml"\ndoc = "mid"\n[optimizer]\nlr = 0.2\n')
    tree.write("net.toml", 'extends = "lib/mid.toml"\nname = "Top"\n')
    spec = dsl.load("net.toml")
    assert (spec.name, spec.doc) == ("Top", "mid")
    assert written(spec.place, "name") == ("net.toml", '"Top"')
    assert written(spec.place, "optimizer", "lr") == ("lib/mid.toml", "0.2")
    assert written(spec.place, "optimizer", "type") == ("base.toml", '"SGD"')
    assert written(spec.model.place, "layers", 0, "layers", 1, "type") == ("base.toml", '"ReLU"')


def test_data_is_found_from_the_file_that_says_it(tree: Tree) -> None:
    tree.write("lib/base.toml", BASE + '[data]\nsource = "x.npz"\nvalidation = "v.npz"\n')
    tree.write("net.toml", 'extends = "lib/base.toml"\n[data]\nvalidation = "w.npz"\n')
    spec = dsl.load("net.toml")
    data = spec.data
    assert data is not None
    assert request_of(spec, data, data.source).folder == Path("lib")
    assert request_of(spec, data, data.validation, "validation").folder == Path()
    found = tomllib.loads(resolved_text(spec))["data"]
    assert found == {"source": str(tree.folder / "lib/x.npz"), "validation": str(tree.folder / "w.npz")}


def test_files_of_one_source_may_be_said_by_several_specs(tree: Tree) -> None:
    tree.write("lib/base.toml", BASE + '[data]\nsource = { x = "x-ubyte", target = "y-ubyte" }\n')
    tree.write("net.toml", 'extends = "lib/base.toml"\n[data]\nsource = { target = "z-ubyte" }\n')
    spec = dsl.load("net.toml")
    found = tomllib.loads(resolved_text(spec))["data"]["source"]
    assert found == {"x": str(tree.folder / "lib/x-ubyte"), "target": str(tree.folder / "z-ubyte")}


def test_a_fault_in_another_file_is_told_there(tree: Tree) -> None:
    tree.write("base.toml", BASE.replace("lr = 0.1", "lr = 0.1\n[train]\nepochs = -1"))
    (fault,) = tree.faults('extends = "base.toml"\n[train]\nseed = 1\n')
    # lr stands in line 19, [train] in line 20
    assert (fault.file, fault.span and fault.span.line, fault.excerpt) == ("base.toml", 21, "epochs = -1")


# Which files are read


def test_a_file_outside_is_not_read(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    outside = tree.folder / "base.toml"
    inside = tree.folder / "sub"
    inside.mkdir()
    (inside / "link.toml").symlink_to(outside)
    (inside / "folder").symlink_to(tree.folder)
    monkeypatch.chdir(inside)
    for name in ("../base.toml", "folder/base.toml", "link.toml", str(outside), "../gone.toml", "/dev/null"):
        Path("net.toml").write_text(f"extends = '{name}'\n", encoding="utf-8")
        with pytest.raises(dsl.SpecError) as caught:
            dsl.load("net.toml")
        (fault,) = caught.value.diagnostics
        assert (fault.code, fault.span and fault.span.line) == ("file", 1)
        assert "outside" in fault.message


def test_the_working_directory_counts_only_where_it_holds_the_spec(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    tree.write("sub/net.toml", 'extends = "../base.toml"\n')
    assert dsl.load("sub/net.toml").name == "Base"
    assert dsl.load(tree.folder / "sub" / "net.toml").name == "Base"
    (tree.folder / "elsewhere").mkdir()
    monkeypatch.chdir(tree.folder / "elsewhere")
    with pytest.raises(dsl.SpecError, match="outside"):
        dsl.load(tree.folder / "sub" / "net.toml")


def test_a_spec_behind_a_link_does_not_open_the_folder_that_the_link_leads_to(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree.write("real/other.toml", BASE)
    tree.write("real/net.toml", f"extends = '{tree.folder / 'real/other.toml'}'\n")
    (tree.folder / "seen").mkdir()
    (tree.folder / "seen/net.toml").symlink_to(tree.folder / "real/net.toml")
    monkeypatch.chdir(tree.folder / "seen")
    with pytest.raises(dsl.SpecError, match="outside"):
        dsl.load("net.toml")


def test_a_pipe_is_not_read(tree: Tree) -> None:
    os.mkfifo(tree.folder / "pipe.toml")
    (fault,) = tree.faults('extends = "pipe.toml"\n')
    assert "not a plain file" in fault.message


def test_circles(tree: Tree) -> None:
    tree.write("a.toml", 'extends = "b.toml"\n')
    tree.write("b.toml", 'include = "./a.toml"\n')
    (fault,) = tree.faults('extends = "a.toml"\n')
    assert (fault.file, fault.notes) == ("b.toml", ("a.toml -> b.toml -> a.toml",))
    (fault,) = tree.faults('include = ["net.toml"]\n')
    assert fault.notes == ("net.toml -> net.toml",)


def test_a_spec_has_a_bounded_number_of_files(tree: Tree) -> None:
    for number in range(70):
        tree.write(f"{number}.toml", f'extends = "{number + 1}.toml"\n')
    (fault,) = tree.faults('extends = "0.toml"\n')
    # net.toml and 0 to 62 are 64 files; 62 asks for one more
    assert (fault.file, fault.message) == ("62.toml", "a spec is made of at most 64 files")


def test_nesting_is_bounded(tree: Tree) -> None:
    tree.write("deep.toml", f"x = {'[' * 200}{']' * 200}\n")
    (fault,) = tree.faults('extends = "deep.toml"\n')
    assert (fault.file, fault.message) == ("deep.toml", "arrays and tables nest too deep")


# include: read by `layered` alone, which the reader of blocks stands upon


def blocks(name: str) -> dict[str, Any]:
    """A spec's blocks, each with the file that it comes from."""
    whole = layered(Source(name, Path(name).read_text(encoding="utf-8")))
    found = whole.find(("blocks",))
    assert found is not None
    return {key: (each.plain(), each.source.name) for key, each in (found.table() or {}).items()}


def block(*kinds: str, name: str = "Twice") -> str:
    layers = ", ".join(f'{{ type = "{kind}" }}' for kind in kinds)
    return f"[blocks.{name}]\nlayers = [{layers}]\n"


def layer(*kinds: str) -> dict[str, Any]:
    return {"layers": [{"type": kind} for kind in kinds]}


def test_an_include_brings_the_blocks_and_nothing_else(tree: Tree) -> None:
    tree.write("parts/inner.toml", block("GELU", name="Inner"))
    tree.write("parts/lib.toml", 'include = "inner.toml"\n' + BASE + block("ReLU") + "[patch.gone]\nremove = true\n")
    tree.write(
        "net.toml", 'include = ["parts/lib.toml"]\n[model]\ninputs = { x = ["N"] }\nlayers = [{ type = "ReLU" }]\n'
    )
    assert blocks("net.toml") == {
        "Inner": (layer("GELU"), "parts/inner.toml"),
        "Twice": (layer("ReLU"), "parts/lib.toml"),
    }
    assert set(layered(Source("net.toml", Path("net.toml").read_text())).plain()) == {"model", "blocks"}


def test_a_block_of_ones_own_hides_an_included_one(tree: Tree) -> None:
    tree.write("one.toml", block("ReLU"))
    tree.write("two.toml", block("GELU"))
    tree.write("net.toml", 'include = ["one.toml", "two.toml"]\n' + block("SiLU"))
    assert blocks("net.toml") == {"Twice": (layer("SiLU"), "net.toml")}
    (fault,) = tree.faults('include = ["one.toml", "two.toml"]\n')
    assert (fault.file, fault.span, fault.notes) == ("net.toml", Span(1, 24, 1, 34), ("one.toml:1", "two.toml:1"))


def test_an_included_block_replaces_one_of_an_extended_file(tree: Tree) -> None:
    tree.write("one.toml", block("ReLU"))
    tree.write("base.toml", block("GELU").replace("\n", '\nparams = ["a"]\n', 1))
    tree.write("net.toml", 'extends = "base.toml"\ninclude = "one.toml"\n')
    assert blocks("net.toml") == {"Twice": (layer("ReLU"), "one.toml")}


def test_the_same_file_may_be_reached_in_two_ways(tree: Tree) -> None:
    tree.write("shared.toml", block("ReLU"))
    tree.write("one.toml", 'include = "shared.toml"\n')
    tree.write("two.toml", 'include = "shared.toml"\n')
    tree.write("net.toml", 'include = ["one.toml", "two.toml"]\n')
    assert blocks("net.toml") == {"Twice": (layer("ReLU"), "shared.toml")}


def test_many_ways_to_one_file_are_no_more_work(tree: Tree) -> None:
    for number in range(40):
        tree.write(f"{number}.toml", f'include = ["{number + 1}.toml", "{number + 1}.toml"]\n')
    tree.write("40.toml", block("ReLU"))
    tree.write("net.toml", 'include = "0.toml"\n')  # 2 ** 40 ways
    assert blocks("net.toml") == {"Twice": (layer("ReLU"), "40.toml")}
