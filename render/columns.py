"""A plan that is longer than a page, cut where few arrows pass and its pieces set side by side.

Pages are read in columns, slides in rows; `main` is along the arrows and `cross` across them, as in `render.places`.
Nothing is ever made smaller: what is chosen is how often to cut, and where.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import pairwise

from render.pieces import GAP, Cut, assembled, needs
from render.places.plan import Plan
from render.shelves import in_shelves
from render.spans import Span, spans_of

_CROSSINGS = (1, 5)  # arrows that a cut may part: better one, and at worst five
_MUCH = 1.12  # how much larger a picture must come out for the worse cuts to be worth it
_LEAST = 60.0  # no column is shorter than this
_WEIGHED = 400_000  # ways to cut that are compared for their looks; with more, the first that fits is taken
_ENOUGH = 0.97  # a scale at which no more is tried


def in_columns(plan: Plan, room: tuple[float, float], *, across: bool) -> Plan:
    """The plan, cut if it is too long. room: width and height that there are for it."""
    if scale(plan, room) >= 1:
        return plan
    whole = Whole(plan, room, across)
    best: list[Cut] = []
    reached = whole.scale([])
    for crossings in _CROSSINGS:
        cuts = whole.best_cuts(crossings)
        if (found := whole.scale(cuts)) > reached * (_MUCH if best else 1.02):
            best, reached = cuts, found
    shelves = None if across or reached >= _ENOUGH else in_shelves(whole)
    if shelves and shelves.scale > reached * 1.04:
        return assembled(plan, shelves.cuts, shelves.counts, across)
    return assembled(plan, best, [len(best) + 1], across) if best else plan


def scale(plan: Plan, room: tuple[float, float]) -> float:
    """At most 1: what the plan has to be multiplied by to fit in."""
    return min(1.0, room[0] / max(plan.width, 1), room[1] / max(plan.height, 1))


class Whole:
    """A plan with the places where it may be cut.

    room: across and along what there is. length: along. cuts: from first to last."""

    def __init__(self, plan: Plan, room: tuple[float, float], across: bool) -> None:
        self.room = room if not across else (room[1], room[0])
        self.length = plan.width if across else plan.height
        spans = spans_of(plan, across)
        self.cuts = list(_places(spans, self.length, across))
        self._mains = [each.main for each in self.cuts]
        self._low, self._high = self._stretches(spans)

    def _stretches(self, spans: list[Span]) -> tuple[list[float], list[float]]:
        """The extents across of what lies between each two neighbouring places to cut."""
        low, high = [float("inf")] * (len(self.cuts) + 1), [float("-inf")] * (len(self.cuts) + 1)
        for each in spans:
            if each.frame is None:
                for index in range(bisect_right(self._mains, each.start), bisect_left(self._mains, each.end) + 1):
                    low[index] = min(low[index], each.low)
                    high[index] = max(high[index], each.high)
        return low, high

    def best_cuts(self, crossings: int) -> list[Cut]:
        """Those of the number of columns at which the picture comes out largest; of several such, the best looking."""
        usable = [each for each in self.cuts if each.crossings <= crossings]
        best, reached, worse = list[Cut](), self.scale([]), 0
        for columns in range(2, len(usable) + 2):
            cuts = self._balanced(usable, columns)
            found = self.scale(cuts)
            if found > reached * 1.001:
                best, reached, worse = cuts, found, 0
            else:
                worse += 1
            if reached >= 1 or worse > 3:
                break
        better = self._better_looking(usable, best)
        return better if self.scale(better) >= reached * 0.995 else best

    def scale(self, cuts: list[Cut]) -> float:
        pieces = self.pieces(None, cuts, None)
        across = sum(breadth for _, breadth in pieces) + GAP * (len(pieces) - 1)
        along = max(length for length, _ in pieces)
        return min(1.0, self.room[0] / max(across, 1), self.room[1] / max(along, 1))

    def pieces(self, before: Cut | None, cuts: list[Cut], behind: Cut | None) -> list[tuple[float, float]]:
        """Length and breadth of each piece between two cuts, or the picture's ends, that further cuts make."""
        return [self._piece(one, other) for one, other in pairwise([before, *cuts, behind])]

    def _piece(self, before: Cut | None, behind: Cut | None) -> tuple[float, float]:
        first = bisect_right(self._mains, before.main) if before else 0
        last = bisect_left(self._mains, behind.main) if behind else len(self._mains)
        low, high = min(self._low[first : last + 1]), max(self._high[first : last + 1])
        frames = max([0, *(len(each.frames) for each in (before, behind) if each)])
        return self._length(before, behind), max(high - low, 0.0) + 24 * frames

    def _length(self, before: Cut | None, behind: Cut | None) -> float:
        start, head = (before.main, needs(before, head=True)) if before else (0.0, 0.0)
        end, foot = (behind.main, needs(behind, head=False)) if behind else (self.length, 0.0)
        return head + end - start + foot

    def _balanced(self, usable: list[Cut], columns: int) -> list[Cut]:
        """Cuts for at most so many columns, whose longest is as short as can be, by halving the range of lengths."""
        low, high = self.length / columns, self.length + 200
        best: list[Cut] = []
        for _ in range(24):
            middle = (low + high) / 2
            cuts = self._filled(usable, middle)
            if cuts is not None and len(cuts) < columns:
                best, high = cuts, middle
            else:
                low = middle
        return best

    def _filled(self, usable: list[Cut], longest: float) -> list[Cut] | None:
        """Cuts as far apart as the length of a column allows; None where some piece cannot be cut to it."""
        mains = [each.main for each in usable]
        chosen: list[Cut] = []
        before: Cut | None = None
        while self._length(before, None) > longest:
            start = before.main if before else 0.0
            index = bisect_right(mains, start + longest) - 1
            while index >= 0 and self._length(before, usable[index]) > longest:
                index -= 1
            if index < 0 or mains[index] < start + _LEAST:
                return None
            before = usable[index]
            chosen.append(before)
        return chosen

    def _better_looking(self, usable: list[Cut], cuts: list[Cut]) -> list[Cut]:
        """As many cuts, through as few frames and arrows as can be, into columns that are not much longer."""
        if not cuts or len(usable) ** 2 * len(cuts) > _WEIGHED:
            return cuts
        longest = max(length for length, _ in self.pieces(None, cuts, None))
        longest = max(longest, min(self.room[1], longest * 1.25))
        fair = self.length / (len(cuts) + 1)
        costs: dict[int, tuple[float, list[Cut]]] = {-1: (0.0, [])}  # by the last cut, as its index
        for _ in cuts:
            further: dict[int, tuple[float, list[Cut]]] = {}
            for last, (cost, chosen) in costs.items():
                before = usable[last] if last >= 0 else None
                for index in range(last + 1, len(usable)):
                    length = self._length(before, usable[index])
                    if length > longest:
                        break
                    total = cost + _ugliness(usable[index]) + (length / fair - 1) ** 2
                    if total < further.get(index, (float("inf"),))[0]:
                        further[index] = (total, [*chosen, usable[index]])
            costs = further
        ends = [
            (cost + (self._length(usable[last], None) / fair - 1) ** 2, chosen)
            for last, (cost, chosen) in costs.items()
            if self._length(usable[last], None) <= longest
        ]
        return min(ends, key=lambda each: each[0])[1] if ends else cuts


def _ugliness(cut: Cut) -> float:
    return len(cut.frames) + 0.5 * (cut.crossings - 1)


def _places(spans: list[Span], length: float, across: bool) -> Iterator[Cut]:
    """Where nothing is that must stay whole, in the middle of each such gap."""
    whole = sorted((start, end) for each in spans for start, end in each.uncut)
    gaps: list[float] = []
    reached = 0.0
    for start, end in whole:
        if start > reached + 2:
            gaps.append((reached + start) / 2)
        reached = max(reached, end)
    arrows = [each for each in spans if each.arrow]
    counts = _crossings(gaps, arrows)
    frames = _frames_at(gaps, [each for each in spans if each.frame is not None])
    for main, count, inside in zip(gaps, counts, frames, strict=True):
        if count and _LEAST < main < length - _LEAST:
            yield Cut(main, count, tuple(inside), across)


def _crossings(gaps: list[float], arrows: list[Span]) -> list[int]:
    """How many lines cross each gap."""
    change = [0] * (len(gaps) + 1)
    lines: dict[str, list[Span]] = {}
    for each in arrows:
        lines.setdefault(each.arrow, []).append(each)
    for line in lines.values():
        reached = float("-inf")
        for each in sorted(line, key=lambda span: span.start):
            low, high = bisect_right(gaps, max(each.start, reached)), bisect_left(gaps, each.end)
            if low < high:
                change[low] += 1
                change[high] -= 1
            reached = max(reached, each.end)
    total, counts = 0, []
    for step in change[:-1]:
        total += step
        counts.append(total)
    return counts


def _frames_at(gaps: list[float], frames: list[Span]) -> list[list[int]]:
    """By gap, the frames that it lies in, outer ones first."""
    found: list[list[int]] = [[] for _ in gaps]
    for each in sorted(frames, key=lambda span: span.depth):
        for index in range(bisect_right(gaps, each.start), bisect_left(gaps, each.end)):
            found[index].append(each.frame or 0)
    return found
