"""Pictures of every spec: SVG that a screen reader can tell, the same bytes each time, text that can be read."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

import networkx
import pytest
import scene_geometry
from blocks_pictures import SPECS, model

import builder
import render
from builder.merging import merge
from render.picture import Picture
from render.theme import THEMES

ROOT = Path(__file__).parents[1]
SVG = "{http://www.w3.org/2000/svg}"
WAYS = [(level, style) for level in ("overview", "block", "full") for style in ("page", "slides", "blocks")]
FAULTY = """
[model]
inputs = { x = ["N", 3, 8, 8] }
layers = [
  { name = "odd", type = "Conv3x", width = 3 },
  { name = "conv", type = "Conv2d", out_channels = 4, kernel_size = 30 },
  { layers = [ { type = "ReLU" }, { type = "Linear", in_features = 7, out_features = "5" } ] },
]
"""

# Prints the digest of every format and style of some models.
DIGESTS = """
import hashlib, builder, dsl, render
from render.formats import FORMATS
for spec in ("lenet", "gallery/resnet18", "gallery/googlenet", "gallery/bert_base"):
    graph = builder.elaborate(dsl.load(f"specs/{spec}.toml"))
    for style in ("page", "slides", "blocks"):
        picture = render.draw(graph, style=style)
        for suffix in FORMATS:
            if (style, suffix) != ("blocks", ".html"):
                content = render.written(picture, suffix).content
                print(spec, style, suffix, hashlib.sha256(content).hexdigest())
"""


@pytest.mark.parametrize("spec", SPECS)
def test_svg_can_be_told_by_a_screen_reader(spec: str) -> None:
    for level, style in WAYS:
        picture = render.draw(model(spec), level=level, style=style)  # type: ignore[arg-type]
        assert inaccessible(picture.svg) == [], (level, style)


def test_two_pictures_in_one_notebook_share_no_id() -> None:
    """A notebook is one document: an id that is there twice names the first picture in place of the second."""
    pictures = [render.draw(model("lenet.toml"), theme=each) for each in ("light", "dark")]
    shown = "".join(each._repr_svg_() for each in [*pictures, render.draw(model("alexnet.toml"))])
    assert inaccessible(f"<div>{shown}</div>") == []
    assert pictures[0]._repr_svg_() == render.draw(model("lenet.toml"))._repr_svg_()


def test_the_same_spec_is_the_same_bytes_in_two_processes() -> None:
    started = []
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        started.append(
            subprocess.Popen([sys.executable, "-c", DIGESTS], cwd=ROOT, env=environment, stdout=subprocess.PIPE)
        )
    one, other = (each.communicate()[0].decode().splitlines() for each in started)
    assert len(one) == 4 * (3 * 8 - 1)
    assert one == other


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("style", ["page", "slides", "blocks"])
@pytest.mark.parametrize("what", ["different", "faulty"])
def test_text_stands_out_where_parts_are_marked(what: str, style: str, theme: str) -> None:
    graph = different() if what == "different" else builder.partial_graph(FAULTY)
    assert graph is not None
    assert faint(render.draw(graph, style=style, theme=theme)) == []  # type: ignore[arg-type]


@pytest.mark.parametrize("spec", SPECS)
def test_text_stands_out_in_every_theme(spec: str) -> None:
    for theme in THEMES:
        assert faint(render.draw(model(spec), theme=theme)) == [], theme


def different() -> networkx.DiGraph[str]:
    return merge(model("lenet.toml"), model("alexnet.toml"))


def faint(picture: Picture) -> list[tuple[str, float]]:
    """Texts with less contrast than WCAG 2.2 asks of small ones."""
    return [(text, round(found, 2)) for text, found in scene_geometry.contrasts(picture.scene) if found < 4.5]


def inaccessible(document: str) -> list[str]:
    """What WAI-ARIA's role `img` misses in a document's pictures: name and description, by ids that are there once."""
    root = ElementTree.fromstring(document)
    ids = Counter(each.get("id") for each in root.iter() if each.get("id"))
    found = [f"twice: {each}" for each, times in ids.items() if times > 1]
    for svg in root.iter(f"{SVG}svg"):
        title, description = svg.find(f"{SVG}title"), svg.find(f"{SVG}desc")
        if title is None or description is None or not title.text or not description.text:
            found.append("no title or no description")
        elif svg.get("aria-labelledby") != f"{title.get('id')} {description.get('id')}" or svg.get("role") != "img":
            found.append(f"not named by its title: {title.text}")
    return found
