"""A graph as JSON text, as networkx writes and reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.files import OutputError, write_text

if TYPE_CHECKING:
    import networkx


def write_graph(path: Path, graph: networkx.DiGraph[str]) -> None:
    """Write a graph, once its text has been read back as the same graph. Raises OutputError."""
    text = graph_text(graph)
    if _plain(graph_from(text)) != _plain(graph):
        raise OutputError(f"{path}: the graph, read back from its JSON text, is another one; nothing is written")
    write_text(path, text)


def graph_text(graph: networkx.DiGraph[str]) -> str:
    """The same bytes for the same graph: nodes and edges in the graph's own order."""
    return json.dumps(_plain(graph), ensure_ascii=False, indent=1) + "\n"


def graph_from(text: str) -> networkx.DiGraph[str]:
    """The graph of a text that `graph_text` wrote."""
    import networkx

    return networkx.DiGraph(networkx.node_link_graph(json.loads(text), edges="edges"))


def _plain(graph: networkx.DiGraph[str]) -> dict[str, Any]:
    import networkx

    found: dict[str, Any] = networkx.node_link_data(graph, edges="edges")
    return found
