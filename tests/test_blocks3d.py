"""The 3-D view: lengths against hand calculation, and the blocks that figures of known models have."""

from __future__ import annotations

from typing import Any

import graphs
import pytest
from blocks_pictures import faces, lengths, model, part, scene, told, words, words_of

import builder
import dsl
from render.blocks3d import blocks
from render.blocks3d.extents import Extent, extent_of, measure_of, size_of, solid_of
from render.blocks3d.grid import Cell, grid_of
from render.blocks3d.page import page_of
from render.blocks3d.reducing import chosen
from render.theme import LIGHT

# Lengths: sides are 130 points for the largest of the picture, and go by the square root.


def test_heights_go_by_the_square_root_of_the_sizes() -> None:
    picture = blocks(graphs.lenet(), LIGHT)
    names = ["inputs.image", "conv1", "2", "conv2", "5"]
    heights = [lengths(picture, name)[1] for name in names]
    # 130 * sqrt(side / 32) for 32, 28, 14, 10, 5
    assert heights == pytest.approx([130, 121.604, 85.987, 72.672, 51.387], abs=0.001)
    # cabinet projection: half the depth, at 45 degrees: 130 * 0.5 * 0.70711
    assert lengths(picture, "inputs.image")[2] == pytest.approx(45.962, abs=0.001)
    assert [lengths(picture, name)[2] / lengths(picture, name)[1] for name in names] == pytest.approx(
        [0.35355] * 5, abs=1e-5
    )


def test_widths_go_by_the_logarithm_of_the_channels() -> None:
    picture = blocks(graphs.alexnet(), LIGHT)
    # 3.2 points for each doubling: log2(97) = 6.59991, log2(257) = 8.00562, log2(385) = 8.58871
    widths = [lengths(picture, name)[0] for name in ("conv.0", "conv.3", "conv.6")]
    assert widths == pytest.approx([21.1197, 25.618, 27.4839], abs=0.001)


def test_vectors_are_columns_of_one_width_and_larger_ones_are_taller() -> None:
    picture = blocks(graphs.alexnet(), LIGHT)
    (wide, tall, _), (same, second, _), (last, low, _) = (lengths(picture, name) for name in ("fc.0", "fc.3", "fc.6"))
    assert wide == same == last == 9
    # the largest vector is as tall as the largest side; 36 + 94 * log2(11) / log2(4097)
    assert (tall, second, low) == pytest.approx((130, 130, 63.098), abs=0.001)


@pytest.mark.parametrize(
    ("shape", "first", "extent"),
    [
        (["N", 96, 54, 54], False, Extent("volume", 96, 54, 54)),
        (["N", 8, 4, 16, 32], False, Extent("volume", 32, 16, 32)),
        (["N", 197, 768], False, Extent("sheet", 768, 197)),
        (["N", 16, 100], True, Extent("sheet", 16, 100)),
        (["T", "N", 30], False, Extent("sheet", 30, 256)),
        (["N", "T"], False, Extent("sheet", 1, 256)),
        (["N", 4096], False, Extent("vector", 4096)),
        ([10], False, Extent("vector", 10)),
        (["N"], False, Extent("scalar")),
        ([], False, Extent("scalar")),
        (None, False, Extent("scalar")),
    ],
)
def test_extents_of_shapes(shape: list[Any] | None, first: bool, extent: Extent) -> None:
    assert extent_of(shape, "N", channels_first=first) == extent


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (7, 7), (0, 1), ("H", 256), ("H // 16", 16), ("2 * (H // 16) + 1", 33), ("3*T - 2", 766), ("4 | 1 | 2", 4),
        ("a b", 256), ("-1", 1), ("T // 0", 256),
    ],
)  # fmt: skip
def test_free_sizes_have_a_number_to_be_drawn_by(text: int | str, number: int) -> None:
    assert size_of(text) == number


def test_the_picture_says_what_free_sizes_are_drawn_as() -> None:
    picture = scene("gallery/unet.toml")
    assert "drawn as if H = W = 256" in " ".join(words_of(part(picture, "diagram:heading")))
    assert words(picture, "down4")[2:] == ["1024×(H//16)×", "(W//16)"]


def test_what_a_1d_convolution_reads_and_makes_has_its_channels_first() -> None:
    text = """
    name = "Sound"
    [model]
    inputs = { wave = ["N", 2, 1000] }
    layers = [{ type = "Conv1d", out_channels = 8, kernel_size = 10, stride = 10 }, { type = "ReLU" }]
    """
    before, after = chosen(builder.elaborate(dsl.loads(text)), "block", (), (), compact=True)
    assert (before.extent, after.extent) == (Extent("sheet", 2, 1000), Extent("sheet", 8, 100))
    assert after.window == (10 / 1000, 1.0)


def test_a_layer_whose_shape_is_not_known_is_a_small_cube() -> None:
    picture = blocks(graphs.single("fc", "Model", shape=None), LIGHT)
    assert lengths(picture, "fc")[:2] == pytest.approx((9, 9))
    assert words(picture, "fc") == ["Linear", "fc"]


def test_small_things_are_not_drawn_as_if_they_were_large() -> None:
    alone = Extent("sheet", 16, 2)
    assert solid_of(alone, measure_of([alone])).height == pytest.approx(65)  # 130 * sqrt(2 / 8)


def test_small_things_can_still_be_seen() -> None:
    measure = measure_of([Extent("volume", 3, 1024, 1024)])
    assert min(solid_of(Extent("volume", 1, 1, 1), measure).height, solid_of(Extent("scalar"), measure).height) >= 7


# The blocks that people know of these models.


def test_lenet_is_the_figure_of_its_paper() -> None:
    assert told("lenet.toml") == [
        "Input 1×32×32", "Conv 5×5 6×28×28", "MaxPool 2×2 6×14×14", "Conv 5×5 16×10×10", "MaxPool 2×2 16×5×5",
        "Linear 120", "Linear 84", "Linear 10",
    ]  # fmt: skip


def test_alexnet_is_one_row_that_ends_in_three_columns() -> None:
    assert told("alexnet.toml") == [
        "Input 1×224×224", "Conv 11×11 96×54×54", "MaxPool 3×3 96×26×26", "Conv 5×5 256×26×26", "MaxPool 3×3 256×12×12",
        "Conv 3×3 384×12×12", "Conv 3×3 384×12×12", "Conv 3×3 256×12×12", "MaxPool 3×3 256×5×5",
        "Linear 4096", "Linear 4096", "Linear 10",
    ]  # fmt: skip
    picture = scene("alexnet.toml")
    assert picture.width <= 1120
    assert " ".join(words(picture, "conv.0")) == "Conv 11×11 96 ch · stride 4 ReLU 96×54×54"
    middles = {round(sum(y for _, y in faces(picture, name)[2].points) / 4, 6) for name in ("conv.0", "fc.0", "fc.6")}
    assert len(middles) == 1


def test_vgg_folds_the_convolutions_that_are_alike() -> None:
    assert told("gallery/vgg16.toml") == [
        "Input 3×224×224", "Conv 3×3 64×224×224 ×2", "MaxPool 2×2 64×112×112", "Conv 3×3 128×112×112 ×2",
        "MaxPool 2×2 128×56×56", "Conv 3×3 256×56×56 ×3", "MaxPool 2×2 256×28×28", "Conv 3×3 512×28×28 ×3",
        "MaxPool 2×2 512×14×14", "Conv 3×3 512×14×14 ×3", "MaxPool 2×2 512×7×7", "Linear 4096 ×2", "Linear 1000",
    ]  # fmt: skip


def test_a_stage_of_resnet_is_one_stack() -> None:
    assert told("gallery/resnet18.toml") == [
        "Input 3×224×224", "Conv 7×7 64×112×112", "MaxPool 3×3 64×56×56", "BasicBlock 64×56×56 ×2",
        "BasicBlock 128×28×28 ×2", "BasicBlock 256×14×14 ×2", "BasicBlock 512×7×7 ×2", "AvgPool 1×1 512×1×1",
        "Linear 1000",
    ]  # fmt: skip
    assert words(scene("gallery/resnet18.toml"), "layer2") == ["BasicBlock", "layer2", "128×28×28"]


def test_copies_written_one_by_one_are_a_stack_too() -> None:
    assert [each for each in told("gallery/vit_b_16.toml") if "×12" in each] == ["EncoderBlock 197×768 ×12"]
    picture = scene("gallery/mobilenet_v2.toml")
    assert words(picture, "features.7") == ["Inverted", "Residual", "features.7–10", "64×14×14"]


def test_merges_are_signs_and_inputs_stand_before_what_reads_them() -> None:
    assert told("gallery/bert_base.toml").count("+ T×768") == 1
    lengths_in = grid_of(chosen(model("gallery/lstm_classifier.toml"), "block", (), (), compact=True))
    assert lengths_in["inputs.lengths"] == Cell(1, 1)


def test_the_skips_of_a_unet_are_nested_arcs() -> None:
    page = page_of(chosen(model("gallery/unet.toml"), "block", (), (), compact=True), 0)
    arcs = {(way.source, way.target): way.level for way in page.ways if way.course == "arc"}
    assert arcs == {("down3", "up1"): 0, ("down2", "up2"): 1, ("down1", "up3"): 2, ("stem", "up4"): 3}


def test_other_paths_have_rows_of_their_own() -> None:
    cells = grid_of(chosen(model("gallery/triplet.toml"), "block", (), (), compact=True))
    assert [cells[f"{branch}.fc"] for branch in "apn"] == [Cell(2, 0), Cell(2, 1), Cell(2, 2)]
    heads = grid_of(chosen(model("gallery/two_heads.toml"), "block", (), (), compact=True))
    assert {heads["digit"].lane, heads["ink"].lane} == {0, 1}


# Levels, expand, collapse.


def test_levels() -> None:
    counts = {
        level: len(chosen(model("gallery/resnet18.toml"), level, (), (), compact=True))
        for level in ("overview", "block", "full")
    }
    assert counts["overview"] == counts["block"] == 9
    assert counts["full"] == 70  # the graph's 71 nodes but its output
    with pytest.raises(ValueError, match="no level is called 'deep'; there are overview, block, full"):
        scene("lenet.toml", level="deep")


def test_expand_and_collapse() -> None:
    open_one = chosen(model("gallery/resnet18.toml"), "block", ["layer2.0"], (), compact=True)
    names = [each.name for each in open_one]
    assert {"layer2.0.conv1", "layer2.0.downsample.0", "layer2.1", "layer1"} <= set(names)
    closed = chosen(model("alexnet.toml"), "block", (), ["con*"], compact=True)
    assert [each.name for each in closed][:3] == ["inputs.image", "conv", "fc.0"]
    with pytest.raises(ValueError, match=r"no layer, group or block is called 'layer9'; did you mean 'layer\d'"):
        scene("gallery/resnet18.toml", expand=["layer9"])


def test_groups_are_closed_where_a_page_would_not_hold_their_layers() -> None:
    groups = "".join(
        f'{{ name = "{name}", layers = ['
        + "".join(f'{{ type = "Linear", out_features = {start + size} }},' for size in range(6))
        + "] },\n"
        for name, start in zip("abcdefg", range(10, 80, 10), strict=True)
    )
    graph = builder.elaborate(dsl.loads(f'name = "Long"\n[model]\ninputs = {{ x = ["N", 4] }}\nlayers = [\n{groups}]'))
    assert [each.name for each in chosen(graph, "block", (), (), compact=True)] == ["inputs.x", *"abcdefg"]
    opened = chosen(graph, "block", ["c"], (), compact=True)
    assert [each.name for each in opened][2:6] == ["b", "c.0", "c.1", "c.2"]
    assert len(opened) == 13
