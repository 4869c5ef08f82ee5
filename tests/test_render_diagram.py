"""What is on a picture, in words: against what a person would write down for three models."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import graphs
import networkx
import pytest

from builder.graph import Node, Region, assemble
from render.diagram import LABELS_UP_TO, Box, Diagram, compose


def box(diagram: Diagram, name: str) -> Box:
    return next(each for each in diagram.boxes if each.name == name)


def told(diagram: Diagram) -> list[tuple[str, str, str, int]]:
    return [(each.title, each.label, " · ".join(each.detail), each.parameters) for each in diagram.boxes]


def arrows(diagram: Diagram) -> list[tuple[str, str, str, str]]:
    return [(each.source, each.target, each.label, each.role) for each in diagram.arrows]


def test_lenet() -> None:
    diagram = compose(graphs.lenet(), level="full")
    assert (diagram.title, diagram.subtitle) == ("Net", "input 1×32×32 · 61,706 parameters")
    assert told(diagram) == [
        ("Input", "image", "", 0),
        ("Conv 5×5", "conv1", "6 ch · ReLU", 6 * 25 + 6),
        ("MaxPool 2×2", "", "", 0),
        ("Conv 5×5", "conv2", "16 ch · ReLU", 16 * 6 * 25 + 16),
        ("MaxPool 2×2", "", "", 0),
        ("Flatten", "", "", 0),
        ("Linear", "fc1", "400 → 120 · ReLU", 400 * 120 + 120),
        ("Linear", "fc2", "120 → 84 · ReLU", 120 * 84 + 84),
        ("Linear", "fc3", "84 → 10", 84 * 10 + 10),
        ("Output", "", "", 0),
    ]
    assert [each.label for each in diagram.arrows] == [
        "1×32×32", "6×28×28", "6×14×14", "16×10×10", "16×5×5", "400", "120", "84", "10",
    ]  # fmt: skip
    assert {each.role for each in diagram.arrows} == {"spine"}
    assert diagram.legend == ("input", "convolution", "pooling", "shape", "linear")
    assert diagram.clusters == ()


def test_alexnet() -> None:
    diagram = compose(graphs.alexnet(), level="full")
    assert diagram.subtitle == "input 1×224×224 · 46,764,746 parameters"
    assert told(diagram)[1:3] == [
        ("Conv 11×11", "", "96 ch · stride 4 · ReLU", 11712),
        ("MaxPool 3×3", "", "stride 2", 0),
    ]
    assert told(diagram)[-4] == ("Linear", "", "6400 → 4096 · ReLU · Dropout 0.5", 6400 * 4096 + 4096)
    assert [each.label for each in diagram.arrows] == [
        "1×224×224", "96×54×54", "96×26×26", "256×26×26", "256×12×12", "384×12×12", "", "256×12×12", "256×5×5",
        "6400", "4096", "", "10",
    ]  # fmt: skip
    assert [(each.name, each.parent, each.title, each.detail) for each in diagram.clusters] == [
        ("conv", "", "conv", "3,723,968 parameters"),
        ("fc", "", "fc", "43,040,778 parameters"),
    ]
    assert box(diagram, "1").cluster == ""
    assert box(diagram, "fc.0").members == ("fc.0", "fc.1", "fc.2")


def test_residual_block_has_an_entry_a_dashed_skip_and_a_merge() -> None:
    diagram = compose(graphs.residual(), level="full")
    small = "128×(H//2)×(W//2)"
    assert arrows(diagram) == [
        ("inputs.image", "layer.0/inputs.image", "64×H×W", "spine"),
        ("layer.0/inputs.image", "layer.0.conv1", "", "spine"),
        ("layer.0/inputs.image", "layer.0.downsample.0", "", "branch"),
        ("layer.0.conv1", "layer.0.conv2", small, "spine"),
        ("layer.0.conv2", "layer.0.6", "", "spine"),
        ("layer.0.downsample.0", "layer.0.6", "", "branch"),
        ("layer.0.6", "layer.0.7", "", "spine"),
        ("layer.0.7", "layer.1/layer.0.7", small, "spine"),
        ("layer.1/layer.0.7", "layer.1.conv1", "", "spine"),
        ("layer.1/layer.0.7", "layer.1.6", "", "skip"),
        ("layer.1.conv1", "layer.1.conv2", "", "spine"),
        ("layer.1.conv2", "layer.1.6", "", "spine"),
        ("layer.1.6", "layer.1.7", "", "spine"),
        ("layer.1.7", "outputs.output", small, "spine"),
    ]
    assert [(each.name, each.parent, each.title, each.detail) for each in diagram.clusters] == [
        ("layer.0", "", "layer.0", "BasicBlock · 230,144"),
        ("layer.0.downsample", "layer.0", "downsample", "8,448 parameters"),
        ("layer.1", "", "layer.1", "BasicBlock · 295,424"),
    ]
    merge = box(diagram, "layer.0.6")
    assert (merge.form, merge.title, merge.kind) == ("circle", "+", "merge")
    assert box(diagram, "layer.1/layer.0.7").cluster == "layer.1"
    assert " · ".join(box(diagram, "layer.0.conv1").detail) == "128 ch · stride 2 · pad 1 · BatchNorm · ReLU"


@pytest.mark.parametrize(
    ("graph", "total"), [(graphs.lenet, 61706), (graphs.alexnet, 46764746), (graphs.residual, 525568)]
)
@pytest.mark.parametrize("compact", [True, False])
def test_parameters_on_the_picture_sum_to_the_models(graph: Any, total: int, compact: bool) -> None:
    diagram = compose(graph(), compact=compact)
    assert sum(each.parameters for each in diagram.boxes) == total


@pytest.mark.parametrize("compact", [True, False])
def test_every_node_is_on_the_picture_once(compact: bool) -> None:
    graph = graphs.residual()
    diagram = compose(graph, compact=compact)
    assert sorted(name for each in diagram.boxes for name in each.members) == sorted(graph)


def test_not_compact_gives_each_layer_a_box() -> None:
    diagram = compose(graphs.alexnet(), compact=False)
    assert len(diagram.boxes) == 23
    assert told(diagram)[-5:-1] == [
        ("Linear", "", "4096 → 4096", 4096 * 4096 + 4096),
        ("ReLU", "", "", 0),
        ("Dropout", "", "0.5", 0),
        ("Linear", "", "4096 → 10", 40970),
    ]


def test_an_activation_whose_producer_is_read_elsewhere_stands_by_itself() -> None:
    diagram = compose(
        _model(
            _node("fc", "Linear", "linear", "inputs.x"),
            _node("act", "ReLU", "activation", "fc"),
            _node("2", "mul", "merge", "act", "fc"),
        )
    )
    assert [each.name for each in diagram.boxes] == ["inputs.x", "fc", "act", "2", "outputs.output"]
    assert box(diagram, "2").title == "×"
    assert ("fc", "2", "", "skip") in arrows(diagram)


def test_several_results_are_told_by_what_is_picked() -> None:
    lstm = Node(
        name="lstm", type="LSTM", target="torch.nn.LSTM", role="module", kind="recurrent", reads=[{"from": "inputs.x"}],
        arguments={"input_size": 4, "hidden_size": 8, "num_layers": 2, "bidirectional": True},
        input_shapes=[["N", "T", 4]], shape=[["N", "T", 16], [[4, "N", 8], [4, "N", 8]]],
    )  # fmt: skip
    reader = _node("fc", "Linear", "linear", "lstm")
    reader.reads[0]["pick"] = [1, 0]
    diagram = compose(_model(lstm, reader))
    assert box(diagram, "lstm").detail == ("4 → 8", "2 layers", "bidirectional")
    assert ("lstm", "fc", "4×N×8", "spine") in arrows(diagram)
    assert box(diagram, "lstm").shape == "T×16, 4×N×8, 4×N×8"


@pytest.mark.parametrize(
    ("type_", "kind", "arguments", "title", "detail"),
    [
        (
            "Conv1d",
            "convolution",
            {"kernel_size": 3, "out_channels": 8, "padding": "same"},
            "Conv 3",
            "8 ch · pad same",
        ),
        ("Conv2d", "convolution", {"kernel_size": [3, 5], "out_channels": 8, "stride": [1, 1]}, "Conv 3×5", "8 ch"),
        (
            "Conv2d",
            "convolution",
            {"kernel_size": 3, "in_channels": 8, "out_channels": 8, "groups": 8},
            "Depthwise conv 3×3",
            "8 ch",
        ),
        ("ConvTranspose2d", "convolution", {"kernel_size": 2, "out_channels": 8}, "Transposed conv 2×2", "8 ch"),
        ("AdaptiveAvgPool2d", "pooling", {"output_size": 1}, "AdaptiveAvgPool 1×1", ""),
        ("avg_pool2d", "pooling", {"kernel_size": 2, "stride": [2, 1]}, "AvgPool 2×2", "stride 2×1"),
        ("LayerNorm", "normalisation", {"normalized_shape": [8]}, "LayerNorm", ""),
        ("scaled_dot_product_attention", "attention", {"is_causal": True}, "Attention", "causal"),
        ("MeanSubtract", "other", {}, "MeanSubtract", ""),
        ("masked_fill", "other", {"value": 0.5, "inplace": False}, "Masked fill", "value 0.5"),
        ("Embedding", "embedding", {"num_embeddings": 100, "embedding_dim": 8}, "Embedding", "100 × 8"),
    ],
)
def test_titles_and_details_a_person_would_say(
    type_: str, kind: str, arguments: dict[str, Any], title: str, detail: str
) -> None:
    node = _node("layer", type_, kind, "inputs.x", **arguments)
    layer = box(compose(_model(node)), "layer")
    assert (layer.title, " · ".join(layer.detail)) == (title, detail)


def test_time_at_the_front_is_not_the_batch() -> None:
    graph = _model(_node("fc", "Linear", "linear", "inputs.x"), shape=["T", "N", 4])
    assert arrows(compose(graph))[0][2] == "T×N×4"


def test_a_scalar_and_a_batch_of_scalars_have_words() -> None:
    loss = _node("loss", "MSELoss", "loss", "inputs.x")
    loss.shape.clear()
    assert ("loss", "outputs.output", "scalar", "spine") in arrows(compose(_model(loss)))
    each = _node("each", "sum", "other", "inputs.x")
    each.shape[:] = ["N"]
    assert ("each", "outputs.output", "N", "spine") in arrows(compose(_model(each)))


def test_very_long_names_lose_their_middle() -> None:
    diagram = compose(graphs.single("a" * 100 + "b" * 100, "M" * 50 + "x" * 50))
    assert diagram.title == "M" * 30 + "…" + "x" * 29
    assert diagram.boxes[1].label == "a" * 12 + "…" + "b" * 11


def test_too_many_arrows_leave_the_shapes_out_and_say_so() -> None:
    at_limit, above = (compose(graphs.chain(LABELS_UP_TO + more), level="full") for more in (-1, 0))
    assert at_limit.arrows[0].label == "4"
    assert "left out" not in at_limit.subtitle
    assert {each.label for each in above.arrows} == {""}
    assert above.subtitle.endswith("shapes left out, too many arrows")


def test_a_group_without_a_name_shows_no_bare_number() -> None:
    nodes = [
        graphs.input_node("x", ["N", 4]),
        _node("1.0", "Linear", "linear", "inputs.x", region="1"),
        graphs.output_node("output", "1.0", ["N", 4]),
    ]
    regions = [Region(name="", type="M", children=["inputs.x", "1", "outputs.output"]), Region(name="1", type="")]
    diagram = compose(assemble("M", "", "m.toml", nodes, [*regions], []), level="full")
    assert [each.title for each in diagram.clusters] == ["group"]
    assert box(diagram, "1.0").label == ""


def _node(name: str, type_: str, kind: str, *sources: str, region: str = "", **arguments: Any) -> Node:
    return Node(
        name=name, type=type_, target=f"torch.{type_}", role="function", kind=kind, region=region, arguments=arguments,
        reads=[{"from": each} for each in sources], input_shapes=[["N", 4] for _ in sources], shape=["N", 4],
    )  # fmt: skip


def _model(*nodes: Node, shape: list[Any] | None = None) -> networkx.DiGraph[str]:
    last = nodes[-1]
    ends = graphs.input_node("x", shape or ["N", 4]), graphs.output_node("output", last.name, last.shape)
    everything = [ends[0], *nodes, ends[1]]
    region = Region(name="", type="M", children=[each.name for each in everything])
    return assemble("M", "", "m.toml", everything, [region], [])


def test_render_reads_the_graph_and_nothing_else_of_the_model() -> None:
    ours = set()
    for file in (Path(__file__).parents[1] / "render").rglob("*.py"):
        for statement in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(statement, ast.ImportFrom):
                ours.add(str(statement.module))
            elif isinstance(statement, ast.Import):
                ours |= {each.name for each in statement.names}
    outside = {name for name in ours if name.split(".")[0] in ("builder", "dsl", "torch")}
    assert outside == {"builder.graph", "builder.files"}
