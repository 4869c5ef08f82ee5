"""The layers as a table, for those who read the page without its script."""

from __future__ import annotations

from html import escape
from itertools import islice
from typing import TYPE_CHECKING, Final

from builder.graph import Node, nodes, parameter_count, references
from render.words import count_said, shape_said, title

if TYPE_CHECKING:
    import networkx

ROWS: Final = 1000
_HEAD: Final = ("Name", "Layer", "Reads", "Gives", "Parameters")


def table(graph: networkx.DiGraph[str]) -> str:
    """An HTML table, a row a layer; each row can be linked to by the layer's name. Of a large model, the first rows."""
    rows = "\n".join(_row(each) for each in islice(nodes(graph), ROWS))
    head = "".join(f'<th scope="col">{each}</th>' for each in _HEAD)
    more = graph.number_of_nodes() - ROWS
    left_out = f"<p>{count_said(more)} more are left out here.</p>" if more > 0 else ""
    return f"<table><thead><tr>{head}</tr></thead>\n<tbody>{rows}</tbody></table>{left_out}"


def _row(node: Node) -> str:
    reads = ", ".join(dict.fromkeys(references([node.reads, node.keyword_reads])))
    count = count_said(parameter_count(node)) if node.parameters else ""
    cells = (title(node), reads, shape_said(node.shape, None), count)
    name = escape(node.name)
    return f'<tr id="{name}"><th scope="row">{name}</th>{"".join(f"<td>{escape(each)}</td>" for each in cells)}</tr>'
