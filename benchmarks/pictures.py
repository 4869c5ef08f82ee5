"""How large pictures are, whether A4 shows them well, how long they take: `PYTHONPATH=. python benchmarks/pictures.py`.

Prints the tables of `pictures.md`. A page is A4 with margins of 10 mm; text is measured as it is printed there.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import builder
import dsl
import render
from render.scene import texts

ROOT = Path(__file__).parents[1]
A4 = (595.3 - 56.7, 841.9 - 56.7)  # points
GALLERY = (
    "lenet", "alexnet", "gallery/resnet18", "gallery/resnet50", "gallery/googlenet", "gallery/unet",
    "gallery/densenet121", "gallery/gpt2", "gallery/lstm_classifier", "gallery/triplet",
)  # fmt: skip
ROUNDS = 5


def chain(layers: int, *, residual: bool = False) -> Any:
    """A model of so many layers one after another, of widths that do not repeat soon; or with skips."""
    lines = [f'{{ type = "Linear", out_features = {8 + index % 7 + index % 11} }}' for index in range(layers)]
    if residual:
        lines = [each for index in range(layers // 2) for each in _step(index)]
    head = 'name = "Chain"\n[model]\ninputs = { x = ["N", 8] }\nlayers = [\n'
    text = head + "".join(f"  {each},\n" for each in lines) + "]\n"
    return builder.elaborate(dsl.loads(text))


def _step(index: int) -> tuple[str, str]:
    """A layer, and the sum with what stood two steps before."""
    other = f"l{index - 2}" if index > 1 else "x"
    return f'{{ name = "l{index}", type = "Linear", out_features = 8 }}', f'{{ type = "add", other = "{other}" }}'


def seconds(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    took = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return statistics.median(took)


def printed(scene: Any) -> float:
    """The smallest text on A4, upright or on its side, whichever is larger; never enlarged."""
    sides = max(min(A4[0] / scene.width, A4[1] / scene.height), min(A4[1] / scene.width, A4[0] / scene.height))
    return min(each.size for each in texts(scene)) * min(sides, 1.0)


def sizes() -> None:
    print("| model | level | points | smallest text on A4 | SVG | page |\n| --- | --- | --- | --- | --- | --- |")
    for name in GALLERY:
        graph = builder.elaborate(dsl.load(ROOT / "specs" / f"{name}.toml"))
        for level in ("overview", "block"):
            picture = render.draw(graph, level=level)
            size = f"{picture.scene.width:.0f} × {picture.scene.height:.0f}"
            page = f"{len(render.written(picture, '.html').content) / 1000:.0f} kB" if level == "block" else ""
            svg = f"{len(picture.svg.encode()) / 1000:.0f} kB"
            print(f"| {Path(name).name} | {level} | {size} | {printed(picture.scene):.1f} pt | {svg} | {page} |")


def times() -> None:
    print("\n| model | what | seconds |\n| --- | --- | --- |")
    for layers in (1000, 10_000):
        for residual in (False, True):
            graph = chain(layers, residual=residual)
            for level in ("overview", "block", "full"):
                took = seconds(lambda: render.draw(graph, level=level).svg, ROUNDS if layers < 5000 else 1)  # noqa: B023
                print(f"| {layers:,} layers{', with skips' if residual else ''} | {level}, SVG | {took:.2f} |")
    for name in ("alexnet", "gallery/resnet50", "gallery/googlenet"):
        graph = builder.elaborate(dsl.load(ROOT / "specs" / f"{name}.toml"))
        for suffix in (".svg", ".png", ".pdf", ".html"):
            took = seconds(lambda: render.written(render.draw(graph), suffix))  # noqa: B023
            print(f"| {Path(name).name} | `{suffix}` | {took:.2f} |")


if __name__ == "__main__":
    sizes()
    times()
