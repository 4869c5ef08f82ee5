"""Lanes beside a series, for arrows that leap over parts of it."""

from __future__ import annotations

from render.diagram import Diagram
from render.letters import text_width
from render.places.boxes import SMALL
from render.places.measured import FORK, LABEL_OFF, Measured, is_form
from render.places.parts import Lane, Parallel, Series

_LANE, _APART = 13.0, 9.0  # from the parts that a lane passes, and from the next lane


class Lanes:
    """Of a diagram. across: its arrows go to the right, not down."""

    def __init__(self, diagram: Diagram, across: bool) -> None:
        self.diagram = diagram
        self.across = across

    def give(self, whole: Measured, series: Series) -> None:
        """Short ones first, nearest to the parts that they pass. Those with one source share a lane."""
        taken: list[tuple[int, int, float]] = []
        for lanes in self._by_source(series.lanes):
            cross = max(self._least(whole, series, each) for each in lanes)
            first, last = lanes[0].first, lanes[-1].last
            for low, high, place in taken:
                if low < last and first < high:
                    cross = max(cross, place + _APART)
            taken.append((first, last, cross))
            whole.lanes += [(each, self._junction(whole, series, each), cross) for each in lanes]
            whole.after = max(whole.after, cross + 2)

    def _by_source(self, lanes: list[Lane]) -> list[list[Lane]]:
        groups: dict[str, list[Lane]] = {}
        for each in sorted(lanes, key=lambda lane: (lane.last, lane.arrow)):
            groups.setdefault(self.diagram.arrows[each.arrow].source, []).append(each)
        return sorted(groups.values(), key=lambda each: (each[-1].last - each[0].first, each[0].first, each[0].arrow))

    def _least(self, whole: Measured, series: Series, lane: Lane) -> float:
        """How far out a lane has to run, past parts and labels."""
        hanging = self._hanging(whole, lane)
        start = lane.first + (self._junction(whole, series, lane) is not None or hanging is not None)
        passed = [each.after for _, _, each in whole.inner[start : lane.last + 1]]
        return max(max(passed) + _LANE, hanging or 0.0, self._label_reach(whole, lane) + 8)

    def forks(self, series: Series, lane: Lane) -> bool:
        """Whether what goes on to the next part is the same tensor: then a skip leaves that arrow, not the box."""
        arrows = self.diagram.arrows
        onwards = {arrows[each].source for each in series.joints[lane.first]}
        return not is_form(series.parts[lane.first], "dot") and arrows[lane.arrow].source in onwards

    def _junction(self, whole: Measured, series: Series, lane: Lane) -> float | None:
        if not self.forks(series, lane):
            return None
        main, _, first = whole.inner[lane.first]
        # An arrow that forks to branches anyway does so at one place.
        forked = isinstance(series.parts[lane.first + 1], Parallel)
        return main + first.length + (FORK if forked else FORK - 3)

    def _hanging(self, whole: Measured, lane: Lane) -> float | None:
        """The place across of a branch that goes on in a lane alone, which may go straight on."""
        first = whole.inner[lane.first][2]
        if not isinstance(first.part, Parallel):
            return None
        end = self.diagram.arrows[lane.arrow].source
        found = zip(first.part.branches, first.inner, strict=True)
        return next(place for branch, (_, place, _) in found if end in branch.what.boxes())

    def _label_reach(self, whole: Measured, lane: Lane) -> float:
        """As far as labels reach in the joints that a lane passes."""
        if self.across:
            return 0.0
        low = whole.inner[lane.first][0]
        high = whole.inner[lane.last][0] + whole.inner[lane.last][2].length
        return max(
            (
                cross + LABEL_OFF + text_width(self.diagram.arrows[arrow].label, SMALL)
                for arrow, main, cross in whole.labels
                if low <= main <= high
            ),
            default=0.0,
        )
