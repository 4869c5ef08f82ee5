"""From a graph to a Diagram: what is on the picture, in words and numbers, before anything has a place or a format.

No format knows the graph; each reads a `Diagram`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from builder.graph import Size, parameter_count, told
from render.amounts import summed
from render.closed import closed_details, closed_kind, closed_title
from render.copies import as_one
from render.fold import fold
from render.folding.plan import Frame, Plan, Standing
from render.folding.walk import Level
from render.headings import called, cluster_detail, folding, parameters_said, summary
from render.roles import Role, Route
from render.routes import routes
from render.words import (
    NAME_LIMIT,
    SAME_SHAPE,
    batch_name,
    details,
    name_said,
    shape_said,
    short_word,
    shortened,
    title,
)

if TYPE_CHECKING:
    import networkx

Form: TypeAlias = Literal["table", "circle", "dot"]
# What is to be seen at once, by a sign and a colour: of a comparison, or of a spec that is at fault.
Mark: TypeAlias = Literal["", "added", "removed", "changed", "fault"]

# Characters; longer texts lose their middle.
TITLE_LIMIT = 32
DETAIL_LIMIT = 88
LABELS_UP_TO = 400  # arrows; with more, `dot` takes many times as long to place the shapes


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One mark: a table for a layer, a circle with a sign for a merge, a dot where a region is entered.

    members: the nodes it stands for, the first of which gives it its title; none for a dot.
    region: the group or block that it stands for whole, where it is drawn closed; else "".
    shape: what it gives, as words. multiply_adds: of all members, a number or a text over free sizes.
    copies: how many like it one after another it stands for; numbers are of all of them together.
    stretch: it stands for several different layers, one after another, whose insides are not drawn either.
    remarks: how many of the details, the last ones, are said of its mark, each on lines of its own.
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
    stretch: bool = False
    mark: Mark = ""
    remarks: int = 0


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
    parameters, multiply_adds: of the whole model, which its boxes add up to.
    """

    title: str
    subtitle: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    clusters: tuple[Cluster, ...]
    legend: tuple[str, ...]
    level: Level = "full"
    parameters: int = 0
    multiply_adds: Size = 0


def compose(
    graph: networkx.DiGraph[str],
    *,
    level: Level = "block",
    expand: Sequence[str] = (),
    collapse: Sequence[str] = (),
    compact: bool = True,
) -> Diagram:
    """The picture of a graph.

    level, expand, collapse: what is drawn open, what closed and what once for several, as `fold` says; ValueError for
    a level or a name that there is not.
    compact: tell activation, normalisation and dropout in their producer's detail line where they follow it alone.
    """
    plan = fold(graph, level=level, expand=expand, collapse=collapse, compact=compact)
    all_nodes = list(plan.tree.nodes.values())
    batch = batch_name([each for each in all_nodes if each.role == "input"])
    entries, ways = routes(plan)
    boxes = [_box(plan, each, batch) for each in plan.boxes]
    sums = {each.name for each in boxes if each.title in SAME_SHAPE}
    boxes += [Box(name=name, form="dot", cluster=cluster, kind="") for name, cluster in entries.items()]
    arrows, labelled = _arrows(ways, batch, sums), len(ways) <= LABELS_UP_TO
    words = [told(graph) or summary(all_nodes, batch), folding(plan, level)]
    words += [] if labelled else ["shapes left out, too many arrows"]
    from render.marking import with_marks  # which needs what is above

    diagram = Diagram(
        title=shortened(str(graph.graph["name"]), 60) or "Model",
        subtitle=" · ".join(filter(None, words)),
        boxes=tuple(boxes),
        arrows=arrows if labelled else _without_labels(arrows),
        clusters=_clusters(plan, boxes),
        legend=_legend(boxes),
        level=level,
        parameters=sum(parameter_count(each) for each in all_nodes),
        multiply_adds=summed(each.multiply_adds for each in all_nodes),
    )
    return with_marks(diagram, graph)


def _box(plan: Plan, box: Standing, batch: str | None) -> Box:
    nodes, closed = plan.standing[box.name], bool(box.region or box.stretch)
    head = box.members[0]
    said = closed_title(plan, box) if closed else box.sign or title(head)
    label = "" if head.role in ("input", "output") and name_said(head.name) == head.role else called(plan, box)
    return Box(
        name=box.name,
        form="circle" if box.sign and not closed else "table",
        cluster=box.frame,
        kind=closed_kind(nodes) if closed else head.kind,
        title=shortened(said, TITLE_LIMIT),
        label="" if label == said else shortened(label, NAME_LIMIT),
        detail=tuple(
            shortened(fact, DETAIL_LIMIT) for fact in (closed_details(plan, box) if closed else _details(plan, box))
        ),
        parameters=sum(parameter_count(each) for each in nodes),
        multiply_adds=summed(each.multiply_adds for each in nodes),
        shape=_given(plan, box, batch),
        members=tuple(each.name for each in nodes),
        region=box.region,
        copies=box.copies,
        stretch=box.stretch,
    )


def _details(plan: Plan, box: Standing) -> Iterator[str]:
    """The layer's facts, and what follows it in a word each."""
    head, *followers = (as_one(copies) for copies in plan.copies(box))
    yield from details(head)
    yield from (short_word(each) for each in followers)


def _given(plan: Plan, box: Standing, batch: str | None) -> str:
    """The shape of what the last copy gives; nothing where it is another one in each of the copies around it."""
    given = plan.gives(box) if box.region or box.stretch else []
    if box.members[-1].name in plan.varying and box.copies == 1:
        return ""
    shapes = [each.shape for each in given] or [plan.copies(box)[-1][-1].shape]
    return ", ".join(dict.fromkeys(shape_said(each, batch) for each in shapes))


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


def _clusters(plan: Plan, boxes: list[Box]) -> tuple[Cluster, ...]:
    """The groups and blocks that are drawn open, outer ones first."""
    parents = {each.name: each.parent for each in plan.frames}
    inside: dict[str, list[Box]] = {each.name: [] for each in plan.frames}
    for box in boxes:
        frame = box.cluster
        while frame:
            inside[frame].append(box)
            frame = parents[frame]
    return tuple(_cluster(plan, each, inside[each.name]) for each in plan.frames)


def _cluster(plan: Plan, frame: Frame, inside: list[Box]) -> Cluster:
    region = plan.tree.regions[frame.region] if frame.region else None
    count, name = sum(each.parameters for each in inside), called(plan, frame)
    return Cluster(
        name=frame.name,
        parent=frame.parent,
        title=name or (region.type if region else "") or ("group" if region else "layers"),
        detail=cluster_detail(region, name, count) if region else parameters_said(count),
        parameters=count,
        multiply_adds=summed(each.multiply_adds for each in inside),
        copies=frame.copies,
    )


def _legend(boxes: list[Box]) -> tuple[str, ...]:
    """The kinds there are; input and output share a colour, and so an entry."""
    kinds = (each.kind for each in boxes if each.kind)
    return tuple(dict.fromkeys("input" if kind == "output" else kind for kind in kinds))
