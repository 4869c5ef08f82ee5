"""`--render`."""

from __future__ import annotations

import sys
from pathlib import Path

from builder.building import elaborate
from dsl.records import Spec

SUFFIXES = (".svg", ".png", ".pdf", ".dot")


def render(spec: Spec, path: Path, theme: str) -> None:
    """Draw a spec into a file, and say which engine drew."""
    import render as pictures

    picture = pictures.draw(elaborate(spec), path, theme=theme)
    engine = f" (drawn by {picture.engine})" if path.suffix != ".dot" else ""
    print(f"{path}{engine}", file=sys.stderr)
