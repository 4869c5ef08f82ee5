"""Shapes as comments, where a line changes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from builder.graph import Node, nodes
from dsl.formatting import WIDTH
from dsl.layout import formatted
from dsl.source import Source

if TYPE_CHECKING:
    import networkx


def with_shapes(text: str, graph: networkx.DiGraph[str]) -> str:
    """The text of a spec with the shape of what a line makes behind it: where that is another than the line before
    makes, the same in every use of the block, and short enough for the line."""
    shapes: dict[int, set[str]] = {}
    for each in nodes(graph):
        if each.role not in ("input", "output", "parameter", "buffer"):
            shapes.setdefault(each.line, set()).add(_said(each))
    lines, before = text.splitlines(), ""
    for number, line in enumerate(lines, 1):
        several = shapes.get(number, set())
        shape = next(iter(several)) if len(several) == 1 else ""
        if shape and shape != before and line.endswith("},") and len(line) + len(shape) + 4 <= WIDTH:
            lines[number - 1] = f"{line}  # {shape}"
        before = "" if line.startswith("[") else shape or ("" if several else before)
    commented = "\n".join(lines) + "\n"
    return formatted(Source("imported", commented))


def _said(node: Node) -> str:
    """`(N, 64, 7, 7)`; nothing for several results."""
    shape: Any = node.shape
    if not isinstance(shape, list) or any(isinstance(each, (list, dict)) for each in shape):
        return ""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
