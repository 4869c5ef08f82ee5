"""Paths that cross: Graphviz places what lies on them, and tells the ways between. Everything in it is drawn by us."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from render.diagram import Arrow, Box, Cluster, Diagram
from render.dot import layout_text
from render.engines import Engine, engine, laid_out
from render.letters import text_width
from render.places.boxes import SMALL, Band, band_of
from render.places.labels import beside
from render.places.measured import Measured
from render.places.parts import Single, Tangle
from render.reserved import Sizes

if TYPE_CHECKING:
    from render.places.measures import Measurer

_Place: TypeAlias = tuple[float, float]  # along main, along cross
_INCH = 72.0
_IN, _OUT = "in", "out"  # the points at which arrows come into the tangle and leave it


@dataclass(frozen=True, slots=True)
class Course:
    """The way of an arrow. from_source, to_target: it begins or ends at its box, not at the edge of something."""

    points: tuple[_Place, ...]
    from_source: bool
    to_target: bool


@dataclass(frozen=True, slots=True)
class Frame:
    """main, cross: where it begins; length, breadth: along both."""

    cluster: Cluster
    band: Band
    main: float
    cross: float
    length: float
    breadth: float
    depth: int


@dataclass(slots=True)
class Knot:
    """What Graphviz told, along main and cross from the point at which the tangle is entered."""

    courses: dict[int, Course] = field(default_factory=dict)
    frames: list[Frame] = field(default_factory=list)


def untangled(measurer: Measurer, tangle: Tangle) -> Measured:
    """Raises EngineError where there is no Graphviz."""
    parts = {name: measurer.part(part) for name, part in tangle.parts.items()}
    sketch = _Sketch(measurer, tangle, parts)
    layout = _Layout(sketch.text(), measurer.across)
    cross = layout.entry[1]
    knot = Knot()
    whole = Measured(tangle, layout.length, cross, layout.breadth - cross, tangle=knot)
    for name, part in parts.items():
        at, middle = layout.boxes[sketch.names[name]]
        whole.inner.append((at - part.length / 2, middle - cross, part))
    for name, cluster in tangle.frames.items():
        low_main, low_cross, high_main, high_cross = layout.clusters[sketch.names[name]]
        knot.frames.append(Frame(cluster, sketch.bands[name], low_main, low_cross - cross, high_main - low_main,
                                 high_cross - low_cross, sketch.depth(name)))  # fmt: skip
    curves = [tuple((at, place - cross) for at, place in layout.edges[index]) for index in range(len(sketch.arrows))]
    rooms = [(at, at + part.length, place - part.before, place + part.after) for at, place, part in whole.inner]
    for index, (arrow, points) in enumerate(zip(sketch.arrows, curves, strict=True)):
        ends = [
            isinstance(tangle.parts.get(sketch.real.get(each, "")), Single) for each in (arrow.source, arrow.target)
        ]
        knot.courses[sketch.indices[index]] = Course(points, *ends)
        if arrow.label:
            place = beside(points, arrow.label, measurer.across, curves, rooms)
            measurer.put_label(whole, sketch.indices[index], *place)
    return whole


class _Sketch:
    """The tangle as a diagram of empty boxes, whose names tell nothing: equal tangles have equal texts."""

    def __init__(self, measurer: Measurer, tangle: Tangle, parts: Mapping[str, Measured]) -> None:
        self.tangle = tangle
        self.across = measurer.across
        self.names = {name: f"n{index}" for index, name in enumerate([*tangle.parts, *tangle.frames])}
        self.real = {short: name for name, short in self.names.items()}
        self.bands = {name: band_of(each, 1e6, 1e6) for name, each in tangle.frames.items()}
        self.indices = [*tangle.enters, *tangle.inner, *tangle.leaves]
        ends = _owners(tangle)
        given = measurer.diagram.arrows
        self.arrows = tuple(
            Arrow(
                source=self.names[ends[given[each].source]] if given[each].source in ends else _IN,
                target=self.names[ends[given[each].target]] if given[each].target in ends else _OUT,
                label=given[each].label,
                role=given[each].role,
            )
            for each in self.indices
        )
        titles = {self.names[name]: self._turned(_band_size(band)) for name, band in self.bands.items()}
        boxes = {
            self.names[name]: self._turned((2 * max(each.before, each.after), each.length))
            for name, each in parts.items()
        }
        ported = frozenset(self.names[name] for name, each in tangle.parts.items() if not isinstance(each, Single))
        labels = tuple(text_width(each.label, SMALL) for each in self.arrows)
        used = ((_IN, "source", tangle.enters), (_OUT, "sink", tangle.leaves))
        points = {name: rank for name, rank, arrows in used if arrows}
        self.sizes = Sizes({**boxes, _IN: (1, 1), _OUT: (1, 1)}, titles, labels, ported, points)

    def _turned(self, size: tuple[float, float]) -> tuple[float, float]:
        return (size[1], size[0]) if self.across else size

    def text(self) -> str:
        boxes = [self._box(name) for name in self.tangle.parts]
        ports = [name for name, used in ((_IN, self.tangle.enters), (_OUT, self.tangle.leaves)) if used]
        boxes = [Box(name=each, form="dot", cluster="", kind="") for each in ports[:1]] + boxes
        boxes += [Box(name=each, form="dot", cluster="", kind="") for each in ports[1:]]
        clusters = tuple(
            Cluster(name=self.names[name], parent=self._frame(name), title="", detail="", parameters=0)
            for name in self.tangle.frames
        )
        sketch = Diagram(title="", subtitle="", boxes=tuple(boxes), arrows=self.arrows, clusters=clusters, legend=())
        return layout_text(sketch, self.sizes, across=self.across)

    def _box(self, name: str) -> Box:
        form = "circle" if _is_circle(self.tangle.parts[name]) else "table"
        return Box(name=self.names[name], form=form, cluster=self._frame(name), kind="")  # type: ignore[arg-type]

    def _frame(self, name: str) -> str:
        around = self.tangle.around[name]
        return self.names[around] if around else ""

    def depth(self, name: str) -> int:
        depth = 0
        while self.tangle.around[name]:
            name = self.tangle.around[name]
            depth += 1
        return depth


def _is_circle(part: object) -> bool:
    return isinstance(part, Single) and part.box.form != "table"


def _band_size(band: Band) -> tuple[float, float]:
    return max((text_width(each.text, each.size, bold=each.bold) for each in band.lines), default=0.0) + 8, band.height


def _owners(tangle: Tangle) -> dict[str, str]:
    """Every box in the tangle -> the part that it stands in."""
    owners: dict[str, str] = {}
    for name, part in tangle.parts.items():
        owners.update(dict.fromkeys(part.boxes(), name))
    return owners


class _Layout:
    """Graphviz's answer, along main and cross. Its y grows upwards."""

    def __init__(self, text: str, across: bool) -> None:
        told: dict[str, Any] = json.loads(_answer(text, engine()))
        self.across = across
        _, _, self.width, self.height = _numbers(told["bb"])
        self.boxes: dict[str, _Place] = {}
        self.clusters: dict[str, tuple[float, float, float, float]] = {}
        for each in told.get("objects", []):
            if "pos" in each:
                self.boxes[each["name"]] = self._place(*_numbers(each["pos"]))
            elif each["name"].startswith("cluster:"):
                self.clusters[each["name"].removeprefix("cluster:")] = self._corners(_numbers(each["bb"]))
        self.length, self.breadth = (self.width, self.height) if across else (self.height, self.width)
        self.entry = self.boxes.get(_IN, self.boxes.get(_OUT, (0.0, self.breadth / 2)))
        self.edges: dict[int, list[_Place]] = {}
        for each in sorted(told.get("edges", []), key=lambda each: not each["id"].endswith(":side")):
            index = int(each["id"].split(":")[1])
            points = [self._place(*_numbers(pair)) for pair in each["pos"].split(" ")]
            known = self.edges.get(index)
            self.edges[index] = [*known, *_joined(known[-1], points)] if known else points

    def _place(self, x: float, y: float) -> _Place:
        return (x, self.height - y) if self.across else (self.height - y, x)

    def _corners(self, box: list[float]) -> tuple[float, float, float, float]:
        one, other = self._place(box[0], box[1]), self._place(box[2], box[3])
        return (min(one[0], other[0]), min(one[1], other[1]), max(one[0], other[0]), max(one[1], other[1]))


def _joined(end: _Place, points: list[_Place]) -> list[_Place]:
    """A second curve's points behind the end of a first."""
    return points[1:] if points[0] == end else [end, points[0], points[0], *points[1:]]


@lru_cache(maxsize=64)
def _answer(text: str, by: Engine) -> bytes:
    """Equal tangles, as in each of many blocks, are laid out once."""
    return laid_out(text, by)


def _numbers(text: str) -> list[float]:
    return [float(each) for each in text.split(",")]
