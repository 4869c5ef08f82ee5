"""Two models in one picture: what is added, removed and changed stands where it was, and is marked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import networkx
import pytest

import builder
import dsl
import render
from builder.commands.entry import run
from builder.graph import Marked, arrow_marks, marks, node, nodes, parameter_count, regions, told
from builder.merging import merge
from render.diagram import Arrow, Box, compose

ROOT = Path(__file__).parents[1]
SPECS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "specs").rglob("*.toml"))
HEAD = '[model]\ninputs = { image = ["N", 1, 32, 32] }\nlayers = [\n'
LENET = [
    '{ name = "conv1", type = "Conv2d", out_channels = 6, kernel_size = 5 }',
    '{ type = "relu" }',
    '{ type = "max_pool2d", kernel_size = 2 }',
    '{ name = "conv2", type = "Conv2d", out_channels = 16, kernel_size = 5 }',
    '{ type = "relu" }',
    '{ type = "max_pool2d", kernel_size = 2 }',
    '{ type = "flatten", start_dim = 1 }',
    '{ name = "fc1", type = "Linear", out_features = 120 }',
    '{ type = "relu" }',
    '{ name = "fc2", type = "Linear", out_features = 84 }',
    '{ name = "fc3", type = "Linear", out_features = 10 }',
]
# One layer more, one less, and conv2 wider: what fc1 and fc3 read follows from that.
OTHER = [
    LENET[0],
    '{ name = "norm1", type = "BatchNorm2d" }',
    *LENET[1:3],
    LENET[3].replace("16", "24"),
    *LENET[4:9],
    LENET[10],
]


def spec(layers: list[str], name: str = "") -> str:
    return (f'name = "{name}"\n' if name else "") + HEAD + ",\n".join(layers) + "\n]\n"


def graph_of(layers: list[str], name: str = "") -> networkx.DiGraph[str]:
    graph: networkx.DiGraph[str] = builder.elaborate(dsl.loads(spec(layers, name)))
    return graph


def between(old: list[str], new: list[str]) -> networkx.DiGraph[str]:
    return merge(graph_of(old, "Old"), graph_of(new, "New"))


def boxes(graph: networkx.DiGraph[str]) -> dict[str, Box]:
    return {each.name: each for each in compose(graph).boxes}


def arrows(graph: networkx.DiGraph[str]) -> dict[tuple[str, str], Arrow]:
    return {(each.source, each.target): each for each in compose(graph).arrows}


def test_what_is_added_removed_and_changed_is_marked() -> None:
    graph = between(LENET, OTHER)
    assert marks(graph) == {
        "norm1": Marked("added"),
        "conv2": Marked("changed", ("out_channels 16 → 24",)),
        "fc1": Marked("changed", ("in_features 400 → 600",)),  # 16 or 24 channels of 5×5
        "fc2": Marked("removed", ("had 10,164 parameters",)),  # 120 * 84 + 84
        "fc3": Marked("changed", ("in_features 84 → 120",)),
    }
    # conv2: 9,600 more weights of 5×5×6 for 8 channels: 1,208; norm1: 12; fc1: 200 * 120; fc2; fc3: 36 * 10.
    total = 61_706 + 8 * (6 * 25 + 1) + 12 + 200 * 120 - 10_164 + 360
    assert told(graph).startswith("1 added · 1 removed · 3 changed · 61,706 → " + f"{total:,} parameters · ")
    assert sum(map(parameter_count, nodes(graph))) == total


def test_what_was_removed_stands_between_its_old_neighbours() -> None:
    graph = between(LENET, OTHER)
    order = [each.name for each in nodes(graph)]
    assert order[order.index("fc2") - 1 : order.index("fc2") + 2] == ["9", "fc2", "fc3"]
    assert node(graph, "fc2").reads == [{"from": "9"}]
    assert arrow_marks(graph) == {
        ("9", "fc2"): "removed", ("fc2", "fc3"): "removed", ("conv1", "norm1"): "added", ("norm1", "2"): "added",
    }  # fmt: skip
    drawn = arrows(graph)
    assert drawn["fc1", "fc2"].mark == drawn["fc2", "fc3"].mark == "removed"
    assert drawn["fc1", "fc3"].mark == ""
    assert drawn["conv1", "norm1"].mark == "added"


def test_boxes_tell_marks_and_what_differs() -> None:
    found = boxes(between(LENET, OTHER))
    assert {name: each.mark for name, each in found.items() if each.mark} == {
        "norm1": "added", "conv2": "changed", "fc1": "changed", "fc2": "removed", "fc3": "changed",
    }  # fmt: skip
    assert found["conv2"].detail == ("24 ch", "ReLU", "out_channels 16 → 24")
    assert found["conv2"].remarks == 1


def test_a_removed_activation_has_a_box_of_its_own() -> None:
    found = boxes(between(LENET, [*LENET[:4], *LENET[5:]]))
    assert [name for name, each in found.items() if each.mark == "removed"] == ["removed.4"]
    assert found["conv2"].detail == ("16 ch",)


def test_a_name_that_is_taken_by_now_is_another_one() -> None:
    """The second layer of the old model is gone, and the new one's second is another."""
    graph = between([*LENET[:3], *LENET[6:]], [LENET[0], *LENET[2:3], *LENET[6:]])
    assert [(name, each.mark) for name, each in marks(graph).items() if each.mark == "removed"] == [
        ("removed.1", "removed"),
    ]  # fmt: skip


GROUP = '{ name = "%s", layers = [{ type = "relu" }, { name = "fc", type = "Linear", out_features = %d }] }'


def test_a_group_is_added_whole_with_all_that_is_in_it() -> None:
    graph = between([LENET[6], LENET[10]], [LENET[6], GROUP % ("head", 1024), LENET[10]])
    assert {name: each.mark for name, each in marks(graph).items()} == {
        "head": "added", "head.0": "added", "head.fc": "added",
    }  # fmt: skip
    assert told(graph).startswith("2 added · 10,250 → 1,059,850 parameters")  # fc: 1024 * 1024 + 1024


def test_a_group_that_was_removed_is_a_group_still() -> None:
    graph = between([LENET[6], GROUP % ("head", 1024), LENET[10]], [LENET[6], LENET[10]])
    assert regions(graph)["head"].children == ["head.0", "head.fc"]
    assert regions(graph)[""].children == ["0", "head", "fc3"]
    assert {each.name: each.mark for each in compose(graph).clusters} == {"head": "removed"}
    assert sum(map(parameter_count, nodes(graph))) == 10_250


def test_a_repeat_that_is_longer_says_so() -> None:
    layers = '{ name = "stage", repeat = %d, layers = [{ type = "relu" }] }'
    graph = between([layers % 2], [layers % 3])
    assert marks(graph) == {
        "stage": Marked("changed", ("repeat 2 → 3",)), "stage.2": Marked("added"), "stage.2.0": Marked("added"),
    }  # fmt: skip


def test_another_input_is_another_arrow() -> None:
    layers = ['{ name = "a", type = "relu" }', '{ name = "b", type = "tanh" }',
              '{ name = "sum", type = "add", input = ["%s", "b"] }']  # fmt: skip
    graph = between([*layers[:2], layers[2] % "a"], [*layers[:2], layers[2] % "image"])
    assert marks(graph) == {"sum": Marked("changed", ("input [a, b] → [image, b]",))}
    assert arrow_marks(graph) == {("a", "sum"): "removed", ("inputs.image", "sum"): "added"}
    assert arrows(graph)["a", "sum"].mark == "removed"
    assert boxes(graph)["sum"].form == "table"  # a circle has no room for what differs


def test_inputs_and_outputs_are_marked_too() -> None:
    text = spec(LENET[:2], "New").replace("image =", "picture =")
    graph = merge(graph_of(LENET[:2], "Old"), builder.elaborate(dsl.loads(text)))
    assert {name: each.mark for name, each in marks(graph).items()} == {
        "inputs.picture": "added", "inputs.image": "removed",
    } | {name: each.mark for name, each in marks(graph).items() if not name.startswith("inputs.")}  # fmt: skip
    assert regions(graph)[""].children == ["conv1", "1"]


def test_added_layers_share_a_box_as_others_do() -> None:
    found = boxes(between(LENET[:3], [*LENET[:3], *LENET[3:5], LENET[5]]))
    assert found["conv2"].mark == "added"
    assert found["conv2"].members == ("conv2", "4")


def test_the_shape_of_an_input_follows_from_nothing() -> None:
    text = spec(LENET[:3]).replace("32, 32", "64, 64")
    graph = merge(graph_of(LENET[:3]), builder.elaborate(dsl.loads(text)))
    assert marks(graph) == {"inputs.image": Marked("changed", ("shape (N, 1, 32, 32) → (N, 1, 64, 64)",))}


BLOCK = """
[blocks.Pair]
params = ["size"]
layers = [
  { name = "conv", type = "Conv2d", out_channels = 4, kernel_size = "${size}" },
  { name = "norm", type = "BatchNorm2d" },
  { type = "relu" },
  { type = "max_pool2d", kernel_size = 1 },
]
"""


def blocks(sizes: list[int]) -> networkx.DiGraph[str]:
    layers = [f'{{ name = "b{number}", type = "Pair", size = {size} }}' for number, size in enumerate(sizes)]
    graph: networkx.DiGraph[str] = builder.elaborate(dsl.loads(spec(layers) + BLOCK))
    return graph


def test_a_block_with_a_difference_is_drawn_open_though_the_same_stands_above_it() -> None:
    """Each structure is drawn open once: of four blocks with different sizes, the others would be closed."""
    graph = merge(blocks([1, 2, 3, 4]), blocks([1, 2, 5, 4]))
    drawn = compose(graph)
    assert [each.name for each in drawn.clusters] == ["b0", "b2"]
    assert {each.region for each in drawn.boxes if each.region} == {"b1", "b3"}
    assert boxes(graph)["b2.conv"].detail[-1] == "kernel_size 3 → 5"


def test_a_closed_group_says_how_much_is_different_inside() -> None:
    drawn = {each.name: each for each in compose(merge(blocks([1, 2]), blocks([1, 3])), level="overview").boxes}
    assert (drawn["b0"].mark, drawn["b1"].mark) == ("", "changed")
    assert drawn["b1"].detail[-1] == "conv: kernel_size 2 → 3"
    other = BLOCK.replace("BatchNorm2d", "InstanceNorm2d").replace("4,", "5,")
    wider = builder.elaborate(dsl.loads(spec(['{ name = "b0", type = "Pair", size = 3 }']) + other))
    drawn = {each.name: each for each in compose(merge(blocks([1]), wider), level="overview").boxes}
    assert drawn["b0"].detail[-1] == "2 changes inside"


def test_copies_that_differ_alike_stand_as_one() -> None:
    repeated = ['{ name = "stage", repeat = 6, type = "Pair", size = 1 }']
    texts = [
        spec(repeated) + BLOCK,
        spec(repeated) + BLOCK.replace("out_channels = 4", "out_channels = 4, bias = false"),
    ]
    graph = merge(*(builder.elaborate(dsl.loads(each)) for each in texts))
    assert told(graph).startswith("6 changed")
    drawn = compose(graph)
    assert [(each.name, each.mark) for each in drawn.boxes if each.mark] == [("stage.0.conv", "changed")]
    assert [(each.name, each.copies) for each in drawn.clusters] == [("stage", 6)]


def test_the_title_names_both_models() -> None:
    assert compose(between(LENET, OTHER)).title == "Old → New"


@pytest.mark.parametrize("name", SPECS)
def test_a_model_beside_itself_is_itself(name: str) -> None:
    graph = builder.elaborate(dsl.load(ROOT / name))
    same = merge(graph, graph)
    assert marks(same) == {}
    assert told(same).startswith("no difference · ")
    assert list(same) == list(graph)
    assert set(same.edges) == set(graph.edges)


def test_it_is_plain_data() -> None:
    graph = between(LENET, OTHER)
    data = json.loads(json.dumps(networkx.node_link_data(graph, edges="edges")))
    again: Any = networkx.node_link_graph(data, edges="edges")
    assert compose(again) == compose(graph)
    assert render.draw(again).dot == render.draw(graph).dot


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new, picture = tmp_path / "old.toml", tmp_path / "new.toml", tmp_path / "both.svg"
    old.write_text(spec(LENET))
    new.write_text(spec(OTHER))
    assert run(["diff", str(old), str(new), "--render", str(picture), "--render", str(tmp_path / "both.dot")]) == 1
    assert "out_channels 16 → 24" in picture.read_text(encoding="utf-8")
    assert "old → new" in picture.read_text(encoding="utf-8")
    assert "+ norm1 (BatchNorm2d)" in capsys.readouterr().out
    assert run(["diff", str(old), str(old), "--render", str(picture), "--theme", "dark"]) == 0


@pytest.mark.parametrize("name", ["both.svgg", "both", "-"])
def test_the_command_refuses_a_name_before_any_work(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", "missing.toml", "missing.toml", f"--render={name}"]) == 2
    assert f"--render {name}: " in capsys.readouterr().err
