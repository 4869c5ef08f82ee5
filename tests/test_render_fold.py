"""What a picture folds: what a person would draw of known models, and when one copy may stand for several."""

from __future__ import annotations

import re
from typing import Any

import gallery
import graphs
import networkx
import pytest

import dsl
from builder.building import elaborate
from render.diagram import Box, Diagram, compose

HEAD = 'name = "M"\n[blocks.Wide]\nlayers = [{ type = "Linear", out_features = 8 }, { type = "relu" },\n'
HEAD += '{ type = "Linear", out_features = 4 }]\n[blocks.Skip]\nlayers = [{ type = "Linear", out_features = 4 },\n'
HEAD += '{ name = "sum", type = "add", other = "x" }]\n'
HEAD += '[blocks.Held]\ninputs = ["x", "memory"]\nlayers = [{ type = "Linear", input = "x", out_features = 4 },\n'
HEAD += '{ type = "add", other = "memory" }]\n[model]\ninputs = { x = ["N", 4] }\nlayers = [\n'


def model(*layers: str, outputs: str = "") -> networkx.DiGraph[str]:
    return elaborate(dsl.loads(HEAD + ",\n".join(layers) + "\n]\n" + outputs))


def known(name: str) -> networkx.DiGraph[str]:
    return elaborate(gallery.load(name))


def closed(diagram: Diagram) -> list[str]:
    return [each.name for each in diagram.boxes if each.region]


def opened(diagram: Diagram) -> dict[str, int]:
    """What is drawn open, and how many copies each stands for."""
    return {each.name: each.copies for each in diagram.clusters}


def copies(diagram: Diagram) -> dict[str, int]:
    """What stands for several."""
    parts = [(each.name, each.copies) for each in diagram.clusters]
    parts += [(each.name, each.copies) for each in diagram.boxes]
    return {name: count for name, count in parts if count > 1}


def box(diagram: Diagram, name: str) -> Box:
    return next(each for each in diagram.boxes if each.name == name)


def told(each: Box) -> tuple[str, str, str, int, int]:
    return each.title, each.label, " · ".join(each.detail), each.parameters, each.copies


def pairs(diagram: Diagram) -> list[tuple[str, str]]:
    return [(each.source, each.target) for each in diagram.arrows]


def test_resnet18_draws_a_block_open_with_its_projection_and_one_without() -> None:
    diagram = compose(known("resnet18"))
    assert opened(diagram) == {"layer1": 2, "layer2": 1, "layer2.0": 1}
    assert closed(diagram) == ["layer2.1", "layer3", "layer4"]
    # A convolution has 9 weights for each pair of channels, a batch norm 2 numbers for each channel.
    plain = 2 * (9 * 128 * 128 + 2 * 128)
    assert told(box(diagram, "layer2.1")) == ("BasicBlock", "layer2.1", "2 convolutions · 128 ch", plain, 1)
    layer3 = 9 * 128 * 256 + 3 * 9 * 256 * 256 + 4 * 2 * 256 + 128 * 256 + 2 * 256
    assert told(box(diagram, "layer3")) == ("BasicBlock", "layer3", "5 convolutions · 128 → 256 ch", layer3, 2)
    first = diagram.clusters[0]
    assert (first.title, first.detail, first.parameters) == ("layer1", "BasicBlock · 147,968", 147968)
    assert told(box(diagram, "layer1.0.conv1"))[3] == 2 * (9 * 64 * 64 + 2 * 64)
    assert ("layer1.0.6", "layer2.0/layer1.0.6") in pairs(diagram)
    assert diagram.subtitle == (
        "input 3×224×224 · 11,689,512 parameters · 1.8 G multiply-adds · blocks and repeats drawn once"
    )


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        ("resnet50", [("layer1", "Bottleneck", 3), ("layer2", "Bottleneck", 4), ("layer3", "Bottleneck", 6),
                      ("layer4", "Bottleneck", 3)]),
        ("gpt2", [("transformer.h", "Block", 12)]),
        ("bert_base", [("embeddings", "embeddings", 1), ("encoder", "Layer", 12), ("pooler", "pooler", 1)]),
        ("vit_b_16", [("encoder.layers", "EncoderBlock", 12)]),
        ("triplet", [("a", "a", 1), ("p", "p", 1), ("n", "n", 1)]),
        ("vae", [("decoder", "decoder", 1)]),
    ],
)  # fmt: skip
def test_overview_has_a_box_a_stage(name: str, stages: list[tuple[str, str, int]]) -> None:
    diagram = compose(known(name), level="overview")
    assert [(each.name, each.title, each.copies) for each in diagram.boxes if each.region] == stages


def test_googlenet_draws_inception_open_once_and_the_eight_others_closed() -> None:
    diagram = compose(known("googlenet"))
    assert [each.name for each in diagram.clusters if "Inception" in each.detail] == ["inception3a"]
    assert closed(diagram) == [f"inception{each}" for each in ("3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b")]
    inside = [each for each in diagram.boxes if each.cluster.startswith("inception3a")]
    assert [each.title for each in inside if each.form != "dot"] == [
        "Conv 1×1", "Conv 1×1", "Conv 3×3", "Conv 1×1", "Conv 3×3", "MaxPool 3×3", "Conv 1×1", "cat",
    ]  # fmt: skip


def test_gpt2_and_bert_draw_one_block_open_for_twelve() -> None:
    assert copies(compose(known("gpt2"))) == {"transformer.h": 12}
    assert copies(compose(known("bert_base"))) == {"encoder": 12}


def test_densenet_folds_layers_that_read_ever_more_channels() -> None:
    diagram = compose(known("densenet121"))
    assert copies(diagram) == {"features.denseblock1.denselayer1": 6}
    layers = next(each for each in diagram.clusters if each.copies == 6)
    assert layers.title == "denselayer1–6"
    assert closed(diagram) == [f"features.{each}" for each in (
        "denseblock2", "transition2", "denseblock3", "transition3", "denseblock4")]  # fmt: skip
    second = box(diagram, "features.denseblock2")
    assert (second.title, second.detail) == ("DenseBlock", ("12 × DenseLayer", "128 → 512 ch"))
    into = next(each for each in diagram.arrows if each.target.startswith(f"{layers.name}/"))
    out = next(each for each in diagram.arrows if each.target == "features.transition1.norm")
    assert (into.label, out.label) == ("64×56×56", "256×56×56")
    inner = {each.label for each in diagram.arrows if each.source.startswith(f"{layers.name}.")}
    assert inner == {"", "128×56×56", "32×56×56", "256×56×56"}, "what differs from copy to copy is not told"


def test_a_shared_module_is_open_once_and_its_calls_say_whose_they_are() -> None:
    diagram = compose(known("triplet"))
    assert (opened(diagram), closed(diagram)) == ({"a": 1}, ["p", "n"])
    assert told(box(diagram, "p")) == ("p", "", "shares a · 2 linear layers", 0, 1)
    assert diagram.parameters == 64 * 128 + 128 + 128 * 16 + 16


def test_a_block_of_one_layer_is_that_layer_under_the_blocks_name() -> None:
    diagram = compose(known("googlenet"))
    assert told(box(diagram, "conv1.conv"))[:3] == (
        "Conv 7×7", "conv1", "64 ch · stride 2 · pad 3 · BatchNorm · ReLU",
    )  # fmt: skip
    own = box(compose(known("gpt2")), "transformer.h.0.attn.c_attn")
    assert (own.title, own.detail, own.parameters) == ("Conv1D", ("768 → 2304",), 12 * (768 * 2304 + 2304))


def test_what_differs_in_each_copy_is_told_as_a_range() -> None:
    diagram = compose(known("convnext_tiny"))
    assert copies(diagram)["features.1"] == 3
    # 0.1 * i / 17 for i = 0, 1, 2
    assert "0–0.0118" in box(diagram, "features.1.0.3").detail


WIDE = '{ name = "first", type = "Wide" }'


@pytest.mark.parametrize(
    ("layers", "outputs", "folded"),
    [
        (['{ name = "a", type = "Wide", repeat = 3 }'], "", {"a": 3}),
        (['{ name = "a", type = "Wide" }', '{ name = "b", type = "Wide" }'], "", {"a": 2}),
        (['{ name = "a", type = "Skip", repeat = 3 }'], "", {"a": 3}),
        # Each reads what the first reads besides its predecessor.
        (['{ name = "m", type = "Linear", out_features = 4 }',
          '{ name = "a", type = "Held", input = ["x", "m"], repeat = 3 }'], "", {"a": 3}),
        # What the first copy reads in two places, the others read in one.
        (['{ name = "a", type = "Held", input = ["x", "x"], repeat = 3 }'], "", {"a.1": 2}),
        # Side by side, not one after another.
        (['{ name = "a", type = "Wide" }', '{ name = "b", type = "Wide", input = "x" }',
          '{ type = "add", other = "a" }'], "", {}),
        # The second is read from outside, so the run ends with it.
        (['{ name = "a", type = "Wide" }', '{ name = "b", type = "Wide" }', '{ name = "c", type = "Wide" }',
          '{ name = "d", type = "Wide" }', '{ type = "add", other = "b" }'], "", {"a": 2, "c": 2}),
        (['{ name = "a", type = "Wide" }', '{ name = "b", type = "Wide" }'], 'outputs = ["a", "b"]', {}),
        # The third reads the first too.
        (['{ name = "a", type = "Skip" }', '{ name = "b", type = "Held", input = ["a", "x"] }',
          '{ name = "c", type = "Held", input = ["b", "a"] }'], "", {}),
        # Other arguments, other copies.
        (['{ name = "a", type = "Linear", out_features = 4, repeat = 3, bias = "${i > 0}" }'], "", {"a.1": 2}),
    ],
)  # fmt: skip
def test_one_stands_for_several_only_where_that_is_true(
    layers: list[str], outputs: str, folded: dict[str, int]
) -> None:
    assert copies(compose(model(*layers, outputs=outputs))) == folded


def test_what_leaves_a_run_is_what_its_last_copy_gives() -> None:
    graph = model('{ name = "a", type = "Skip", repeat = 3 }', '{ name = "end", type = "Linear", out_features = 2 }')
    diagram = compose(graph)
    assert pairs(diagram) == [
        ("inputs.x", "a/inputs.x"), ("a/inputs.x", "a.0.0"), ("a/inputs.x", "a.0.sum"), ("a.0.0", "a.0.sum"),
        ("a.0.sum", "end"), ("end", "outputs.end"),
    ]  # fmt: skip
    assert box(diagram, "a.0.0").members == ("a.0.0", "a.1.0", "a.2.0")
    assert box(diagram, "a.0.0").parameters == 3 * 20


def test_long_runs_of_plain_layers_fold() -> None:
    alike = compose(graphs.chain(1000))
    assert [told(each) for each in alike.boxes[1:2]] == [("Linear", "layer0–999", "4 → 4", 20000, 1000)]
    assert compose(graphs.chain(3)).boxes == compose(graphs.chain(3), level="full").boxes
    pattern = [f'{{ name = "l{each}", type = "Linear", out_features = {(8, 4)[each % 2]} }}' for each in range(8)]
    two = compose(model(*pattern))
    assert [(each.title, each.copies, each.parameters) for each in two.clusters] == [("l0–7", 4, 4 * (40 + 36))]
    assert pairs(two) == [("inputs.x", "l0"), ("l0", "l1"), ("l1", "outputs.l7")]


def test_an_overview_closes_stretches_of_layers_that_are_all_different() -> None:
    widths = range(5, 42)
    layers = [f'{{ name = "l{each}", type = "Linear", out_features = {each} }}' for each in widths]
    diagram = compose(model(*layers), level="overview")
    total = sum((before + 1) * after for before, after in zip((4, *widths), widths, strict=False))
    stretch = diagram.boxes[1]
    assert told(stretch) == ("37 layers", "l5–41", "Linear 4 → 5 … Linear 40 → 41", total, 1)
    assert (stretch.stretch, stretch.shape, len(diagram.boxes)) == (True, "41", 3)
    assert len(compose(model(*layers)).boxes) == 39
    assert len(compose(model(*layers[:20]), level="overview").boxes) == 22


def test_expand_draws_whole_what_it_names_and_opens_what_holds_it() -> None:
    graph = known("resnet18")
    diagram = compose(graph, level="overview", expand=["layer3.1"])
    assert closed(diagram) == ["layer1", "layer2", "layer3.0", "layer4"]
    assert opened(diagram) == {"layer3": 1, "layer3.1": 1}
    assert len([each for each in diagram.boxes if each.cluster == "layer3.1" and each.form != "dot"]) == 4
    assert opened(compose(graph, expand=["layer1"])).keys() >= {"layer1", "layer1.0", "layer1.1"}
    whole = compose(graph, level="overview", expand=["layer?"])
    assert whole.boxes == compose(graph, level="full").boxes
    one = compose(graphs.chain(9), expand=["layer4"])
    assert [(each.label, each.copies) for each in one.boxes[1:-1]] == [
        ("layer0–3", 4), ("layer4", 1), ("layer5–8", 4),
    ]  # fmt: skip


def test_collapse_closes_what_it_names() -> None:
    graph = known("gpt2")
    diagram = compose(graph, collapse=["*.attn", "*.mlp"])
    assert closed(diagram) == ["transformer.h.0.attn", "transformer.h.0.mlp"]
    assert copies(diagram) == {"transformer.h": 12}
    assert closed(compose(graph, level="full", collapse=["transformer"])) == ["transformer"]
    assert closed(compose(graph, level="full", expand=["transformer"], collapse=["transformer"])) == ["transformer"]


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"expand": ["layer33"]}, "no layer, group or block is called 'layer33'; did you mean 'layer3'"),
        ({"collapse": ["fc"]}, "no group or block is called 'fc'"),
        ({"collapse": ["stage*"]}, "no group or block is called 'stage*'; there are layer1, layer2, layer3, layer4"),
        ({"level": "blocks"}, "no level is called 'blocks'; there are overview, block, full"),
    ],
)
def test_a_name_or_level_that_is_not_there_is_told(wishes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        compose(known("resnet18"), **wishes)
