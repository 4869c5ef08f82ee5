"""Diagram -> DOT text, the language of Graphviz: what stands in what, what pulls on what, and how lines look.

Two readers: people, for whom the labels are written as tables, and our own layout, for which every label is an empty
place of its size.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Protocol

import graphviz  # type: ignore[import-untyped]

from render.diagram import Arrow, Box, Cluster, Diagram
from render.letters import FONT
from render.reserved import INCH, Reserved, Sizes
from render.tables import arrow_label, box_label, cluster_label, heading, legend
from render.theme import Theme

_MANY = 1500  # boxes; with more, `dot` is told to give up the last bit of tidiness rather than take minutes


def dot_text(diagram: Diagram, theme: Theme) -> str:
    """The picture in DOT; the same text for the same diagram and theme."""
    page = graphviz.Digraph(name="model", graph_attr=_page(diagram, theme))
    page.attr("node", shape="plain", fontname=FONT, fontsize="11", fontcolor=theme.ink)
    page.attr("edge", fontname=FONT, color=theme.edge, arrowsize="0.6")
    drawing = _Drawing(diagram, _Written(theme))
    # The title is the label of a cluster without a line around everything; the page's own label is the legend.
    title = {"id": "diagram:title", "label": heading(diagram, theme), "labelloc": "t", "labeljust": "l"}
    with page.subgraph(name="cluster:page", graph_attr={**title, "penwidth": "0", "margin": "8"}) as inside:
        drawing.draw_into(inside)
    return str(page.source)


def layout_text(diagram: Diagram, sizes: Sizes, *, across: bool) -> str:
    """The same structure with empty places for all text. across: to the right, not down."""
    apart = max((each for each in sizes.labels), default=0.0) + 20 if across else 0.0
    settings = {"rankdir": "LR" if across else "TB", "nodesep": "0.22", "ranksep": f"{max(apart, 30.0) / INCH:.2f}"}
    if len(diagram.boxes) > _MANY:
        settings |= {"nslimit": "2", "nslimit1": "2", "mclimit": "0.5", "splines": "line"}
    page = graphviz.Digraph(name="layout", graph_attr=settings)
    page.attr("node", shape="box", fixedsize="true", label="")
    page.attr("edge", arrowhead="none")
    _Drawing(diagram, Reserved(sizes, across)).draw_into(page)
    for name, rank in sizes.points.items():
        with page.subgraph(graph_attr={"rank": rank}) as edge:
            edge.node(name)
    return str(page.source)


def _page(diagram: Diagram, theme: Theme) -> dict[str, str]:
    return {
        "id": "diagram:page",
        "bgcolor": theme.ground,
        "fontname": FONT,
        "label": legend(diagram, theme),
        "labelloc": "b",
        "labeljust": "l",
        "nodesep": "0.35",
        "ranksep": "0.3",
        "pad": "0.15",
        "margin": "0",
    }


class _Looks(Protocol):
    """How the parts are written: their attributes in DOT."""

    def box(self, box: Box) -> dict[str, str]: ...

    def cluster(self, cluster: Cluster) -> dict[str, str]: ...

    def line(self, arrow: Arrow) -> dict[str, str]: ...

    def label(self, arrow: Arrow, index: int) -> dict[str, str]: ...


class _Drawing:
    """A diagram, with what its parts are looked up by."""

    def __init__(self, diagram: Diagram, looks: _Looks) -> None:
        self.looks = looks
        self.arrows = diagram.arrows
        self.boxes = {each.name: each for each in diagram.boxes}
        self.parents = {each.name: each.parent for each in diagram.clusters}
        self.boxes_in: dict[str, list[Box]] = {}
        self.clusters_in: dict[str, list[Cluster]] = {}
        for box in diagram.boxes:
            self.boxes_in.setdefault(box.cluster, []).append(box)
        for cluster in diagram.clusters:
            self.clusters_in.setdefault(cluster.parent, []).append(cluster)

    def draw_into(self, graph: graphviz.Digraph) -> None:
        self._fill(graph, "")
        for index, arrow in enumerate(self.arrows):
            self._connect(graph, arrow, index)

    def _fill(self, graph: graphviz.Digraph, cluster: str) -> None:
        """Put into a cluster what stands directly in it; entry dots first, so that they come out on top."""
        for box in sorted(self.boxes_in.get(cluster, []), key=lambda each: each.form != "dot"):
            graph.node(box.name, **self.looks.box(box))
        for bend in self.bends.get(cluster, []):
            graph.node(bend, shape="point", width="0", style="invis", label="")
        for each in self.clusters_in.get(cluster, []):
            with graph.subgraph(name=f"cluster:{each.name}", graph_attr=self.looks.cluster(each)) as inner:
                self._fill(inner, each.name)

    def _connect(self, graph: graphviz.Digraph, arrow: Arrow, index: int) -> None:
        """Draw an arrow; a branch that enters a cluster bends above it, or it would run through the title."""
        line = {**_pull(arrow), **self.looks.line(arrow)}
        head = {"arrowhead": "none"} if self.boxes[arrow.target].form == "dot" else {}
        label = self.looks.label(arrow, index) if arrow.label else {}
        name = f"arrow:{index}"
        if arrow.role == "spine" and arrow.source in self.forks:
            line["minlen"] = "2"  # as far down as the boxes at the side, whose arrows have a bend on the way
        if self._bends_in(arrow) is None:
            graph.edge(arrow.source, arrow.target, id=name, **line, **head, **label)
        else:
            side = {"headport": "n", "headclip": "false", "arrowhead": "none", "weight": "2"}
            graph.edge(arrow.source, _bend(index), id=f"{name}:side", **{**line, **side}, **label)
            graph.edge(_bend(index), arrow.target, id=name, **{**line, "weight": "10", "tailclip": "false"}, **head)

    @cached_property
    def forks(self) -> set[str]:
        """The boxes and dots that an arrow with a bend leaves."""
        return {each.source for each in self.arrows if self._bends_in(each) is not None}

    @cached_property
    def bends(self) -> dict[str, list[str]]:
        """By cluster, the points just above an inner cluster at which branches turn downwards."""
        found: dict[str, list[str]] = {}
        for index, arrow in enumerate(self.arrows):
            cluster = self._bends_in(arrow)
            if cluster is not None:
                found.setdefault(cluster, []).append(_bend(index))
        return found

    def _bends_in(self, arrow: Arrow) -> str | None:
        """The cluster around all that a branch enters; None where it enters none, and for other arrows: the spine
        comes in straight, and a skip leads to a merge further down, past the title."""
        outside = set(self._around(arrow.source))
        entered = [each for each in self._around(arrow.target) if each not in outside]
        return self.parents[entered[-1]] if entered and arrow.role == "branch" else None

    def _around(self, box: str) -> Iterator[str]:
        """The clusters that a box stands in, innermost first."""
        cluster = self.boxes[box].cluster
        while cluster:
            yield cluster
            cluster = self.parents[cluster]


def _bend(index: int) -> str:
    return f"bend/{index}"


def _pull(arrow: Arrow) -> dict[str, str]:
    """The spine pulls its boxes into one line, ten times as hard as the rest, which only keeps itself straight."""
    return {"weight": "10"} if arrow.role == "spine" else {}


class _Written:
    """Labels in full, in a theme's colours."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme

    def box(self, box: Box) -> dict[str, str]:
        if box.form == "table":
            return {"id": box.name, "label": box_label(box, self.theme)}
        if box.form == "circle":
            return self._circle(box)
        colour = {"fillcolor": self.theme.edge, "color": self.theme.edge}
        return {"id": f"entry:{box.name}", "shape": "circle", "style": "filled", "width": "0.07", "fixedsize": "true",
                "label": "", **colour}  # fmt: skip

    def _circle(self, box: Box) -> dict[str, str]:
        """A merge: its sign in a small circle, which is larger where the sign is a word."""
        shade = self.theme.kinds[box.kind]
        word = len(box.title) > 1
        size = {"width": "0.48", "fontsize": "9.5"} if word else {"width": "0.3", "fontsize": "14"}
        colours = {"fillcolor": shade.fill, "color": shade.bar}
        return {"id": box.name, "shape": "circle", "style": "filled", "fixedsize": "true", "label": box.title,
                **size, **colours}  # fmt: skip

    def cluster(self, cluster: Cluster) -> dict[str, str]:
        return {
            "id": f"cluster:{cluster.name}",
            "label": cluster_label(cluster, self.theme),
            "style": "rounded,filled",
            "fillcolor": self.theme.cluster,
            "color": self.theme.cluster_edge,
            "penwidth": "1",
            "margin": "14",
        }

    def line(self, arrow: Arrow) -> dict[str, str]:
        if arrow.role == "spine":
            return {"penwidth": "1.5"}
        return {"style": "dashed"} if arrow.role == "skip" else {}

    def label(self, arrow: Arrow, index: int) -> dict[str, str]:
        return {"label": arrow_label(arrow, self.theme)}
