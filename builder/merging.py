"""Two models as one graph for a picture: the new one, with what the old one had besides put in its place, and marks.

What was removed reads what it read, and owns nothing: numbers on the picture are the new model's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import networkx

from builder.comparison import Comparing
from builder.differences import Difference
from builder.graph import Marked, Node, Region, assemble, parameter_count, references, regions, with_marks
from builder.matching import Part
from builder.wording import difference_said, words_of

_ARROW: Final = "→"
# What follows from another layer's change is to be seen on the arrows: it marks no layer.
_FOLLOWS: Final = frozenset(("shape", "dtype"))


def merge(old: networkx.DiGraph[str], new: networkx.DiGraph[str]) -> networkx.DiGraph[str]:
    """One graph of two finished ones, with marks of what is different: `render.draw` draws it."""
    return merged(Comparing(old, new))


def merged(found: Comparing) -> networkx.DiGraph[str]:
    """The same for two that have been compared."""
    merging = _Merging(found)
    merging.put_all()
    old, new = found.graphs
    all_regions = [replace(each, children=merging.children.get(each.name, [])) for each in merging.regions]
    graph = assemble(_title(old, new), "", new.graph["file"], _in_order(merging.nodes), all_regions, [])
    return with_marks(graph, merging.marks, merging.arrows(), _told(found, merging))


@dataclass(slots=True)
class _Merging:
    """names: of what is in the old model alone, and of regions in both -> in the merged graph. children: by region."""

    found: Comparing
    names: dict[str, str] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    regions: list[Region] = field(default_factory=list)
    children: dict[str, list[str]] = field(default_factory=dict)
    marks: dict[str, Marked] = field(default_factory=dict)

    def put_all(self) -> None:
        """Inputs, all that both models hold in the order of the new one, outputs."""
        found = self.found
        ends = {prefix: list(found.matched_ends(prefix)) for prefix in ("inputs.", "outputs.")}
        matches = [*ends["inputs."], *found.matches, *ends["outputs."]]
        old, new = (_parents(graph) for graph in found.graphs)
        self._name_all([(one, other, old.get(one.name, "")) for one, other in matches if one is not None])
        for before, after in matches:
            if after is not None and before is not None:
                self._put_pair(before, after, new.get(after.name))
            elif after is not None:
                self._put_added(after, new.get(after.name))
            elif before is not None:
                around = old.get(before.name)
                self._put_removed(before, None if around is None else self.names[around])

    def _name_all(self, matches: list[tuple[Part, Part | None, str]]) -> None:
        """What is only in the old model keeps its name in the region that it is in now, if that is free there."""
        taken = {*self.found.new, *regions(self.found.graphs[1])}
        self.names = {one.name: other.name for one, other, _ in matches if other is not None}
        for one, other, around in matches:
            if other is None:
                self._name(one, self.names[around], taken)

    def _name(self, part: Part, around: str, taken: set[str]) -> None:
        end = isinstance(part.what, Node) and part.what.role in ("input", "output")
        last = part.name if end else part.name.rpartition(".")[2]
        prefix = f"{around}." if around else ""
        name, number = f"{prefix}{last}", 1
        while name in taken:
            name, number = f"{prefix}removed{number if number > 1 else ''}.{last}", number + 1
        taken.add(name)
        self.names[part.name] = name
        for each in part.parts:
            self._name(each, name, taken)

    def _put_pair(self, before: Part, after: Part, around: str | None) -> None:
        change = self.found.change(before, after)
        facts = _facts(change.differences, after.what) if change is not None else ()
        if facts:
            self.marks[after.name] = Marked("changed", facts)
        self._put(after.what, around)

    def _put_added(self, part: Part, around: str | None) -> None:
        self.marks[part.name] = Marked("added")
        self._put(part.what, around)
        for each in part.parts:
            self._put_added(each, part.name)

    def _put_removed(self, part: Part, around: str | None) -> None:
        name, what = self.names[part.name], part.what
        count = sum(map(parameter_count, part.layers))
        self.marks[name] = Marked("removed", (f"had {count:,} parameters",) if count else ())
        if isinstance(what, Region):
            self._put(Region(name=name, type=what.type, module=name, copies=what.copies, line=what.line), around)
        else:
            self._put(self._without_possessions(what, name, around or ""), around)
        for each in part.parts:
            self._put_removed(each, name)

    def _put(self, what: Node | Region, around: str | None) -> None:
        if isinstance(what, Node):
            self.nodes.append(what)
        else:
            self.regions.append(what)
        if around is not None:
            self.children.setdefault(around, []).append(what.name)

    def _without_possessions(self, node: Node, name: str, around: str) -> Node:
        return replace(
            node, name=name, region=around, module=None, reads=self._renamed(node.reads), device=None, sizes={},
            keyword_reads=self._renamed(node.keyword_reads), parameters={}, buffers={}, ties={}, init={}, passes=None,
            multiply_adds=0,
        )  # fmt: skip

    def _renamed(self, reads: Any) -> Any:
        """References in the merged graph; a reference loses how it came through regions, which may be gone."""
        if isinstance(reads, list):
            return [self._renamed(each) for each in reads]
        if not isinstance(reads, dict):
            return reads
        if not isinstance(reads.get("from"), str):
            return {key: self._renamed(each) for key, each in reads.items()}
        picks = {key: reads[key] for key in ("pick", "parameter") if key in reads}
        return {"from": self.names[reads["from"]], **picks}

    def arrows(self) -> dict[tuple[str, str], str]:
        """What is read in one of the models alone, by layers that one of them lacks, or that read something else."""
        before, after = (set(graph.edges) for graph in self.found.graphs)
        before = {(self.names[source], self.names[target]) for source, target in before}
        fed_anew = {
            other for one, other in self.found.twins.items()
            if any(self.found.reads(self.found.old[one], self.found.new[other]))
        }  # fmt: skip
        return {**self._only(before - after, "removed", fed_anew), **self._only(after - before, "added", fed_anew)}

    def _only(self, edges: set[tuple[str, str]], mark: str, fed_anew: set[str]) -> dict[tuple[str, str], str]:
        """Sorted, as a set of texts has another order in each process."""
        alone = {name for name, each in self.marks.items() if each.mark == mark}
        return {edge: mark for edge in sorted(edges) if edge[1] in fed_anew or not alone.isdisjoint(edge)}


def _parents(graph: networkx.DiGraph[str]) -> dict[str, str]:
    return {child: each.name for each in regions(graph).values() for child in each.children}


def _in_order(nodes: list[Node]) -> list[Node]:
    """Each after what it reads: what was removed may have read what stands further down by now."""
    placed: dict[str, Node] = {}
    waiting: list[Node] = []
    for node in nodes:
        waiting.append(node)
        while ready := [each for each in waiting if all(source in placed for source in _sources(each))]:
            placed |= {each.name: each for each in ready}
            waiting = [each for each in waiting if each.name not in placed]
    return list(placed.values())


def _sources(node: Node) -> Iterator[str]:
    return references([node.reads, node.keyword_reads])


def _facts(differences: tuple[Difference, ...], what: Node | Region) -> tuple[str, ...]:
    """Old → new of what makes two layers different; how many parameters they have where nothing else does."""
    source = isinstance(what, Node) and not any(_sources(what))  # then its shape is its own
    own = [each for each in differences if source or each.what not in _FOLLOWS]
    told = [each for each in own if each.what != "parameters"] or own
    return tuple(dict.fromkeys(difference_said(each, _ARROW) for each in told))


def _title(old: networkx.DiGraph[str], new: networkx.DiGraph[str]) -> str:
    """The models' names; those of their files where they are called alike."""
    names = [str(graph.graph["name"]) for graph in (old, new)]
    files = [Path(graph.graph["file"]).stem for graph in (old, new)]
    if names[0] == names[1] and files[0] != files[1]:
        names = files
    return names[0] if names[0] == names[1] else f" {_ARROW} ".join(names)


def _told(found: Comparing, merging: _Merging) -> str:
    """How many layers are marked, and the totals."""
    at_layers = {each.name for each in merging.nodes}
    counts = Counter(each.mark for name, each in merging.marks.items() if name in at_layers or each.mark == "changed")
    words = [f"{counts[mark]} {mark}" for mark in ("added", "removed", "changed") if counts[mark]]
    totals = {each.what: each for each in found.totals()}
    for what in ("parameters", "multiply-adds"):
        if what in totals:
            old, new = totals[what].old, totals[what].new
            if isinstance(old, int) and isinstance(new, int):  # sums over free sizes are long
                words.append(f"{words_of(old, what)} {_ARROW} {words_of(new, what)} {what}")
    if "parameters" not in totals:
        words.append(f"{sum(map(parameter_count, found.new.values())):,} parameters")
    return " · ".join(words if merging.marks else ["no difference", *words])
