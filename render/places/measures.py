"""The structure of a diagram with the room that each part of it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeAlias

from render.diagram import Arrow, Diagram
from render.letters import text_width
from render.places.abreast import places_abreast
from render.places.boxes import DOT, SMALL, STACKED, band_of, closed, look_of
from render.places.lanes import Lanes
from render.places.measured import FORK, LABEL_OFF, Measured, copies_of, is_form
from render.places.parts import Branch, Framed, Parallel, Part, Series, Single, Tangle, Wire

PLAIN, LABELLED = 17.0, 27.0  # room for an arrow without and with its label
SIDE, BOTTOM = 12.0, 12.0  # between a frame and what is in it
_WIRE = 6.0
_UNDER_BADGE = 5.0  # more room above a badge


Untangle: TypeAlias = "Callable[[Measurer, Tangle], Measured]"


class Measurer:
    """A diagram drawn with boxes of one width. across: the arrows go to the right, not down."""

    def __init__(self, diagram: Diagram, width: float, across: bool, untangle: Untangle) -> None:
        self.diagram = diagram
        self.width = width
        self.across = across
        self._untangle = untangle
        self._lanes = Lanes(diagram, across)
        self._told: set[int] = set()  # the arrows whose labels have a place

    def part(self, part: Part) -> Measured:
        if isinstance(part, Single):
            return self._single(part)
        if isinstance(part, Framed):
            return self._framed(part)
        if isinstance(part, Parallel):
            return self.parallel(part, after_dot=False, before_circle=0.0)
        return self._untangle(self, part)

    def series(self, series: Series) -> Measured:
        """One part after the other, with room for the arrows between, and lanes for what leaps over them."""
        whole = Measured(series, 0.0, 0.0, 0.0)
        leaving = {lane.first for lane in series.lanes if self._lanes.forks(series, lane)}
        main = 0.0
        for index in range(len(series.parts)):
            measured = self._neighbourly(series, index)
            if index:
                main += self._joint(whole, series, index, main, forks=index - 1 in leaving)
            whole.inner.append((main, 0.0, measured))
            whole.before = max(whole.before, measured.before)
            whole.after = max(whole.after, measured.after)
            main += measured.length
        whole.length = main
        self._lanes.give(whole, series)
        return whole

    def _neighbourly(self, series: Series, index: int) -> Measured:
        """A parallel begins in the dot before it and ends in the circle behind it, where these are there."""
        part = series.parts[index]
        if not isinstance(part, Parallel):
            return self.part(part)
        before = series.parts[index - 1] if index else None
        behind = series.parts[index + 1] if index + 1 < len(series.parts) else None
        radius = look_of(behind.box, self.width).width / 2 if is_form(behind, "circle") else 0.0  # type: ignore[union-attr]
        return self.parallel(part, after_dot=is_form(before, "dot"), before_circle=radius)

    def _joint(self, whole: Measured, series: Series, index: int, main: float, *, forks: bool) -> float:
        """The room before a part. A label stands beside the one arrow there."""
        before, behind = series.parts[index - 1], series.parts[index]
        if isinstance(behind, Parallel):
            return 0.0 if is_form(before, "dot") else FORK
        start = FORK if forks and not is_form(before, "dot") else 0.0
        start += _UNDER_BADGE if copies_of(behind) > 1 and not self.across else 0.0
        if isinstance(before, Parallel):
            return 0.0 if is_form(behind, "circle") else PLAIN
        labels = self._labelled(series.joints[index - 1])
        if not labels or isinstance(before, Tangle) or isinstance(behind, Tangle):  # a tangle places its labels itself
            return start + (PLAIN if not is_form(before, "dot") or start else PLAIN - 2)
        room = self.label_room(self.diagram.arrows[labels[0]])
        self.put_label(whole, labels[0], main + start + room / 2 - (_UNDER_BADGE if copies_of(behind) > 1 else 0), 0.0)
        return start + room

    def label_room(self, arrow: Arrow) -> float:
        """Along the arrow, which for arrows to the right is the label's width."""
        return text_width(arrow.label, SMALL) + 22 if self.across else LABELLED

    def _labelled(self, arrows: Iterable[int]) -> list[int]:
        """Those with a label that has no place yet: each is told once, as near to its source as there is room."""
        return [each for each in arrows if self.diagram.arrows[each].label and each not in self._told]

    def put_label(self, whole: Measured, arrow: int, main: float, cross: float) -> None:
        self._told.add(arrow)
        whole.labels.append((arrow, main, cross))
        if not self.across:
            reach = cross + LABEL_OFF + text_width(self.diagram.arrows[arrow].label, SMALL)
            whole.after = max(whole.after, reach)
        else:
            whole.before = max(whole.before, -cross + 16)

    def _single(self, part: Single) -> Measured:
        look = look_of(part.box, self.width)
        length, side = (look.width, look.height) if self.across else (look.height, look.width)
        behind = STACKED if closed(part.box) else 0.0  # the second edge is no part of what the arrows aim at
        half = (side - behind) / 2
        return Measured(part, length, half, half + behind, look=look)

    def _framed(self, part: Framed) -> Measured:
        inside = self.series(part.inside)
        if self.across:
            band = band_of(part.cluster, 1e6, 1e6)
            wide = max((text_width(each.text, each.size, bold=each.bold) for each in band.lines), default=0.0) + 20
            length = max(inside.length + 2 * SIDE, wide)
            place = (length - inside.length) / 2
            crowded = any(copies_of(each) > 1 for each in part.inside.parts)
            band = replace(band, height=band.height + (_UNDER_BADGE + 3 if crowded else 0))
            before, after = inside.before + band.height, inside.after + BOTTOM
        else:
            before, after = inside.before + SIDE, inside.after + SIDE
            band = band_of(part.cluster, before, after)
            place, length = band.height, band.height + inside.length + BOTTOM
        return Measured(part, length, before, after, [(place, 0.0, inside)], band=band)

    def parallel(self, part: Parallel, *, after_dot: bool, before_circle: float) -> Measured:
        """Branches side by side. after_dot: the fork is in the dot before; before_circle: the merge is in the circle
        behind, which has this radius."""
        measured = [self._branch(each) for each in part.branches]
        forked = any(each.enters for each in part.branches)
        merged = any(each.leaves for each in part.branches)
        top = self._room(part, "enters") if forked else 0.0
        bottom = self._room(part, "leaves") if merged else 0.0
        longest = max(each.length for each in measured)
        whole = Measured(part, top + longest + bottom, 0.0, 0.0)
        whole.fork = (-DOT if after_dot else 0.0) if forked else None
        whole.merge = whole.length + before_circle if merged else None
        for place, branch, each in zip(
            places_abreast(part, measured, self.diagram), part.branches, measured, strict=True
        ):
            late = forked and not branch.enters and branch.leaves
            main = top + (longest - each.length if late else 0.0)
            if isinstance(branch.what, Wire):
                each.length = longest
                main = top
            whole.inner.append((main, place, each))
            whole.before = max(whole.before, each.before - place)
            whole.after = max(whole.after, each.after + place)
            self._label_branch(whole, branch, main, main + each.length, place, top, bottom)
        return whole

    def _label_branch(
        self, whole: Measured, branch: Branch, start: float, end: float, place: float, top: float, bottom: float
    ) -> None:
        for arrow in self._labelled(branch.enters):
            self.put_label(whole, arrow, start - top / 2 + 1, place)
        for arrow in self._labelled(branch.leaves):
            self.put_label(whole, arrow, end + bottom / 2, place)

    def _room(self, part: Parallel, side: str) -> float:
        passing = {each for branch in part.branches if isinstance(branch.what, Wire) for each in branch.enters}
        arrows = {each for branch in part.branches for each in getattr(branch, side)}
        arrows -= passing if side == "leaves" else set()
        return max((self.label_room(self.diagram.arrows[each]) for each in self._labelled(arrows)), default=PLAIN)

    def _branch(self, branch: Branch) -> Measured:
        if isinstance(branch.what, Wire):
            return Measured(branch.what, 0.0, _WIRE, _WIRE)
        measured = self.series(branch.what)
        for arrow in {*branch.enters, *branch.leaves}:
            label = self.diagram.arrows[arrow].label
            if label and not self.across:
                measured.after = max(measured.after, LABEL_OFF + text_width(label, SMALL))
        return measured
