"""From a graph to a Diagram: what is on the picture, in words and numbers, before anything has a place or a format.

No format knows the graph; each reads a `Diagram`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from builder.graph import Node, Region, Size, arrow_marks, marks, nodes, parameter_count, regions, told
from render.compaction import Cast, cast_of
from render.routes import Route, routes
from render.words import (
    SAME_SHAPE,
    batch_name,
    count_said,
    details,
    name_said,
    region_said,
    shape_said,
    short_word,
    shortened,
    title,
)

if TYPE_CHECKING:
    import networkx

Form: TypeAlias = Literal["table", "circle", "dot"]
Role: TypeAlias = Literal["spine", "branch", "skip"]
# What is to be seen at once, by a sign and a colour: of a comparison, or of a spec that is at fault.
Mark: TypeAlias = Literal["", "added", "removed", "changed", "fault"]

# Characters; longer texts lose their middle.
NAME_LIMIT = 24
TITLE_LIMIT = 32
DETAIL_LIMIT = 44
LABELS_UP_TO = 400  # arrows; with more, `dot` takes many times as long to place the shapes


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One mark: a table for a layer, a circle with a sign for a merge, a dot where a region is entered.

    members: the nodes it stands for, the first of which gives it its title; none for a dot.
    region: the group or block that it stands for whole, where it is drawn closed; else "".
    shape: what it gives, as words. multiply_adds: of all members, a number or a text over free sizes.
    copies: how many like it one after another it stands for; numbers are of all of them together.
    """

    name: str
    form: Form
    cluster: str
    kind: str
    title: str = ""
    label: str = ""
    detail: tuple[str, ...] = ()
    parameters: int = 0
    multiply_adds: Size = 0
    shape: str = ""
    members: tuple[str, ...] = ()
    region: str = ""
    copies: int = 1
    mark: Mark = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """A tensor on its way. The spine is the main path; a skip leaps over boxes that another path goes through."""

    source: str
    target: str
    label: str
    role: Role
    mark: Mark = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A group or block, drawn around its boxes. parent "" is the picture itself.

    parameters, multiply_adds: of all inside, `copies` times where it stands for several one after another.
    """

    name: str
    parent: str
    title: str
    detail: str
    parameters: int
    multiply_adds: Size = 0
    copies: int = 1
    mark: Mark = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagram:
    """A whole picture.

    legend: the kinds that its boxes have, in the order in which they first stand; "input" is for outputs too.
    """

    title: str
    subtitle: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    clusters: tuple[Cluster, ...]
    legend: tuple[str, ...]


def compose(graph: networkx.DiGraph[str], *, compact: bool = True) -> Diagram:
    """The picture of a graph.

    compact: tell activation, normalisation and dropout in their producer's detail line where they follow it alone.
    """
    all_nodes = list(nodes(graph))
    batch = batch_name([each for each in all_nodes if each.role == "input"])
    gone = [each for each in arrow_marks(graph) if each not in graph.edges]
    casts = cast_of(all_nodes, marks(graph), gone, compact=compact)
    entries, ways = routes(all_nodes, casts, _parents(regions(graph)))
    boxes = [_box(each, batch) for each in casts]
    boxes += [Box(name=name, form="dot", cluster=cluster, kind="") for name, cluster in entries.items()]
    arrows = _arrows(ways, batch, {each.members[0].name for each in casts if each.sign in SAME_SHAPE})
    from render.marking import with_marks  # which needs what is above

    diagram = Diagram(
        title=shortened(str(graph.graph["name"]), 60) or "Model",
        subtitle=told(graph) or _subtitle(all_nodes, batch, labelled=len(ways) <= LABELS_UP_TO),
        boxes=tuple(boxes),
        arrows=arrows if len(ways) <= LABELS_UP_TO else _without_labels(arrows),
        clusters=_clusters(regions(graph), boxes),
        legend=_legend(boxes),
    )
    return with_marks(diagram, graph)


def outline(diagram: Diagram) -> str:
    """The picture in words, a line a box: for those who cannot see it."""
    lines = [diagram.subtitle]
    for each in diagram.boxes:
        if each.form != "dot":
            facts = ", ".join(filter(None, [" · ".join(each.detail), _parameters_said(each.parameters), each.shape]))
            name = "" if each.name.isdigit() else f"{each.name}: "
            lines.append(f"{name}{each.title}" + (f" ({facts})" if facts else ""))
    return "\n".join(lines)


def _box(cast: Cast, batch: str | None) -> Box:
    head, followers = cast.members[0], cast.members[1:]
    facts = [*details(head), *(short_word(each) for each in followers)]
    end = head.role in ("input", "output")
    return Box(
        name=head.name,
        form="circle" if cast.sign else "table",
        cluster=head.region,
        kind=head.kind,
        title=cast.sign or shortened(title(head), TITLE_LIMIT),
        label="" if end and name_said(head.name) == head.role else shortened(name_said(head.name), NAME_LIMIT),
        detail=tuple(shortened(fact, DETAIL_LIMIT) for fact in facts),
        parameters=sum(parameter_count(each) for each in cast.members),
        shape=shape_said(cast.members[-1].shape, batch),
        members=tuple(each.name for each in cast.members),
    )


def _arrows(ways: list[Route], batch: str | None, sums: set[str]) -> tuple[Arrow, ...]:
    """Arrows with each shape told once: on the first arrow that leaves a box, the spine's if it has one. What comes
    into a sum from the side has the shape that the spine brings, which is told there."""
    first: dict[tuple[str, str], Route] = {}
    for way in sorted(ways, key=lambda each: each.role != "spine"):
        first.setdefault((way.source, shape_said(way.shape, batch)), way)
    return tuple(
        Arrow(
            source=way.source,
            target=way.target,
            role=way.role,
            label=shape_said(way.shape, batch)
            if _tells(way, first[way.source, shape_said(way.shape, batch)], sums)
            else "",
        )
        for way in ways
    )


def _tells(way: Route, first: Route, sums: set[str]) -> bool:
    return way.news and first is way and (way.role == "spine" or way.target not in sums)


def _without_labels(arrows: tuple[Arrow, ...]) -> tuple[Arrow, ...]:
    return tuple(Arrow(source=each.source, target=each.target, label="", role=each.role) for each in arrows)


def _clusters(all_regions: Mapping[str, Region], boxes: list[Box]) -> tuple[Cluster, ...]:
    """The regions that hold a box, outer ones first."""
    parents = _parents(all_regions)
    totals: dict[str, int] = {}
    for box in boxes:
        region = box.cluster
        while region:
            totals[region] = totals.get(region, 0) + box.parameters
            region = parents[region]
    return tuple(
        Cluster(
            name=name,
            parent=parents[name],
            title=region_said(name) or each.type or "group",
            detail=_cluster_detail(each, name, totals[name]),
            parameters=totals[name],
        )
        for name, each in all_regions.items()
        if name in totals
    )


def _parents(all_regions: Mapping[str, Region]) -> dict[str, str]:
    """Every region but the model itself -> the one around it."""
    return {
        child: name for name, each in all_regions.items() for child in each.children if child in all_regions and child
    }


def _legend(boxes: list[Box]) -> tuple[str, ...]:
    """The kinds there are; input and output share a colour, and so an entry."""
    kinds = (each.kind for each in boxes if each.kind)
    return tuple(dict.fromkeys("input" if kind == "output" else kind for kind in kinds))


def _subtitle(all_nodes: list[Node], batch: str | None, *, labelled: bool) -> str:
    inputs = [each for each in all_nodes if each.role == "input"]
    total = sum(parameter_count(each) for each in all_nodes)
    words = [_inputs_said(inputs, batch), f"{count_said(total)} parameters"]
    return " · ".join(filter(None, [*words, "" if labelled else "shapes left out, too many arrows"]))


def _inputs_said(inputs: list[Node], batch: str | None) -> str:
    shaped = [each for each in inputs if each.shape is not None]
    if len(shaped) == 1:
        return f"input {shape_said(shaped[0].shape, batch)}"
    told = [f"{shortened(name_said(each.name), NAME_LIMIT)} {shape_said(each.shape, batch)}" for each in shaped[:3]]
    more = [f"{len(shaped) - 3} more"] if len(shaped) > 3 else []
    return "inputs " + ", ".join(told + more) if told else ""


def _cluster_detail(region: Region, name: str, count: int) -> str:
    """`BasicBlock · 73,984`, or `73,984 parameters`: there is no room for both words. A shared one says whose it is."""
    type_ = region.type if region_said(name) else ""
    if region.module not in ("", name):
        return f"shares {shortened(region_said(region.module), NAME_LIMIT)}"
    if not type_:
        return _parameters_said(count)
    return f"{type_} · {count_said(count)}" if count else type_


def _parameters_said(count: int) -> str:
    return f"{count_said(count)} parameters" if count else ""
