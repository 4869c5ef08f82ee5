"""`--render`: pictures into files, or to standard output."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.commands.picture_options import is_standard_output, suffix_of
from builder.commands.streams import say

if TYPE_CHECKING:
    import networkx


def render(graph: networkx.DiGraph[str], name: str, drawn_as: Mapping[str, Any]) -> None:
    """Draw a graph into a file, or to standard output, and say which engine laid it out."""
    import render as pictures

    here = is_standard_output(name)
    picture = pictures.draw(graph, None if here else Path(name), **drawn_as)
    if here:
        sys.stdout.buffer.write(picture.written(suffix_of(name)))
        sys.stdout.buffer.flush()
    engine = f" (laid out by {picture.engine})" if picture.engine else ""
    if not here:
        say(f"{name}{engine}")
    for note in picture.notes:
        say(f"note: {note}")
