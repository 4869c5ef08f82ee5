"""`--render`: pictures into files, or to standard output."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.commands.picture_options import is_standard_output, suffix_of
from builder.commands.quoting import quotes
from builder.commands.streams import say
from builder.files import OutputError, write_bytes
from dsl.records import Spec

if TYPE_CHECKING:
    import networkx


def render(
    graph: networkx.DiGraph[str], name: str, drawn_as: Mapping[str, Any], remark: str = "", spec: Spec | None = None
) -> None:
    """Draw a graph into a file, or to standard output, and say which engine laid it out. remark: to be told of it.

    spec: what the graph is of, whose own lines a page tells."""
    import render as pictures

    lines = quotes(spec, graph) if spec is not None and suffix_of(name) == ".html" else None
    picture = pictures.draw(graph, lines=lines, **drawn_as)
    written = pictures.written(picture, suffix_of(name))
    if is_standard_output(name):
        sys.stdout.buffer.write(written.content)
        sys.stdout.buffer.flush()
    else:
        write_bytes(Path(name), written.content)
        say(f"{name} (laid out by {written.engine})" if written.engine else name)
    for note in filter(None, (remark, *written.notes)):
        say(f"note: {note}")


def render_known(read: Callable[[], Spec], names: Sequence[str], drawn_as: Mapping[str, Any]) -> None:
    """Draw what is known of a faulty spec, and say that it is no more than that. Its faults are for others to tell, and
    are not hidden by a picture that cannot be made."""
    import render as pictures
    from builder.checking import examine_read
    from builder.checking.partial import known_part

    graph = known_part(examine_read(read))
    if graph is None:
        return
    for name in names:
        try:
            render(graph, name, drawn_as, "the spec is at fault; the picture shows what is known of it")
        except (pictures.EngineError, ValueError, OutputError) as error:
            say(f"error: {name}: {error}")
