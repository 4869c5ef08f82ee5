"""A spec's text as an editor holds it: what is wrong with it, and the shapes as far as they are known."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from builder.building import graph_of
from builder.checking import examine_text
from builder.graph import Node
from builder.lint import lint
from dsl.diagnostics import Diagnostic

if TYPE_CHECKING:
    import networkx


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerShape:
    """What a layer makes. name: dotted; shape: sizes as numbers and words, lists or a dict of them where it gives
    several results. A layer of a block stands once for each use."""

    name: str
    type: str
    shape: Any
    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedText:
    """diagnostics: faults in the order of the file, or the warnings of a sound spec. shapes: of every input, layer and
    output that is known. graph: as of `builder.elaborate`; None where there are faults."""

    diagnostics: tuple[Diagnostic, ...]
    shapes: tuple[LayerShape, ...]
    graph: networkx.DiGraph[str] | None


def check_text(text: str, path: str | os.PathLike[str] = "<spec>") -> CheckedText:
    """Check the text of a spec, saved or not. Raises nothing for a faulty one, and writes nothing.

    path: its name in diagnostics; files that it names are looked for beside that.
    """
    found = examine_text(text, os.fspath(path))
    shapes = _shapes(found.model.nodes if found.model else ())
    if found.checked is None:
        return CheckedText(diagnostics=found.faults, shapes=shapes, graph=None)
    return CheckedText(diagnostics=tuple(lint(found.checked)), shapes=shapes, graph=graph_of(found.checked.model))


def _shapes(nodes: Sequence[Node]) -> tuple[LayerShape, ...]:
    return tuple(
        LayerShape(name=node.name, type=node.type, shape=node.shape, file=node.file, line=node.line, column=node.column)
        for node in nodes
        if node.shape is not None
    )
