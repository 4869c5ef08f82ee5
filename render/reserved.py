"""How a diagram is written in DOT for our own layout: every box, title and label as an empty place of its size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from render.diagram import Arrow, Box, Cluster

INCH = 72.0  # points; Graphviz takes sizes of boxes in inches


@dataclass(frozen=True, slots=True)
class Sizes:
    """Width and height, in points, of boxes and of clusters' titles by name.

    labels: how broad those of the arrows are. ported: boxes whose arrows come in at the middle of one side and leave
    from the middle of the other. points: those that are nothing but
    the place at which arrows meet, and their rank: "source" before all else, "sink" behind it."""

    boxes: Mapping[str, tuple[float, float]]
    titles: Mapping[str, tuple[float, float]]
    labels: tuple[float, ...]
    ported: frozenset[str]
    points: Mapping[str, str]


class Reserved:
    """Nothing but sizes."""

    def __init__(self, sizes: Sizes, across: bool) -> None:
        self.sizes = sizes
        self.into, self.out = ("w", "e") if across else ("n", "s")

    def box(self, box: Box) -> dict[str, str]:
        width, height = self.sizes.boxes[box.name]
        shape = {"shape": "circle"} if box.form == "circle" else {}
        return {"width": f"{width / INCH:.4f}", "height": f"{height / INCH:.4f}", **shape}

    def cluster(self, cluster: Cluster) -> dict[str, str]:
        return {"label": _empty(self.sizes.titles[cluster.name]), "labeljust": "l", "margin": "12"}

    def line(self, arrow: Arrow) -> dict[str, str]:
        ports = {"tailclip": "false"} if arrow.source in self.sizes.points else {}
        ports |= {"headclip": "false"} if arrow.target in self.sizes.points else {}
        if arrow.source in self.sizes.ported:
            ports["tailport"] = self.out
        if arrow.target in self.sizes.ported:
            ports["headport"] = self.into
        return ports

    def label(self, arrow: Arrow, index: int) -> dict[str, str]:
        return {}  # stands where the arrow begins, and needs no more than the room between ranks


def _empty(size: tuple[float, float]) -> str:
    """A place of this size without anything in it."""
    cell = f'<TD FIXEDSIZE="TRUE" WIDTH="{size[0]:.0f}" HEIGHT="{size[1]:.0f}"></TD>'
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0"><TR>{cell}</TR></TABLE>>'
