"""A plan that is longer than a page, cut where few arrows pass and its pieces set side by side.

Pages are read in columns, slides in rows; `main` is along the arrows and `cross` across them, as in `render.places`.
Nothing is ever made smaller: what is chosen is how often to cut, and where.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from render.pieces import GAP, Cut, assembled, needs
from render.places.plan import Plan
from render.spans import Span, spans_of

_CROSSINGS = (1, 4)  # arrows that a cut may part: better one, and at worst four
_MUCH = 1.12  # how much larger a picture must come out for the worse cuts to be worth it
_LEAST = 60.0  # no column is shorter than this


def in_columns(plan: Plan, room: tuple[float, float], *, across: bool) -> Plan:
    """The plan, cut if it is too long. room: width and height that there are for it."""
    if scale(plan, room) >= 1:
        return plan
    whole = _Whole(plan, room, across)
    best, reached = [], whole.scale([])
    for crossings in _CROSSINGS:
        cuts = whole.best_cuts(crossings)
        if (found := whole.scale(cuts)) > reached * (_MUCH if best else 1.02):
            best, reached = cuts, found
    return assembled(plan, best, across) if best else plan


def scale(plan: Plan, room: tuple[float, float]) -> float:
    """At most 1: what the plan has to be multiplied by to fit in."""
    return min(1.0, room[0] / max(plan.width, 1), room[1] / max(plan.height, 1))


@dataclass(frozen=True, slots=True)
class _Stretch:
    """What lies between two neighbouring places to cut: its extent across."""

    low: float
    high: float


class _Whole:
    """A plan with the places where it may be cut."""

    def __init__(self, plan: Plan, room: tuple[float, float], across: bool) -> None:
        self.room = room if not across else (room[1], room[0])  # across, along
        self.length = plan.width if across else plan.height
        spans = spans_of(plan, across)
        self.cuts = list(_places(spans, self.length, across))
        self.places = [each.main for each in self.cuts]
        self.stretches = self._stretches(spans)

    def _stretches(self, spans: list[Span]) -> list[_Stretch]:
        lows, highs = [float("inf")] * (len(self.cuts) + 1), [float("-inf")] * (len(self.cuts) + 1)
        for each in spans:
            if each.frame is None:
                for index in range(bisect_right(self.places, each.start), bisect_left(self.places, each.end) + 1):
                    lows[index] = min(lows[index], each.low)
                    highs[index] = max(highs[index], each.high)
        return [_Stretch(low, high) for low, high in zip(lows, highs, strict=True)]

    def best_cuts(self, crossings: int) -> list[Cut]:
        """Those of the number of columns at which the picture comes out largest."""
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
        return best

    def scale(self, cuts: list[Cut]) -> float:
        pieces = list(self._pieces(cuts))
        across = sum(breadth for _, breadth in pieces) + GAP * (len(pieces) - 1)
        along = max(length for length, _ in pieces)
        return min(1.0, self.room[0] / max(across, 1), self.room[1] / max(along, 1))

    def _pieces(self, cuts: list[Cut]) -> Iterator[tuple[float, float]]:
        """Length and breadth of each."""
        edges: list[Cut | None] = [None, *cuts, None]
        for before, behind in pairwise(edges):
            start = before.main if before else 0.0
            end = behind.main if behind else self.length
            first = bisect_right(self.places, start) if before else 0
            last = bisect_left(self.places, end) if behind else len(self.places)
            inside = self.stretches[first : last + 1]
            low, high = min(each.low for each in inside), max(each.high for each in inside)
            frames = max(len(each.frames) for each in (before, behind) if each) if before or behind else 0
            yield self._length(before, behind, start, end), max(high - low, 0.0) + 24 * frames

    def _length(self, before: Cut | None, behind: Cut | None, start: float, end: float) -> float:
        return end - start + (needs(before, head=True) if before else 0) + (needs(behind, head=False) if behind else 0)

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
        start, before = 0.0, None
        while self._length(before, None, start, self.length) > longest:
            index = bisect_right(mains, start + longest) - 1
            while index >= 0 and self._length(before, usable[index], start, mains[index]) > longest:
                index -= 1
            if index < 0 or mains[index] < start + _LEAST:
                return None
            before, start = usable[index], mains[index]
            chosen.append(before)
        return chosen


def _places(spans: list[Span], length: float, across: bool) -> Iterator[Cut]:
    """Where nothing is that must stay whole, in the middle of each such gap."""
    whole = sorted((start, end) for each in spans for start, end in each.uncut)
    gaps: list[float] = []
    reached = 0.0
    for start, end in whole:
        if start > reached + 2:
            gaps.append((reached + start) / 2)
        reached = max(reached, end)
    arrows = [each for each in spans if each.arrow is not None]
    counts = _crossings(gaps, arrows)
    frames = _frames_at(gaps, [each for each in spans if each.frame is not None])
    for main, count, inside in zip(gaps, counts, frames, strict=True):
        if count and _LEAST < main < length - _LEAST:
            yield Cut(main, count, tuple(inside), across)


def _crossings(gaps: list[float], arrows: list[Span]) -> list[int]:
    change = [0] * (len(gaps) + 1)
    for each in arrows:
        change[bisect_right(gaps, each.start)] += 1
        change[bisect_left(gaps, each.end)] -= 1
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
