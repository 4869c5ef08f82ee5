"""What is added, removed, changed or at fault, put on a finished diagram: of boxes, clusters and arrows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from builder.graph import Marked, arrow_marks, marks, node, told
from render.diagram import Arrow, Box, Cluster, Diagram, Mark
from render.words import shortened, title

if TYPE_CHECKING:
    import networkx

FACT_LIMIT = 84  # characters of what is said of a mark: three lines of a box
_FEW = 2  # differences inside of a closed box that are told one by one


def with_marks(diagram: Diagram, graph: networkx.DiGraph[str]) -> Diagram:
    """The diagram with the marks of its graph; as it is where the graph has none."""
    if not told(graph):
        return diagram
    all_marks = marks(graph)
    boxes = tuple(_box(each, graph, all_marks) for each in diagram.boxes)
    clusters = tuple(_cluster(each, all_marks) for each in diagram.clusters)
    marked = replace(diagram, boxes=boxes, clusters=clusters)
    return replace(marked, arrows=tuple(_Arrows(marked, graph).all()))


def _box(box: Box, graph: networkx.DiGraph[str], all_marks: Mapping[str, Marked]) -> Box:
    own = [(name, all_marks.get(name)) for name in box.members]
    kinds = {each.mark if each is not None else "" for _, each in own}
    whole = all_marks.get(box.region) if box.region else None
    if whole is not None and whole.mark in ("added", "removed"):
        return _marked(box, cast(Mark, whole.mark), whole.facts)
    if kinds <= {""} and whole is None:
        return box
    if box.region or box.stretch or (len(kinds) > 1 and kinds != {"", "changed"}):
        return _several(box, whole, {name: each for name, each in own if each is not None})
    facts: dict[str, None] = {}  # copies that stand in one box have the same
    for name, each in own:
        of = "" if graph.nodes[name]["type"] == graph.nodes[box.members[0]]["type"] else f"{title(node(graph, name))}: "
        facts |= dict.fromkeys(of + fact for fact in (each.facts if each is not None else ()))
    if box.form == "circle" and facts:  # which has no room for them
        box = replace(box, form="table", title=title(node(graph, box.members[0])))
    return _marked(box, cast(Mark, max(kinds)), tuple(facts))


def _marked(box: Box, mark: Mark, facts: tuple[str, ...]) -> Box:
    said = tuple(shortened(fact, FACT_LIMIT) for fact in facts)
    return replace(box, mark=mark, detail=(*box.detail, *said), remarks=len(said))


def _several(box: Box, whole: Marked | None, inside: Mapping[str, Marked]) -> Box:
    """A box with differences or faults among what it stands for: each, where they are few, or how many there are."""
    own = whole.facts if whole is not None else ()
    faults = [name for name, each in inside.items() if each.mark == "fault"]
    mark: Mark = "fault" if faults or (whole is not None and whole.mark == "fault") else "changed"
    told = {f"{name.rpartition('.')[2]}: {fact}": None for name, each in inside.items() for fact in each.facts}
    if not faults and len(told) <= _FEW and all(each.facts and each.mark == "changed" for each in inside.values()):
        return _marked(box, mark, (*own, *told))
    count, what = (len(faults), "fault") if faults else (len(inside), "change")
    said = (f"{count} {what}{'s' if count > 1 else ''} inside",) if count else ()
    return _marked(box, mark, (*own, *said))


def _cluster(cluster: Cluster, all_marks: Mapping[str, Marked]) -> Cluster:
    own = all_marks.get(cluster.name)
    if own is None:
        return cluster
    detail = " · ".join(shortened(fact, FACT_LIMIT) for fact in own.facts) or cluster.detail
    return replace(cluster, mark=cast(Mark, own.mark), detail=detail)


class _Arrows:
    """The arrows of a diagram whose graph has marks of what is read."""

    def __init__(self, diagram: Diagram, graph: networkx.DiGraph[str]) -> None:
        self.diagram, self.graph, self.marks = diagram, graph, arrow_marks(graph)
        self.into = {each.target: each.source for each in diagram.arrows}
        self.dots = {each.name for each in diagram.boxes if each.form == "dot"}
        self.onward: dict[str, list[str]] = {}
        for arrow in diagram.arrows:
            self.onward.setdefault(arrow.source, []).append(arrow.target)
        self.boxes = {name: each.name for each in diagram.boxes for name in each.members}
        self.between: dict[tuple[str, str], set[str]] = {}
        for source, target in graph.edges:
            ends = self.boxes.get(source, ""), self.boxes.get(target, "")
            self.between.setdefault(ends, set()).add(self.marks.get((source, target), ""))

    def all(self) -> Iterator[Arrow]:
        yield from (replace(each, mark=self._mark(each)) for each in self.diagram.arrows)
        yield from self._gone()

    def _mark(self, arrow: Arrow) -> Mark:
        """That of all tensors that go this way, if it is one."""
        origin = arrow.source
        while origin in self.dots:
            origin = self.into[origin]
        kinds = {mark for end in self._ends(arrow.target) for mark in self.between.get((origin, end), {""})}
        return cast(Mark, kinds.pop()) if len(kinds) == 1 else ""

    def _ends(self, target: str) -> Iterator[str]:
        """The boxes that an arrow leads to, through dots."""
        if target not in self.dots:
            yield target
        else:
            for each in self.onward[target]:
                yield from self._ends(each)

    def _gone(self) -> Iterator[Arrow]:
        """What only the old model read, between layers that are in both, or from one that was removed."""
        there = {(each.source, each.target) for each in self.diagram.arrows}
        for (source, target), mark in self.marks.items():
            ends = self.boxes.get(source), self.boxes.get(target)
            if mark == "removed" and (source, target) not in self.graph.edges and None not in ends:
                first, last = cast(tuple[str, str], ends)
                if first != last and (first, last) not in there:
                    there.add((first, last))
                    yield Arrow(source=first, target=last, label="", role="skip", mark="removed")
