"""Every level of every model of the gallery: nothing is lost on the picture, and nothing is counted twice."""

from __future__ import annotations

import random
from typing import Any, get_args

import gallery
import networkx
import pytest
import torch
from test_language_oracle import legal, text_of
from torch.utils.flop_counter import FlopCounterMode

import dsl
from builder.building import elaborate, module_of
from builder.graph import nodes, references
from render.amounts import amount_said, summed
from render.diagram import Diagram, compose
from render.folding.walk import Level

# What the free sizes of the gallery are, for adding up: numbers that no two texts agree on by chance.
SIZES = {"N": 1, "T": 7, "H": 64, "W": 96}
ROOT = gallery.FOLDER.parent
PATHS = {**{name: gallery.FOLDER / f"{name}.toml" for name in gallery.NAMES},
         "lenet": ROOT / "lenet.toml", "alexnet": ROOT / "alexnet.toml"}  # fmt: skip


def graph_of(name: str) -> networkx.DiGraph[str]:
    return elaborate(dsl.load(PATHS[name]))


def number(amount: Any) -> int:
    return int(eval(str(amount), {}, SIZES))


@pytest.mark.parametrize("name", PATHS)
def test_parameters_are_the_modules_at_every_level(name: str) -> None:
    graph = graph_of(name)
    with torch.device("meta"):
        expected = sum(each.numel() for each in module_of(graph).parameters())
    for level in get_args(Level):
        diagram = compose(graph, level=level)
        assert sum(each.parameters for each in diagram.boxes) == diagram.parameters == expected
        outer = [each for each in diagram.clusters if not each.parent]
        loose = sum(each.parameters for each in diagram.boxes if not each.cluster)
        assert sum(each.parameters for each in outer) + loose == expected


@pytest.mark.parametrize("name", PATHS)
def test_multiply_adds_are_the_graphs_at_every_level(name: str) -> None:
    graph = graph_of(name)
    expected = sum(number(each.multiply_adds) for each in nodes(graph))
    for level in get_args(Level):
        diagram = compose(graph, level=level)
        assert sum(number(each.multiply_adds) for each in diagram.boxes) == expected
        assert number(diagram.multiply_adds) == expected


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("lenet", torch.zeros(1, 1, 32, 32)),
        ("alexnet", torch.zeros(1, 1, 224, 224)),
        ("resnet18", torch.zeros(1, 3, 224, 224)),
        ("gpt2", torch.zeros(1, 7, dtype=torch.int64)),
    ],
)
def test_multiply_adds_are_half_of_what_torch_counts(name: str, inputs: torch.Tensor) -> None:
    graph = graph_of(name)
    with torch.device("meta"):
        module = module_of(graph).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(inputs.to("meta"))
    for level in get_args(Level):
        assert 2 * sum(number(each.multiply_adds) for each in compose(graph, level=level).boxes) == (
            counter.get_total_flops()
        )


@pytest.mark.parametrize("name", PATHS)
def test_every_layer_stands_in_one_box_and_arrows_are_true(name: str) -> None:
    graph = graph_of(name)
    for level in get_args(Level):
        diagram = compose(graph, level=level)
        assert sorted(each for box in diagram.boxes for each in box.members) == sorted(graph)
        assert_true(graph, diagram, level)


@pytest.mark.parametrize("seed", range(60))
def test_arrows_are_true_whatever_is_asked_for(seed: int) -> None:
    """Random models of the language, random names open and closed."""
    chance = random.Random(seed)
    graph = elaborate(dsl.loads(text_of(legal(seed, size=4 + seed % 12))))
    names = sorted(graph.graph["regions"])[1:]
    for level in get_args(Level):
        expand, collapse = ([chance.choice(names)] if names and chance.random() < 0.4 else [] for _ in range(2))
        diagram = compose(graph, level=level, expand=expand, collapse=collapse)
        assert sorted(each for box in diagram.boxes for each in box.members) == sorted(graph)
        assert_true(graph, diagram, "collapsed" if collapse else level)


def assert_true(graph: networkx.DiGraph[str], diagram: Diagram, level: str) -> None:
    """An arrow for each reading of a box, but for those of later copies; no other arrow; and no way around."""
    box_of = {member: box.name for box in diagram.boxes for member in box.members}
    read = {
        (box_of[source], box_of[each.name])
        for each in nodes(graph)
        for source in references([each.reads, each.keyword_reads])
        if box_of[source] != box_of[each.name]
    }
    drawn = joined(diagram)
    assert drawn <= read
    assert drawn == read or level != "full"
    assert {target for _, target in drawn} == {target for _, target in read}
    assert networkx.is_directed_acyclic_graph(networkx.DiGraph(list(drawn)))


def joined(diagram: Diagram) -> set[tuple[str, str]]:
    """The arrows from box to box, those over the dots where clusters are entered as one."""
    into = {each.target: each.source for each in diagram.arrows}
    dots = {each.name for each in diagram.boxes if each.form == "dot"}

    def origin(name: str) -> str:
        return origin(into[name]) if name in dots else name

    return {(origin(each.source), each.target) for each in diagram.arrows if each.target not in dots}


@pytest.mark.parametrize(
    ("sizes", "sum_", "said"),
    [
        ([], 0, ""),
        ([5, 7], 12, "12"),
        ([1_814_073_344], 1_814_073_344, "1.8 G"),
        ([999_949], 999_949, "1.0 M"),
        ([9_949], 9_949, "9.9 k"),
        (["589824 * T", 3, "T", "589824 * T"], "1179649 * T + 3", "1.2 M × T + 3"),
        (["2 * T * T + 5", "T * T - 8 * (T + 1)"], "3 * T * T - 8 * (T + 1) + 5", "3 × T × T - 8 × (T + 1) + 5"),
        (["4 * T | 9", 1], "4 * T + 1", "4 × T + 1"),
        (["64 * (H // 2) * (W // 2)", "3 * H * W"], "64 * (H // 2) * (W // 2) + 3 * H * W", "19 × H × W"),
        (["A", "B", "C", "D"], "A + B + C + D", ""),
    ],
)
def test_amounts_add_up_and_are_said(sizes: list[int | str], sum_: int | str, said: str) -> None:
    assert summed(sizes) == sum_
    assert amount_said(summed(sizes)) == said
