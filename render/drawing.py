"""A plan in the colours of a theme: every part as plain shapes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from render.diagram import Box, Cluster, Diagram, Mark
from render.letters import text_width, wrapped
from render.outline import description
from render.pieces import LETTER
from render.places.boxes import BAR, DOT, SMALL, STACKED, Line, closed
from render.places.paths import head, shortened
from render.places.plan import Continuation, PlacedArrow, PlacedBox, PlacedFrame, PlacedLabel, Plan
from render.scene import Circle, Curve, Part, Point, Polygon, Rectangle, Scene, Shape, Text
from render.theme import MARK_SIGNS, Shade, Theme

MARGIN = 16.0  # around everything
HEADING = 56.0  # the room of the title and the line under it
_NAME, _SUBTITLE = 17.0, 11.0
_LINE = 738.0  # a line under the title that is longer goes on below
_HEAD = (7.0, 5.6)  # an arrow's head: length and breadth
_SWATCH, _ENTRY_APART, _ROW = 9.0, 16.0, 18.0
_JUNCTION = 1.8
_ROUND, _FRAME_ROUND = 3.0, 8.0
_BADGE = 15.0  # height of a badge


def scene(diagram: Diagram, plan: Plan, theme: Theme) -> Scene:
    """The whole picture: heading, plan, legend."""
    drawer = _Drawer(theme)
    entries = _legend(diagram)
    name, said = text_width(diagram.title, _NAME, bold=True), text_width(diagram.subtitle, _SUBTITLE)
    wide = max(plan.width, name, min(said, _LINE), min(_entries_width(entries), 420.0))
    subtitle = wrapped(diagram.subtitle.split(" · "), wide, _SUBTITLE, between=" · ")
    top = MARGIN + HEADING + (len(subtitle) - 1) * 15
    left = MARGIN + (wide - plan.width) / 2 if len(plan.continuations) == 0 else MARGIN
    heading = Part(name="diagram:heading", role="heading", shapes=tuple(drawer.heading(diagram.title, subtitle)))
    legend_top = top + plan.height + 20
    shapes, bottom = drawer.legend(entries, wide, legend_top)
    legend = [Part(name="diagram:legend", role="legend", shapes=tuple(shapes))] if shapes else []
    return Scene(
        title=diagram.title,
        description=description(diagram),
        width=math.ceil(wide + 2 * MARGIN),
        height=math.ceil(bottom + MARGIN),
        ground=theme.ground,
        parts=(heading, *_moved(drawer.parts(plan), left, top), *legend),
    )


class _Drawer:
    def __init__(self, theme: Theme) -> None:
        self.theme = theme

    def heading(self, title: str, subtitle: list[str]) -> Iterator[Shape]:
        yield Text(x=MARGIN, y=MARGIN + 15, text=title, size=_NAME, colour=self.theme.ink, bold=True)
        for index, line in enumerate(subtitle):
            yield Text(x=MARGIN, y=MARGIN + 34 + 15 * index, text=line, size=_SUBTITLE, colour=self.theme.muted)

    def parts(self, plan: Plan) -> Iterator[Part]:
        """Frames, outer ones first; then arrows; then what stands on them."""
        for frame in sorted(plan.frames, key=lambda each: each.depth):
            yield self._frame(frame)
        labels: dict[int, list[PlacedLabel]] = {}
        for label in plan.labels:
            labels.setdefault(label.index, []).append(label)
        for arrow in plan.arrows:
            yield self._arrow(arrow, labels.pop(arrow.index, []))
        for box in plan.boxes:
            yield self._box(box)
        for each in plan.continuations:
            yield self._continuation(each)

    def _frame(self, frame: PlacedFrame) -> Part:
        cluster = frame.cluster
        mark = self._mark(cluster.mark)
        fill, line = self.theme.cluster, mark.bar if mark else self.theme.cluster_edge
        shapes: list[Shape] = [
            Rectangle(x=frame.x, y=frame.y, width=frame.width, height=frame.height, radius=_FRAME_ROUND, fill=fill,
                      line=line, line_width=1.5 if mark else 1.0, dashed=cluster.mark == "removed")
        ]  # fmt: skip
        right = frame.x + frame.width
        shapes += [self._text(line, right if line.anchor == "end" else frame.x, frame.y) for line in frame.band.lines]
        shapes += self._signs(cluster, frame.x, frame.y, right) if not frame.continued else []
        name = f"cluster:{cluster.name}" + (f":{frame.continued}" if frame.continued else "")
        return Part(name=name, role="cluster", shapes=tuple(shapes), title=cluster.name)

    def _box(self, placed: PlacedBox) -> Part:
        box = placed.box
        role = {"table": "box", "circle": "merge", "dot": "entry"}[box.form]
        shapes = {"table": self._table, "circle": self._circle, "dot": self._dot}[box.form](placed)
        name = f"entry:{box.name}" if box.form == "dot" else box.name
        return Part(name=name, role=role, shapes=tuple(shapes), title="" if box.form == "dot" else _hover(box))

    def _table(self, placed: PlacedBox) -> Iterator[Shape]:
        box, x, y = placed.box, placed.x, placed.y
        shade, mark = self.theme.kinds[box.kind], self._mark(box.mark)
        behind = STACKED if closed(box) else 0.0
        width, height = placed.look.width - behind, placed.look.height - behind
        line = mark.bar if mark else shade.bar if closed(box) else self.theme.box_edge
        look = {"line": line, "line_width": 1.5 if mark else 0.8, "dashed": box.mark == "removed", "radius": _ROUND}
        fill = mark.fill if mark else shade.fill
        if behind:
            yield Rectangle(x=x + behind, y=y + behind, width=width, height=height, fill=fill, **look)  # type: ignore[arg-type]
        yield Rectangle(x=x, y=y, width=width, height=height, fill=fill, **look)  # type: ignore[arg-type]
        yield Rectangle(x=x, y=y, width=BAR, height=height, fill=shade.bar, radius=min(_ROUND, BAR / 2))
        yield from (self._text(each, x, y) for each in placed.look.lines)
        yield from self._signs(box, x, y, x + width)

    def _circle(self, placed: PlacedBox) -> Iterator[Shape]:
        shade, mark = self.theme.kinds[placed.box.kind], self._mark(placed.box.mark)
        radius = placed.look.width / 2
        x, y = placed.x + radius, placed.y + radius
        fill, line = (mark.fill, mark.bar) if mark else (shade.fill, shade.bar)
        yield Circle(x=x, y=y, radius=radius, fill=fill, line=line, line_width=1.5 if mark else 1.0)
        yield from (self._text(each, placed.x, placed.y) for each in placed.look.lines)
        if mark:
            yield from self._disc(placed.box.mark, mark, x - radius, y - radius)

    def _dot(self, placed: PlacedBox) -> Iterator[Shape]:
        yield Circle(x=placed.x + DOT, y=placed.y + DOT, radius=DOT, fill=self.theme.edge)

    def _signs(self, of: Box | Cluster, x: float, y: float, right: float) -> Iterator[Shape]:
        """What sits on an upper edge: the sign of a mark at its left, the number of copies at its right."""
        mark = self._mark(of.mark)
        if mark:
            yield from self._disc(of.mark, mark, x, y)
        if of.copies > 1:
            text = f"×{of.copies}"
            width = text_width(text, SMALL, bold=True) + 12
            left, top = right - width - 8, y - _BADGE / 2 - 1
            yield Rectangle(x=left, y=top, width=width, height=_BADGE, radius=_BADGE / 2, fill=self.theme.ink)
            yield Text(x=left + width / 2, y=top + 11, text=text, size=SMALL, colour=self.theme.ground, bold=True,
                       anchor="middle")  # fmt: skip

    def _disc(self, mark: Mark, shade: Shade, x: float, y: float) -> Iterator[Shape]:
        yield Circle(x=x, y=y, radius=7.0, fill=shade.fill, line=shade.bar, line_width=1.5)
        yield Text(x=x, y=y + 3.7, text=MARK_SIGNS[mark], size=SMALL, colour=self.theme.ink, bold=True, anchor="middle")

    def _arrow(self, placed: PlacedArrow, labels: list[PlacedLabel]) -> Part:
        arrow = placed.arrow
        mark = self._mark(arrow.mark)
        colour = mark.bar if mark else self.theme.edge
        width = 1.6 if arrow.role == "spine" or mark else 1.1
        dashed = arrow.role == "skip" or arrow.mark == "removed"
        points = shortened(placed.points, _HEAD[0] - 1) if placed.headed else placed.points
        shapes: list[Shape] = [Curve(points=points, line=colour, line_width=width, dashed=dashed)]
        if placed.headed:
            shapes.append(Polygon(points=head(placed.points, *_HEAD), fill=colour))
        if placed.junction:
            x, y = placed.points[0]
            shapes.append(Circle(x=x, y=y, radius=_JUNCTION, fill=colour))
        shapes += [self._label(each) for each in labels]
        name = f"arrow:{placed.index}" + (f":{placed.piece}" if placed.piece else "")
        return Part(name=name, role="arrow", shapes=tuple(shapes))

    def _label(self, label: PlacedLabel) -> Text:
        anchor = "middle" if label.centred else "start"
        return Text(x=label.x, y=label.y, text=label.text, size=SMALL, colour=self.theme.muted, anchor=anchor)  # type: ignore[arg-type]

    def _continuation(self, each: Continuation) -> Part:
        way = "out" if each.leaving else "in"
        shapes = (
            Circle(x=each.x, y=each.y, radius=LETTER, fill=self.theme.ground, line=self.theme.edge, line_width=1.1),
            Text(x=each.x, y=each.y + 3.6, text=each.letter, size=SMALL, colour=self.theme.ink, anchor="middle"),
        )
        return Part(name=f"continuation:{each.letter}:{way}", role="arrow", shapes=shapes)

    def _text(self, line: Line, x: float, y: float) -> Text:
        colour = self.theme.ink if line.colour == "ink" else self.theme.muted
        return Text(x=x + line.x, y=y + line.y, text=line.text, size=line.size, colour=colour, bold=line.bold,
                    anchor=line.anchor)  # fmt: skip

    def _mark(self, mark: Mark) -> Shade | None:
        return self.theme.marks[mark] if mark else None

    def legend(self, entries: list[tuple[str, str, str]], width: float, top: float) -> tuple[list[Shape], float]:
        """A square and a word for each kind, then a disc for each mark, in rows; and where the last row ends."""
        shapes: list[Shape] = []
        x, y = MARGIN, top
        before = entries[0][0] if entries else ""
        for form, key, word in entries:
            if x > MARGIN and (x + _entry_width(word) > MARGIN + width or form != before):
                x, y = MARGIN, y + _ROW
            before = form
            if form == "kind":
                shapes.append(Rectangle(x=x, y=y, width=_SWATCH, height=_SWATCH, fill=self.theme.kinds[key].bar))
            else:
                shapes += self._disc(key, self.theme.marks[key], x + 4.5, y + 4.5)  # type: ignore[arg-type]
            shapes.append(Text(x=x + _SWATCH + 6, y=y + 8.2, text=word, size=SMALL, colour=self.theme.muted))
            x += _entry_width(word) + _ENTRY_APART
        return shapes, y + _SWATCH + 2 if entries else top - 20


def _legend(diagram: Diagram) -> list[tuple[str, str, str]]:
    of_boxes, of_clusters = [each.mark for each in diagram.boxes], [each.mark for each in diagram.clusters]
    marks = {*of_boxes, *of_clusters, *(each.mark for each in diagram.arrows)}
    entries = [("kind", kind, "input, output" if kind == "input" else kind) for kind in diagram.legend]
    return entries + [("mark", mark, mark) for mark in MARK_SIGNS if mark in marks]


def _entry_width(word: str) -> float:
    return _SWATCH + 6 + text_width(word, SMALL)


def _entries_width(entries: list[tuple[str, str, str]]) -> float:
    return sum(_entry_width(word) + _ENTRY_APART for _, _, word in entries) - _ENTRY_APART if entries else 0.0


def _hover(box: Box) -> str:
    return box.name


def _moved(parts: Iterator[Part], dx: float, dy: float) -> Iterator[Part]:
    for part in parts:
        shapes = tuple(_moved_shape(each, dx, dy) for each in part.shapes)
        yield Part(name=part.name, role=part.role, shapes=shapes, title=part.title)


def _moved_shape(shape: Shape, dx: float, dy: float) -> Shape:
    if isinstance(shape, Polygon | Curve):
        points: tuple[Point, ...] = tuple((x + dx, y + dy) for x, y in shape.points)
        return replace(shape, points=points)
    return replace(shape, x=shape.x + dx, y=shape.y + dy)
