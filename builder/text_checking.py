"""A spec's text as an editor holds it: what is wrong with it, and the shapes as far as they are known."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dsl
from builder.building import graph_of
from builder.checking import check, faults_in
from builder.elaboration import elaborate_model
from builder.graph import Node
from builder.lint import lint
from dsl.diagnostics import Diagnostic, SpecError, in_order
from dsl.records import Spec
from dsl.tables import Faults

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
    try:
        spec = dsl.loads(text, os.fspath(path))
    except SpecError as error:
        return _faulty(error.spec, error.diagnostics)
    try:
        checked = check(spec)
    except SpecError as error:
        return _known(spec, error.diagnostics)
    warnings = tuple(lint(checked))
    return CheckedText(diagnostics=warnings, shapes=_shapes(checked.model.nodes), graph=graph_of(checked.model))


def _faulty(spec: Spec | None, told: Sequence[Diagnostic]) -> CheckedText:
    """What can be said where the form is at fault: more of the same kind, if any of it is sound."""
    if spec is None:
        return CheckedText(diagnostics=tuple(told), shapes=(), graph=None)
    return _known(spec, in_order([*told, *faults_in(spec, told)]))


def _known(spec: Spec, told: Sequence[Diagnostic]) -> CheckedText:
    return CheckedText(
        diagnostics=tuple(told), shapes=_shapes(elaborate_model(spec, Faults()).nodes), graph=None
    )  # fmt: skip


def _shapes(nodes: Sequence[Node]) -> tuple[LayerShape, ...]:
    return tuple(
        LayerShape(name=node.name, type=node.type, shape=node.shape, file=node.file, line=node.line, column=node.column)
        for node in nodes
        if node.shape is not None
    )
