"""Tall pictures in columns, long ones in rows: where they are cut, how they go on, and that nothing is lost."""

from __future__ import annotations

import re
from collections import Counter

import graphs
import pytest
from test_render_scene import FILES, diagram, faults

import render
from render.arranging import CANVAS, arranged
from render.places.paths import rounded, shortened, split
from render.scene import Rectangle, Scene, Text, texts
from render.theme import LIGHT

PAGE, SLIDE = CANVAS["page"], CANVAS["slides"]


def test_a_picture_that_fits_is_one_column() -> None:
    scene = render.draw(graphs.lenet()).scene
    assert scene.height < PAGE[1]
    assert letters(scene) == {}


def test_a_chain_is_cut_into_columns_of_like_height() -> None:
    scene = render.draw(graphs.chain(60), level="full").scene
    lefts = Counter(part.shapes[0].x for part in scene.parts if part.role == "box")  # type: ignore[union-attr]
    assert len(lefts) > 2
    *full, last = (count for _, count in sorted(lefts.items()))
    assert max(full) - min(full) <= 3
    assert last <= max(full) + 1
    # 62 boxes one below the other, of at least 45 points with their arrows, would be 2,800 points high.
    assert scene.height < 2800 / 2


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("style", ["page", "slides"])
def test_every_arrow_that_is_cut_goes_on_at_its_letter(name: str, style: str) -> None:
    scene = arranged(diagram(name, "full"), LIGHT, style)  # type: ignore[arg-type]
    assert set(letters(scene).values()) <= {2}
    pieces = [int(match[1]) for part in scene.parts if (match := re.match(r"arrow:\d+:(\d+)$", part.name))]
    lines = Counter(re.match(r"arrow:(\d+)", part.name)[1] for part in scene.parts if re.match(r"arrow:\d", part.name))  # type: ignore[index]
    assert len(lines) == len(diagram(name, "full").arrows)
    assert sum(lines.values()) == len(lines) + len(pieces)


@pytest.mark.parametrize("name", ["resnet18", "densenet121", "gpt2"])
def test_nothing_is_lost_in_columns(name: str) -> None:
    whole = diagram(name, "full")
    scene = arranged(whole, LIGHT)
    names = {part.name for part in scene.parts}
    assert {each.name for each in whole.boxes if each.form != "dot"} <= names
    assert {f"cluster:{each.name}" for each in whole.clusters} <= names


def test_a_frame_goes_on_with_its_title() -> None:
    scene = arranged(diagram("densenet121", "full"), LIGHT)
    going_on = [part for part in scene.parts if re.search(r"^cluster:.*:\d+$", part.name)]
    assert going_on
    for part in going_on:
        words = [each.text for each in part.shapes if isinstance(each, Text)]
        assert words[1] == "continued"
        assert isinstance(part.shapes[0], Rectangle)


def test_text_is_never_made_smaller() -> None:
    sizes = {each.size for name in ("lenet", "densenet121") for each in texts(arranged(diagram(name, "full"), LIGHT))}
    assert sizes == {10, 11, 12, 17}


def test_a_broad_part_gets_a_shelf_of_its_own() -> None:
    """GoogLeNet's four branches are as wide as the page; what follows them stands in columns below."""
    scene = arranged(diagram("googlenet", "block"), LIGHT)
    boxes = {part.name: part.shapes[0] for part in scene.parts if part.role in ("box", "cluster")}
    inception = boxes["cluster:inception3a"]
    assert isinstance(inception, Rectangle)
    below = [each for each in boxes.values() if isinstance(each, Rectangle) and each.y > inception.y + inception.height]
    assert len({round(each.x) for each in below}) > 2
    assert scene.width <= PAGE[0]


@pytest.mark.parametrize("name", ["lenet", "alexnet", "resnet18"])
def test_slides_run_to_the_right(name: str) -> None:
    scene = arranged(diagram(name, "block"), LIGHT, "slides")
    assert scene.width > scene.height
    assert min(1, SLIDE[0] / scene.width, SLIDE[1] / scene.height) > 0.95
    assert faults(scene) == {}


def test_a_curve_is_split_where_it_passes_a_place() -> None:
    """A straight line by hand; a bend by where both parts end."""
    line = ((0.0, 0.0), (0.0, 0.0), (10.0, 20.0), (10.0, 20.0))
    first, second = split(line, 5.0, 1)
    assert first[-1] == second[0] == pytest.approx((2.5, 5.0))
    bend = ((0.0, 0.0), (0.0, 10.0), (20.0, 10.0), (20.0, 20.0))
    first, second = split(bend, 10.0, 1)
    assert first[-1] == second[0] == pytest.approx((10.0, 10.0))
    assert (first[0], second[-1]) == (bend[0], bend[-1])


def test_corners_are_rounded_and_heads_leave_room() -> None:
    points = rounded([(0, 0), (0, 50), (40, 50)])
    assert points[0] == (0, 0)
    assert points[-1] == (40, 50)
    assert (0, 50) not in points
    assert shortened(points, 6)[-1] == (34, 50)


def letters(scene: Scene) -> Counter[str]:
    """How often each letter of a continuation stands there."""
    found = [part.name.split(":")[1] for part in scene.parts if part.name.startswith("continuation:")]
    return Counter(found)
