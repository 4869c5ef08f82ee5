"""Pictures of specs in the 3-D view, and what tests ask of them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import networkx

import builder
import dsl
import render
from render.blocks3d import blocks
from render.blocks3d.reducing import chosen
from render.scene import Part, Polygon, Scene, Text
from render.theme import LIGHT

ROOT = Path(__file__).parents[1]
SPECS = sorted(path.relative_to(ROOT / "specs").as_posix() for path in (ROOT / "specs").rglob("*.toml"))
FONTS = Path(render.__file__).parent / "fonts"


@cache
def model(spec: str) -> networkx.DiGraph[str]:
    return builder.elaborate(dsl.load(ROOT / "specs" / spec))


def scene(spec: str, **more: Any) -> Scene:
    return blocks(model(spec), LIGHT, **more)


def part(picture: Scene, name: str) -> Part:
    return next(each for each in picture.parts if each.name == name)


def faces(picture: Scene, name: str) -> list[Polygon]:
    """Front, top and side of the first solid of a block."""
    return [each for each in part(picture, name).shapes if isinstance(each, Polygon)][:3]


def lengths(picture: Scene, name: str) -> tuple[float, float, float]:
    """Width and height of the front, and how far the side goes back to the right."""
    (left, top), (right, _), (_, bottom), _ = faces(picture, name)[0].points
    return right - left, bottom - top, faces(picture, name)[2].points[1][0] - right


def words(picture: Scene, name: str) -> list[str]:
    return words_of(part(picture, f"labels:{name}"))


def words_of(one: Part) -> list[str]:
    return [each.text for each in one.shapes if isinstance(each, Text)]


def told(spec: str) -> list[str]:
    """Title, shape and number of each block."""
    return [
        f"{each.sign or each.words.title} {each.shape}" + (f" ×{each.copies}" if each.copies > 1 else "")
        for each in chosen(model(spec), "block", (), (), compact=True)
    ]
