"""Draws every picture that the README and the manual show: `python docs/pictures.py`, from the root of a clone.

With a folder as its argument it draws them there instead.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import builder
import dsl
import render

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "pictures"

# A picture's name -> its spec and how it is drawn. Each is drawn in the light and in the dark theme.
PICTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "lenet": ("specs/lenet.toml", {}),
    "resnet18": ("specs/gallery/resnet18.toml", {}),
    "googlenet": ("specs/gallery/googlenet.toml", {}),
    "gpt2": ("specs/gallery/gpt2.toml", {}),
    "resnet18-slides": ("specs/gallery/resnet18.toml", {"level": "overview", "style": "slides"}),
    "alexnet-blocks": ("specs/alexnet.toml", {"style": "blocks"}),
    "unet-blocks": ("specs/gallery/unet.toml", {"style": "blocks"}),
}
THEMES = {"light": "", "dark": "-dark"}


def draw_all(folder: Path) -> list[Path]:
    """Every picture, as SVG; the files that were written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, (spec, drawn_as) in PICTURES.items():
        graph = builder.elaborate(dsl.load(ROOT / spec))
        for theme, ending in THEMES.items():
            path = folder / f"{name}{ending}.svg"
            render.draw(graph, path, theme=theme, **drawn_as)
            written.append(path)
    return written


if __name__ == "__main__":
    for each in draw_all(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER):
        print(each)
