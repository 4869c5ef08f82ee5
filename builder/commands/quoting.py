"""A spec's own lines about each layer and group of its model, as they stand in its files."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

from builder.graph import Node, Region, nodes, regions
from dsl.records import Spec
from dsl.source import Path, Setting, Source
from dsl.traced import Traced

if TYPE_CHECKING:
    import networkx

LONGEST: Final = 60  # lines; of what is longer the first are quoted

Start: TypeAlias = "tuple[str, int, int]"  # file, line and column


def quotes(spec: Spec, graph: networkx.DiGraph[str]) -> Mapping[str, str]:
    """By the dotted name of nodes and regions ("": the model), the lines that write it, without what they are indented
    by. A layer that is not written in a file has none, and neither has the model of a spec that is one long table."""
    written = {start: lines for source in _sources(spec.document.traced) for start, lines in _written(source)}
    every: list[Node | Region] = [*regions(graph).values(), *nodes(graph)]
    return {each.name: text for each in every if (text := written.get((each.file, each.line, each.column)))}


def _sources(traced: Traced) -> Iterator[Source]:
    """The files that a spec is put together from, each once."""
    found: dict[str, Source] = {}
    waiting = [traced]
    while waiting:
        each = waiting.pop()
        found.setdefault(each.source.name, each.source)
        waiting += each.parts.values() if isinstance(each.parts, dict) else each.parts or ()
    return (each for each in found.values() if not isinstance(each, Setting))


def _written(source: Source) -> Iterator[tuple[Start, str]]:
    """Where each table begins, and its lines: to the end of the last thing in it, wherever its header stands."""
    spans = source.every()
    ends: dict[Path, int] = {}
    for path, each in spans.items():
        for depth in range(len(path) + 1):
            ends[path[:depth]] = max(ends.get(path[:depth], 0), each.value[1])
    for path in sorted(spans, key=len):  # of those that begin at one place the innermost comes last
        start = source.span(path)
        yield (source.name, start.line, start.column), _quoted(source, spans[path].value[0], ends[path])


def _quoted(source: Source, start: int, end: int) -> str:
    first, last = source.text.count("\n", 0, start), source.text.count("\n", 0, end)
    lines = source.lines[first : last + 1]
    cut = [*lines[:LONGEST], "..."] if len(lines) > LONGEST else lines
    return textwrap.dedent("\n".join(cut))
