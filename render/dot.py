"""Diagram -> DOT text, the language of Graphviz: what stands in what, what pulls on what, and how lines look."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import graphviz  # type: ignore[import-untyped]

from render.diagram import Arrow, Box, Cluster, Diagram
from render.tables import arrow_label, box_label, cluster_label, heading, legend
from render.theme import Theme

# The first is the widest: what fits in it fits in what a reader may have in its place.
FONT = "DejaVu Sans,Helvetica,Arial,sans-serif"


def dot_text(diagram: Diagram, theme: Theme) -> str:
    """The picture in DOT; the same text for the same diagram and theme."""
    page = graphviz.Digraph(name="model", graph_attr=_page(diagram, theme))
    page.attr("node", shape="plain", fontname=FONT, fontsize="11", fontcolor=theme.ink)
    page.attr("edge", fontname=FONT, color=theme.edge, arrowsize="0.6")
    drawing = _Drawing(diagram, theme)
    # The title is the label of a cluster without a line around everything; the page's own label is the legend.
    title = {"id": "diagram:title", "label": heading(diagram, theme), "labelloc": "t", "labeljust": "l"}
    with page.subgraph(name="cluster:page", graph_attr={**title, "penwidth": "0", "margin": "8"}) as inside:
        drawing.fill(inside, "")
        for index, arrow in enumerate(diagram.arrows):
            drawing.connect(inside, arrow, index)
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


class _Drawing:
    """A diagram in a theme, with what its parts are looked up by."""

    def __init__(self, diagram: Diagram, theme: Theme) -> None:
        self.theme = theme
        self.arrows = diagram.arrows
        self.boxes = {each.name: each for each in diagram.boxes}
        self.parents = {each.name: each.parent for each in diagram.clusters}
        self.boxes_in: dict[str, list[Box]] = {}
        self.clusters_in: dict[str, list[Cluster]] = {}
        for box in diagram.boxes:
            self.boxes_in.setdefault(box.cluster, []).append(box)
        for cluster in diagram.clusters:
            self.clusters_in.setdefault(cluster.parent, []).append(cluster)

    def fill(self, graph: graphviz.Digraph, cluster: str) -> None:
        """Put into a cluster what stands directly in it; entry dots first, so that they come out on top."""
        for box in sorted(self.boxes_in.get(cluster, []), key=lambda each: each.form != "dot"):
            graph.node(box.name, **_node(box, self.theme))
        for bend in self.bends.get(cluster, []):
            graph.node(bend, shape="point", width="0", style="invis", label="")
        for each in self.clusters_in.get(cluster, []):
            with graph.subgraph(name=f"cluster:{each.name}", graph_attr=_cluster(each, self.theme)) as inner:
                self.fill(inner, each.name)

    def connect(self, graph: graphviz.Digraph, arrow: Arrow, index: int) -> None:
        """Draw an arrow; a branch that enters a cluster bends above it, or it would run through the title."""
        line = _line(arrow)
        head = {"arrowhead": "none"} if self.boxes[arrow.target].form == "dot" else {}
        label = {"label": arrow_label(arrow, self.theme)} if arrow.label else {}
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


def _cluster(cluster: Cluster, theme: Theme) -> dict[str, str]:
    return {
        "id": f"cluster:{cluster.name}",
        "label": cluster_label(cluster, theme),
        "style": "rounded,filled",
        "fillcolor": theme.cluster,
        "color": theme.cluster_edge,
        "penwidth": "1",
        "margin": "14",
    }


def _node(box: Box, theme: Theme) -> dict[str, str]:
    if box.form == "table":
        return {"id": box.name, "label": box_label(box, theme)}
    if box.form == "circle":
        return _circle(box, theme)
    colour = {"fillcolor": theme.edge, "color": theme.edge}
    return {"id": f"entry:{box.name}", "shape": "circle", "style": "filled", "width": "0.07", "fixedsize": "true",
            "label": "", **colour}  # fmt: skip


def _circle(box: Box, theme: Theme) -> dict[str, str]:
    """A merge: its sign in a small circle, which is larger where the sign is a word."""
    shade = theme.kinds[box.kind]
    word = len(box.title) > 1
    size = {"width": "0.48", "fontsize": "9.5"} if word else {"width": "0.3", "fontsize": "14"}
    colours = {"fillcolor": shade.fill, "color": shade.bar}
    return {"id": box.name, "shape": "circle", "style": "filled", "fixedsize": "true", "label": box.title,
            **size, **colours}  # fmt: skip


def _line(arrow: Arrow) -> dict[str, str]:
    """The spine pulls its boxes into one line, ten times as hard as the rest, which only keeps itself straight."""
    if arrow.role == "spine":
        return {"weight": "10", "penwidth": "1.5"}
    return {"style": "dashed"} if arrow.role == "skip" else {}
