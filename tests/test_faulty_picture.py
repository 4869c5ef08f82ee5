"""Pictures of faulty specs: all layers of the text, the fault where it is, and the faults told as ever."""

from __future__ import annotations

from pathlib import Path

import networkx
import pytest

import builder
import dsl
import render
from builder.checking.texts import check_text
from builder.commands.entry import run
from builder.graph import Node, marks, node, nodes, regions

CASES = sorted((Path(__file__).parent / "cases" / "invalid").glob("*.toml"))
HEAD = '[model]\ninputs = { x = ["N", 3, 8, 8] }\nlayers = [\n'
CONV = '{ name = "conv", type = "Conv2d", out_channels = 4, kernel_size = 3 }'
FLAT = '{ name = "flat", type = "Flatten" }'
FC = '{ name = "fc", type = "Linear", out_features = 5 }'


def known(*layers: str, after: str = "") -> networkx.DiGraph[str]:
    graph = builder.partial_graph(HEAD + ",\n".join(layers) + "\n]\n" + after)
    assert isinstance(graph, networkx.DiGraph)
    return graph


def faults_on(graph: networkx.DiGraph[str]) -> dict[str, tuple[str, ...]]:
    assert {each.mark for each in marks(graph).values()} <= {"fault"}
    return {name: each.facts for name, each in marks(graph).items()}


def reads(each: Node) -> list[str]:
    return [reference["from"] for reference in each.reads]


def test_a_layer_at_fault_stands_in_its_place_with_what_is_wrong() -> None:
    graph = known(CONV, '{ name = "odd", type = "Conv3x", width = 3 }', FLAT, FC)
    assert [each.name for each in nodes(graph)] == ["inputs.x", "conv", "odd", "flat", "fc", "outputs.fc"]
    assert faults_on(graph) == {"odd": ('there is no layer type "Conv3x"',)}
    assert node(graph, "odd").type == "Conv3x"
    assert node(graph, "odd").line == 5
    assert reads(node(graph, "odd")) == ["conv"]
    assert reads(node(graph, "flat")) == ["odd"]


def test_shapes_are_known_down_to_the_fault() -> None:
    graph = known(CONV, CONV.replace('"conv"', '"odd"').replace("kernel_size = 3", "kernel_size = 9"), FLAT, FC)
    shapes = {each.name: each.shape for each in nodes(graph)}
    assert shapes == {
        "inputs.x": ["N", 3, 8, 8], "conv": ["N", 4, 6, 6], "odd": None, "flat": None, "fc": None, "outputs.fc": None,
    }  # fmt: skip
    assert node(graph, "odd").kind == "convolution"
    assert node(graph, "odd").arguments == {"out_channels": 4, "kernel_size": 9}
    assert list(faults_on(graph)) == ["odd"]


def test_several_faults_are_several_marks() -> None:
    graph = known(CONV.replace("out_channels", "channels"), FLAT, FC.replace("out_features", "out_feature"))
    assert list(faults_on(graph)) == ["conv", "fc"]
    assert graph.graph["told"] == "2 faults · drawn as far as it is known"


def test_two_layers_of_one_name_are_two_boxes() -> None:
    graph = known(CONV, FLAT, FC, FC)
    assert [each.name for each in nodes(graph)] == ["inputs.x", "conv", "flat", "fc", "fc (2)", "outputs.fc"]
    assert reads(node(graph, "fc (2)")) == ["fc"]
    assert reads(node(graph, "outputs.fc")) == ["fc (2)"]


def test_a_fault_in_a_block_is_marked_in_each_of_its_uses() -> None:
    block = '[blocks.Pair]\nlayers = [{ type = "ReLU" }, { name = "odd", type = "Tanhh" }]\n'
    graph = known('{ name = "a", type = "Pair" }', '{ name = "b", type = "Pair" }', FLAT, after=block)
    assert list(faults_on(graph)) == ["a.odd", "b.odd"]
    assert regions(graph)["b"].children == ["b.0", "b.odd"]
    assert reads(node(graph, "b.0")) == ["a.odd"]


def test_the_copies_of_a_repeat_end_at_the_fault() -> None:
    graph = known(
        f'{{ name = "stage", repeat = 3, layers = [{CONV}, {CONV.replace("conv", "odd", 1)[:-2]}, p = 1 }}] }}'
    )
    assert list(faults_on(graph)) == ["stage.0.odd"]
    assert list(regions(graph)) == ["", "stage", "stage.0"]
    assert reads(node(graph, "outputs.stage")) == ["stage.0.odd"]


def test_a_fault_that_is_told_elsewhere_marks_the_layer_too() -> None:
    graph = known(CONV, FLAT, FC.replace("5", '"${half}"'), after='[vars]\nhalf = "${1 / 0}"\n')
    assert faults_on(graph) == {"fc": ("cannot be worked out",)}


def test_a_fault_of_a_block_marks_its_uses() -> None:
    block = '[blocks.Pair]\nlayers = [{ type = "ReLU" }]\nparams = ["a", "a"]\n'
    graph = known('{ name = "one", type = "Pair", a = 1 }', FLAT, after=block)
    assert list(faults_on(graph)) == ["one"]
    assert "twice" in faults_on(graph)["one"][0]


def test_a_fault_outside_of_the_model_marks_nothing() -> None:
    graph = known(CONV, after='[optimizer]\ntype = "Sgdd"\n')
    assert faults_on(graph) == {}
    assert graph.graph["told"] == "1 fault, not at a layer"


@pytest.mark.parametrize("text", ["[model\n", "", 'name = "x"\n', "[model]\ninputs = {}\nlayers = []\n"])
def test_where_no_layer_can_be_read_there_is_no_picture(text: str) -> None:
    assert check_text(text).diagnostics
    assert builder.partial_graph(text) is None


def test_a_sound_spec_has_its_graph_and_no_partial_one() -> None:
    assert builder.partial_graph(HEAD + CONV + "]\n") is None


def drawn_cases() -> list[tuple[str, networkx.DiGraph[str], tuple[dsl.Diagnostic, ...]]]:
    several = []
    for case in CASES:
        text = case.read_text(encoding="utf-8")
        graph = builder.partial_graph(text, case)
        if graph is not None:
            several.append((case.stem, graph, check_text(text, case).diagnostics))
    return several


def test_every_case_with_a_layer_is_drawn_and_its_first_fault_marked() -> None:
    drawn = drawn_cases()
    assert len(drawn) >= 80
    of_layers, hit = 0, 0
    for _, graph, told in drawn:
        assert render.draw(graph).dot
        first = told[0]
        if first.key.startswith(("model.layers[", "blocks.")) and first.span is not None:
            of_layers += 1
            lines = [graph.nodes[name]["line"] for name in marks(graph) if name in graph.nodes]
            lines += [each.line for name, each in regions(graph).items() if name in marks(graph)]
            hit += first.span.line in lines
    assert of_layers >= 60
    assert hit / of_layers >= 0.9


def test_the_command_draws_and_tells_the_faults(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec, picture = tmp_path / "odd.toml", tmp_path / "odd.svg"
    spec.write_text(HEAD + f"{CONV},\n{FLAT},\n" + FC.replace("Linear", "Lineer") + "]\n")
    assert run([str(spec), "--render", str(picture)]) == 1
    told = capsys.readouterr().err
    assert "note: the spec is at fault; the picture shows what is known of it" in told
    assert 'there is no layer type "Lineer"' in told
    assert "Lineer" in picture.read_text()


def test_the_command_draws_nothing_of_a_text_that_is_not_toml(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec, picture = tmp_path / "odd.toml", tmp_path / "odd.svg"
    spec.write_text("[model\n")
    assert run([str(spec), "--render", str(picture)]) == 1
    assert not picture.exists()
    assert "note:" not in capsys.readouterr().err


def test_a_picture_that_cannot_be_written_hides_no_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "odd.toml"
    spec.write_text(HEAD + FC.replace("Linear", "Lineer") + "]\n")
    assert run([str(spec), "--render", str(tmp_path / "missing" / "odd.svg")]) == 1
    assert 'there is no layer type "Lineer"' in capsys.readouterr().err
