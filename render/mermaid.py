"""Diagram -> Mermaid text: a flowchart that GitHub draws where a README or a file `.mmd` holds it.

GitHub draws with Mermaid's strict settings, on a page that is light or dark. So the picture brings its own ground, a
subgraph around everything. Labels are Mermaid's Markdown strings: HTML is not taken everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from render.diagram import Arrow, Box, Cluster, Diagram
from render.mermaid_labels import box_label, cluster_label, heading, rooms, said
from render.theme import Theme
from render.written import Written, repeated

# Mermaid's own settings, which a text cannot raise: beyond them it draws a message in the picture's place.
CHARACTERS_DRAWN = 50_000
ARROWS_DRAWN = 499  # and one that is not seen, which holds the heading in its place

# Around a label, by what a box is: a plain layer, an input or output, a group or block that is drawn closed, a merge.
_LAYER, _END, _CLOSED, _MERGE = ("[", "]"), ("([", "])"), ("[[", "]]"), ("((", "))")


def flowchart(diagram: Diagram, theme: Theme) -> Written:
    """The picture in Mermaid; the same text for the same diagram and theme. Nothing is left out of a large one."""
    lines = list(_Chart(diagram, theme).lines())
    notes = tuple(_notes(diagram, _joined(lines)))
    start = lines.index("flowchart TB")
    return Written(_joined([*lines[:start], *(f"%% {each}" for each in notes), *lines[start:]]).encode(), notes)


def _joined(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _notes(diagram: Diagram, text: str) -> Iterator[str]:
    length = len(text.encode("utf-16-le")) // 2  # as JavaScript counts
    less = "draw it at a higher level"
    if length > CHARACTERS_DRAWN:
        yield f"{length:,} characters: GitHub draws Mermaid of up to {CHARACTERS_DRAWN:,}; {less}"
    if len(diagram.arrows) > ARROWS_DRAWN:
        yield f"{len(diagram.arrows):,} arrows: GitHub draws Mermaid of up to {ARROWS_DRAWN}; {less}"


class _Chart:
    """A diagram in a theme, with what its parts are looked up by."""

    def __init__(self, diagram: Diagram, theme: Theme) -> None:
        self.diagram = diagram
        self.theme = theme
        self.boxes_in: dict[str, list[Box]] = {}
        self.clusters_in: dict[str, list[Cluster]] = {}
        for box in diagram.boxes:
            self.boxes_in.setdefault(box.cluster, []).append(box)
        for cluster in diagram.clusters:
            self.clusters_in.setdefault(cluster.parent, []).append(cluster)
        self.rooms = rooms(diagram)
        self.repeated = repeated(diagram)
        # Mermaid puts first arrows to the left: skips, as the last, stand at the right, away from titles.
        self.arrows = sorted(diagram.arrows, key=lambda each: each.role == "skip")
        self.dots = {each.name for each in diagram.boxes if each.form == "dot"}
        self.box_ids = _ids("n", (each.name for each in diagram.boxes))
        self.cluster_ids = _ids("g", (each.name for each in diagram.clusters))

    def lines(self) -> Iterator[str]:
        yield from _settings(self.theme)
        yield "flowchart TB"
        yield f"  accTitle: {said(self.diagram.title)}"
        if self.diagram.subtitle:  # without one, the next line would be it
            yield f"  accDescr: {said(self.diagram.subtitle)}"
        yield '  subgraph page[" "]'
        yield "    direction TB"  # what stands by itself would go the other way
        yield f'    heading["`{heading(self.diagram.title, self.diagram.subtitle)}`"]'
        yield from self.inside("", "    ")
        yield "  end"
        for arrow in self.arrows:
            yield f"  {self.arrow(arrow)}"
        if self.diagram.boxes:
            yield f"  heading ~~~ {self.box_ids[self.diagram.boxes[0].name]}"
        yield from (f"  {line}" for line in self.colours())

    def inside(self, cluster: str, indent: str) -> Iterator[str]:
        """The boxes directly in a cluster, and the clusters in it with theirs; entry dots first."""
        for box in sorted(self.boxes_in.get(cluster, []), key=lambda each: each.form != "dot"):
            yield indent + self.box(box)
        for inner in self.clusters_in.get(cluster, []):
            yield f'{indent}subgraph {self.cluster_ids[inner.name]}["`{cluster_label(inner, self.rooms[inner.name])}`"]'
            yield from self.inside(inner.name, indent + "  ")
            yield f"{indent}end"

    def box(self, box: Box) -> str:
        name = self.box_ids[box.name]
        if box.form == "dot":
            return f"{name}@{{ shape: f-circ }}"
        before, after = _MERGE if box.form == "circle" else _around(box)
        return (
            f'{name}{before}"`{box_label(box, together=box.cluster in self.repeated)}`"{after}:::{box.mark or box.kind}'
        )

    def arrow(self, arrow: Arrow) -> str:
        """With a head, but for those that end in a dot; a skip is dotted."""
        headless = arrow.target in self.dots
        line = ("-.-" if headless else "-.->") if arrow.role == "skip" else "---" if headless else "-->"
        label = f'|"`{said(arrow.label)}`"|' if arrow.label else ""
        return f"{self.box_ids[arrow.source]} {line}{label} {self.box_ids[arrow.target]}"

    def colours(self) -> Iterator[str]:
        theme = self.theme
        drawn = [each for each in self.diagram.boxes if each.form != "dot"]
        for kind in dict.fromkeys(each.kind for each in drawn if not each.mark):
            yield f"classDef {kind} {_paint(theme.kinds[kind].fill, theme.kinds[kind].bar, theme.ink)}"
        for mark in dict.fromkeys(each.mark for each in drawn if each.mark):
            yield f"classDef {mark} {_paint(theme.marks[mark].fill, theme.marks[mark].bar, theme.ink)},stroke-width:3px"
        for name in ("page", "heading"):
            yield f"style {name} {_paint(theme.ground, theme.ground, theme.ink)}"
        for cluster in self.diagram.clusters:
            line = theme.marks[cluster.mark].bar if cluster.mark else theme.cluster_edge
            yield f"style {self.cluster_ids[cluster.name]} {_paint(theme.cluster, line, theme.ink)},rx:8,ry:8"
        for index, arrow in enumerate(self.arrows):
            if arrow.mark:
                yield f"linkStyle {index} stroke:{theme.marks[arrow.mark].bar},stroke-width:3px"


def _settings(theme: Theme) -> Iterator[str]:
    """What stands in front of a flowchart, in YAML: colours for what no class reaches, lines that are not broken."""
    yield "---"
    yield "config:"
    yield "  theme: base"
    yield "  htmlLabels: true"
    yield "  markdownAutoWrap: false"
    yield "  flowchart:"
    yield "    htmlLabels: true"
    yield "    wrappingWidth: 600"  # where lines are broken for all that was said above
    yield "    nodeSpacing: 30"
    yield "    rankSpacing: 34"
    yield "    subGraphTitleMargin: {top: 4, bottom: 14}"
    yield "  themeVariables:"
    yield "    fontSize: 13px"
    for name, colour in (
        ("background", theme.ground), ("primaryTextColor", theme.ink), ("textColor", theme.muted),
        ("titleColor", theme.ink), ("lineColor", theme.edge), ("nodeBorder", theme.edge),
        ("edgeLabelBackground", theme.ground), ("clusterBkg", theme.cluster), ("clusterBorder", theme.cluster_edge),
    ):  # fmt: skip
        yield f'    {name}: "{colour}"'
    yield "---"


def _ids(letter: str, names: Iterable[str]) -> dict[str, str]:
    """For each name a word of plain letters that Mermaid has no use for: `n_layer1_0_conv1`; no two alike."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        plain = f"{letter}_{re.sub('[^A-Za-z0-9]+', '_', name).strip('_')}"
        count, free = 1, plain
        while free in taken:
            count += 1
            free = f"{plain}_{count}"
        taken.add(free)
        found[name] = free
    return found


def _around(box: Box) -> tuple[str, str]:
    if box.region or box.stretch:
        return _CLOSED
    return _END if box.kind in ("input", "output") else _LAYER


def _paint(fill: str, line: str, ink: str) -> str:
    return f"fill:{fill},stroke:{line},color:{ink}"
