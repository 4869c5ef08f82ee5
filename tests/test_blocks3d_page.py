"""The 3-D view as a page: every text by itself and to be read, every solid at its place, the same each time."""

from __future__ import annotations

import hashlib
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache
from itertools import combinations
from typing import Any

import graphs
import pytest
from blocks_pictures import FONTS, ROOT, SPECS, faces, model, part, scene, words_of
from PIL import ImageFont

from render.blocks3d import blocks
from render.blocks3d.grid import grid_of
from render.blocks3d.page import page_of
from render.blocks3d.reducing import chosen
from render.blocks3d.ways import ways_of
from render.scene import Circle, Curve, Polygon, Rectangle, Scene, Text, texts
from render.theme import DARK, LIGHT, THEMES, contrast


@cache
def font(bold: bool) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONTS / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")), 1000)


def box(text: Text) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of the letters, as the widest of the fonts that may be used has them."""
    width = font(text.bold).getlength(text.text) * text.size / 1000
    left = text.x - {"start": 0.0, "middle": width / 2, "end": width}[text.anchor]
    return left, text.y - 0.73 * text.size, left + width, text.y + 0.2 * text.size


def meet(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def along(curve: Curve) -> Iterator[tuple[float, float]]:
    """Points on a curve, close to one another."""
    points = curve.points
    for start in range(0, len(points) - 1, 3):
        a, b, c, d = points[start : start + 4]
        count = 2 + int(math.dist(a, d))
        for step in range(count + 1):
            t = step / count
            weights = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3
            yield tuple(sum(w * p[i] for w, p in zip(weights, (a, b, c, d), strict=True)) for i in (0, 1))  # type: ignore[misc]


def ground_of(text: Text, picture: Scene) -> str:
    """The fill right below a text."""
    found = picture.ground
    for shape in (each for one in picture.parts for each in one.shapes):
        if shape == text:
            return found
        if (
            isinstance(shape, Rectangle)
            and shape.fill
            and meet(box(text), (shape.x, shape.y, shape.x + shape.width, shape.y + shape.height))
        ):
            found = shape.fill
        if isinstance(shape, Circle) and shape.fill and math.dist((shape.x, shape.y), (text.x, text.y)) < shape.radius:
            found = shape.fill
    raise AssertionError(text)


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("level", ["block", "overview"])
def test_texts_are_on_the_page_and_by_themselves(spec: str, level: str) -> None:
    picture = scene(spec, level=level)
    boxes = [(each.text, box(each)) for each in texts(picture)]
    inside = (2, 2, picture.width - 2, picture.height - 2)
    outside = [
        text for text, at in boxes if at[0] < inside[0] or at[1] < inside[1] or at[2] > inside[2] or at[3] > inside[3]
    ]
    assert outside == []
    assert [(one, other) for (one, here), (other, there) in combinations(boxes, 2) if meet(here, there)] == []
    for curve in (each for one in picture.parts for each in one.shapes if isinstance(each, Curve)):
        crossed = [text for x, y in along(curve) for text, at in boxes if at[0] < x < at[2] and at[1] < y < at[3]]
        assert crossed == []
    for face in (
        each for one in picture.parts if one.role == "box" for each in one.shapes if isinstance(each, Polygon)
    ):
        xs, ys = zip(*face.points, strict=True)
        assert [text for text, at in boxes if meet(at, (min(xs), min(ys), max(xs), max(ys)))] == []


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("theme", THEMES.values(), ids=list(THEMES))
def test_texts_stand_out_and_are_large_enough(spec: str, theme: Any) -> None:
    picture = blocks(model(spec), theme)
    assert min(contrast(each.colour, ground_of(each, picture)) for each in texts(picture)) >= 4.5
    assert min(each.size for each in texts(picture)) >= 10


@pytest.mark.parametrize("spec", SPECS)
def test_pictures_fit_an_a4_page(spec: str) -> None:
    picture = scene(spec)
    assert (picture.width <= 1120 and picture.height <= 770) or (picture.width <= 770 and picture.height <= 1120)


@pytest.mark.parametrize("spec", ["gallery/resnet18.toml", "gallery/unet.toml", "gallery/lstm_classifier.toml"])
def test_solids_do_not_meet(spec: str) -> None:
    page = page_of(chosen(model(spec), "full", (), (), compact=True), 0)
    ends = [
        (each.x - each.breadth / 2, each.y - 1, each.x + each.breadth / 2, each.y + 1) for each in page.spots.values()
    ]
    assert not any(meet(one, other) for one, other in combinations(ends, 2))


def test_what_crosses_rows_has_a_number_at_both_ends() -> None:
    page = page_of(chosen(model("gallery/resnet18.toml"), "full", (), (), compact=True), 0)
    tags = [way for way in page.ways if way.course == "tag"]
    assert tags
    assert {way.number for way in tags} == set(range(1, 1 + len({way.source for way in tags})))
    rows = {name: page.rows[spot.cell.column] for name, spot in page.spots.items()}
    assert all(rows[way.source] != rows[way.target] for way in tags)


def test_a_line_never_leads_back() -> None:
    units = chosen(model("gallery/googlenet.toml"), "full", (), (), compact=True)
    cells = grid_of(units)
    assert len(set(cells.values())) == len(units)
    assert all(cells[source].column < cells[each.name].column for each in units for source in each.sources)
    assert len(ways_of(units, cells, dict.fromkeys(range(500), 0))) == sum(len(each.sources) for each in units)


# The scene as a whole.


def test_parts_have_names_of_their_own_and_say_what_they_are() -> None:
    picture = scene("gallery/resnet18.toml")
    names = [each.name for each in picture.parts]
    assert len(names) == len(set(names))
    assert part(picture, "layer1").title == "BasicBlock ×2 (layer1): 64×56×56"
    assert picture.title == "ResNet18"
    assert "Conv 7×7 (conv1, 64 ch, stride 2, BatchNorm, ReLU): 64×112×112" in picture.description.splitlines()
    assert words_of(part(picture, "diagram:legend")) == ["input", "convolution", "pooling", "linear"]
    assert {each.role for each in picture.parts} == {"heading", "box", "arrow", "legend"}


def test_three_faces_are_three_shades() -> None:
    for theme in THEMES.values():
        picture = blocks(graphs.lenet(), theme)
        assert len({each.fill for each in faces(picture, "conv1")}) == 3


def test_kernels_have_a_window_and_a_cone() -> None:
    arrow = part(blocks(graphs.lenet(), LIGHT), "arrow:2")
    assert [type(each) for each in arrow.shapes] == [Polygon, Curve, Curve, Curve, Curve, Circle]
    (_, high), (_, _), (_, _), (_, low) = arrow.shapes[0].points  # type: ignore[union-attr]
    assert low - high == pytest.approx(85.987 * 5 / 14, abs=0.001)  # 5 of the 14 of a side


def test_names_of_any_length_keep_to_their_columns() -> None:
    picture = blocks(graphs.single("a" * 70, "M" * 200), DARK)
    assert max(box(each)[2] for each in texts(picture)) < picture.width


def test_ten_thousand_layers_draw() -> None:
    start = time.perf_counter()
    picture = blocks(graphs.chain(10_000), LIGHT)
    assert time.perf_counter() - start < 20
    assert "×10000" in {each.text for each in texts(picture)}


def test_the_same_model_gives_the_same_scene_in_another_process() -> None:
    code = (
        "import hashlib, builder, dsl; from render.blocks3d import blocks; from render.theme import LIGHT;"
        "print(hashlib.sha256(repr(blocks(builder.elaborate(dsl.load('specs/gallery/unet.toml')), LIGHT, level='full'))"
        ".encode()).hexdigest())"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=os.environ | {"PYTHONHASHSEED": seed}, check=True,
            capture_output=True, text=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }  # fmt: skip
    here = hashlib.sha256(repr(scene("gallery/unet.toml", level="full")).encode()).hexdigest()
    assert seen == {here}
