"""The curves of a run, drawn into its folder from its metrics.csv."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

from builder.files import OutputError, write_aside
from builder.training import RunFolder


def draw_curves(folder: RunFolder, name: str, warn: Callable[[str], None]) -> None:
    """`curves.svg` and `curves.png`, once an epoch is done. That they cannot be drawn is a warning."""
    import render

    try:
        rows = _rows(folder.path / "metrics.csv")
        if rows:
            svg = render.curves(rows, name)
            _write(folder.path / "curves.svg", svg.encode())
            _write(folder.path / "curves.png", render.svg_to_png(svg))
    except (render.EngineError, OutputError, OSError) as error:
        warn(f"the curves are missing: {error}")


def _rows(path: Path) -> list[dict[str, float | None]]:
    """metrics.csv as numbers; what is not known is None."""
    with open(path, newline="", encoding="utf-8") as file:
        return [{name: float(text) if text else None for name, text in row.items()} for row in csv.DictReader(file)]


def _write(path: Path, content: bytes) -> None:
    write_aside(path, lambda file: _ignore(file.write(content)))


def _ignore(_: object) -> None:
    return None
