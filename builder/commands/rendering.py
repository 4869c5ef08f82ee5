"""`--render`: pictures into files, or to standard output."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.commands.picture_options import is_standard_output, suffix_of
from builder.commands.streams import say
from builder.files import write_bytes

if TYPE_CHECKING:
    import networkx


def render(graph: networkx.DiGraph[str], name: str, drawn_as: Mapping[str, Any]) -> None:
    """Draw a graph into a file, or to standard output, and say which engine laid it out."""
    import render as pictures

    picture = pictures.draw(graph, **drawn_as)
    written = picture.written(suffix_of(name))
    if is_standard_output(name):
        sys.stdout.buffer.write(written.content)
        sys.stdout.buffer.flush()
    else:
        write_bytes(Path(name), written.content)
        say(f"{name} (laid out by {picture.engine})" if picture.engine else name)
    for note in written.notes:
        say(f"note: {note}")
