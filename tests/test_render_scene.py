"""Pictures as shapes at their places: nothing in the way of anything else, all of it readable."""

from __future__ import annotations

import random
from dataclasses import replace

import gallery
import graphs
import pytest
import scene_geometry
from PIL import ImageFont

import builder
import dsl
import render
from render.arranging import CANVAS, arranged, engine_name
from render.diagram import Diagram, compose
from render.letters import FONT_FILES, cut, text_width, wrapped
from render.scene import Curve, Scene, Text, texts
from render.theme import LIGHT, MARK_SIGNS, THEMES

LEVELS = ("overview", "block", "full")
SMALL = ("lenet", "alexnet")
FILES = {**{name: gallery.FOLDER / f"{name}.toml" for name in gallery.NAMES},
         **{name: gallery.FOLDER.parent / f"{name}.toml" for name in SMALL}}  # fmt: skip
# Whose pictures at block level fit A4 with no text under 7 points; BERT's encoder with its mask beside it does not.
FITTING = [name for name in FILES if name != "bert_base"]

_DIAGRAMS: dict[tuple[str, str], Diagram] = {}


def diagram(name: str, level: str) -> Diagram:
    if (name, level) not in _DIAGRAMS:
        graph = builder.elaborate(dsl.load(FILES[name]))
        _DIAGRAMS.update({(name, each): compose(graph, level=each) for each in LEVELS})  # type: ignore[arg-type]
    return _DIAGRAMS[name, level]


@pytest.mark.parametrize("bold", [False, True])
def test_widths_are_those_that_freetype_measures(bold: bool) -> None:
    font = ImageFont.truetype(FONT_FILES[bold], 2048, layout_engine=ImageFont.Layout.BASIC)
    for text in ("Conv 3×3", "26,218,496", "AVAWAY", "96 ch · pad 1 → ReLU", "θ ∘ Ж − …"):
        assert text_width(text, 2048, bold=bold) == pytest.approx(font.getlength(text), abs=len(text))


def test_letters_that_our_fonts_lack_count_as_wide() -> None:
    assert text_width("模型", 10) == 20.0
    assert text_width("", 10) == 0.0


def test_texts_are_cut_and_wrapped_by_width() -> None:
    assert cut("short", 100, 10) == "short"
    shown = cut("W" * 30, 100, 10)
    assert shown.endswith("…")
    assert text_width(shown, 10) <= 100 < text_width(f"W{shown}", 10)
    lines = wrapped(["64 ch", "pad 1", "BatchNorm", "ReLU"], 100, 10, between=" · ")
    assert lines == ["64 ch · pad 1", "BatchNorm · ReLU"]
    assert max(text_width(each, 10) for each in lines) <= 100


@pytest.mark.parametrize("style", ["page", "slides"])
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", FILES)
def test_nothing_stands_in_the_way(name: str, level: str, style: str) -> None:
    scene = arranged(diagram(name, level), LIGHT, style)  # type: ignore[arg-type]
    assert faults(scene) == {}
    assert min(each.size for each in texts(scene)) >= 10


@pytest.mark.parametrize("level", ["overview", "block"])
@pytest.mark.parametrize("name", FITTING)
def test_pictures_fit_a_page_of_a4(name: str, level: str) -> None:
    """The canvas is what fits A4 at 0.7 of its size, where letters of 10 points have 7."""
    scene = arranged(diagram(name, level), LIGHT)
    width, height = CANVAS["page"]
    smallest = min(each.size for each in texts(scene)) * min(1.0, width / scene.width, height / scene.height)
    assert smallest * 0.7 >= 6.8


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", ["alexnet", "gpt2", "googlenet", "lstm_classifier"])
def test_every_text_stands_out_from_what_it_stands_on(name: str, theme: str) -> None:
    scene = arranged(marked(diagram(name, "block")), THEMES[theme])
    low = [(text, round(found, 2)) for text, found in scene_geometry.contrasts(scene) if found < 4.5]
    assert low == []


def test_the_spine_of_alexnet_is_one_straight_line() -> None:
    scene = render.draw(graphs.alexnet()).scene
    curves = [each for part in scene.parts for each in part.shapes if isinstance(each, Curve)]
    assert len(curves) == 13
    assert len({round(x, 3) for each in curves for x, _ in each.points}) == 1


def test_only_the_skip_is_dashed() -> None:
    scene = render.draw(graphs.residual()).scene
    assert len([each for part in scene.parts for each in part.shapes if isinstance(each, Curve) and each.dashed]) == 1


def test_a_projection_stands_beside_the_first_layer_of_the_main_path() -> None:
    scene = render.draw(graphs.residual()).scene
    tops = {part.name: scene_geometry.box_area(part).top for part in scene.parts if part.role == "box"}
    assert tops["layer.0.downsample.0"] == tops["layer.0.conv1"]


def test_marks_are_told_by_their_signs_and_in_the_legend() -> None:
    scene = arranged(marked(diagram("lenet", "block")), LIGHT)
    words = [each.text for each in texts(scene)]
    for mark, sign in MARK_SIGNS.items():
        assert words.count(sign) >= 2, f"on the box and in the legend: {mark}"
        assert mark in words
    assert faults(scene) == {}


def test_copies_are_told_in_a_badge() -> None:
    words = {each.text for each in texts(arranged(diagram("gpt2", "block"), LIGHT))}
    assert "×12" in words


def test_paths_that_cross_are_drawn_too() -> None:
    scene = render.draw(graphs.crossing()).scene
    assert {part.name for part in scene.parts if part.role == "merge"} == {"first", "second", "both"}
    assert faults(scene) == {}


@pytest.mark.parametrize("seed", [3, 8, 10, 12])
def test_no_arrow_runs_through_the_title_of_a_group_with_several_entries(seed: int) -> None:
    """A group whose two layers both read each of several others, and titles as long as the group is broad."""
    chance = random.Random(seed)
    layers = [f'{{ name = "before{index}", type = "Linear", input = "x", out_features = 8 }}' for index in range(4)]
    inner = [
        f'{{ type = "cat", input = {_names(chance)}, dim = 1 }}, '
        f'{{ name = "{name}", type = "Linear", out_features = 8 }}'
        for name in ("one", "other")
    ]
    group = "group_with_a_long_name"
    layers.append(
        f'{{ name = "{group}", layers = [{", ".join(inner)}, {{ type = "add", input = "one", other = "other" }}] }}'
    )
    text = f'name = "Groups"\n[model]\ninputs.x = ["N", 8]\nlayers = [{", ".join(layers)}]\n'
    scene = render.draw(builder.elaborate(dsl.loads(text)), level="full").scene
    assert {part.name for part in scene.parts} >= {f"cluster:{group}"}
    assert faults(scene) == {}


def _names(chance: random.Random) -> str:
    return str(chance.sample([f"before{index}" for index in range(4)], 3)).replace("'", '"')


def test_inputs_stand_above_the_group_that_reads_them() -> None:
    """BERT's words and their types, each in line with its embedding."""
    scene = arranged(diagram("bert_base", "block"), LIGHT)
    areas = {part.name: scene_geometry.box_area(part) for part in scene.parts if part.role == "box"}
    frame = next(scene_geometry.area(part.shapes[0]) for part in scene.parts if part.name == "cluster:embeddings")
    for name, reader in (("input_ids", "word_embeddings"), ("token_type_ids", "token_type_embeddings")):
        above, below = areas[f"inputs.{name}"], areas[f"embeddings.{reader}"]
        assert above.bottom < frame.top < below.top
        assert (above.left, above.right) == (below.left, below.right)
    assert engine_name(diagram("bert_base", "block")) == "tomograph"


@pytest.mark.parametrize("length", [1000, 10_000])
def test_long_chains_are_drawn_whole(length: int) -> None:
    scene = render.draw(graphs.chain(length), level="full").scene
    assert len([part for part in scene.parts if part.role == "box"]) == length + 2
    assert scene.width > 1000, "in columns"


def marked(whole: Diagram) -> Diagram:
    """The diagram with a mark on each of its first boxes."""
    tables = iter(MARK_SIGNS)
    boxes = tuple(
        replace(each, mark=next(tables, "")) if each.form == "table" else each  # type: ignore[arg-type]
        for each in whole.boxes
    )
    return replace(whole, boxes=boxes)


def faults(scene: Scene) -> dict[str, list[object]]:
    found = {
        "outside the page": scene_geometry.outside(scene),
        "texts over each other": scene_geometry.overlapping_texts(scene),
        "arrows through texts": scene_geometry.crossed_texts(scene),
        "arrows through boxes": scene_geometry.crossed_boxes(scene),
        "boxes over each other": scene_geometry.overlapping_boxes(scene),
        "texts out of their boxes": scene_geometry.texts_out_of_their_boxes(scene),
        "names that are there twice": _twice([each.name for each in scene.parts]),
        "empty texts": [part.name for part in scene.parts for each in part.shapes if _is_empty(each)],
    }
    return {name: list(each) for name, each in found.items() if each}


def _twice(names: list[str]) -> list[str]:
    return sorted({each for each in names if names.count(each) > 1}) if len(set(names)) < len(names) else []


def _is_empty(shape: object) -> bool:
    return isinstance(shape, Text) and not shape.text.strip()
