"""A plan with parts of very different breadth, cut into shelves: columns above columns, each as wide as the page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from render.pieces import GAP, Cut

if TYPE_CHECKING:
    from render.columns import Whole

_BOUNDARIES = 40  # places between shelves; with more, none is tried
_WIDER = (1.0, 1.06, 1.12, 1.2, 1.3)  # pages that are tried, in parts of the page's width
_COLUMNS = 6
_FEWER = (80.0, 40.0, 15.0, 0.0)  # points of height that one cut less is worth, as long as it all fits


@dataclass(frozen=True, slots=True)
class Shelves:
    """cuts: all, in order. counts: how many columns stand on each shelf. scale: at which it all fits its page."""

    cuts: list[Cut]
    counts: list[int]
    scale: float


@dataclass(frozen=True, slots=True)
class _Shelf:
    cuts: list[Cut]
    breadth: float
    length: float


def in_shelves(whole: Whole) -> Shelves | None:
    """The way in which the picture comes out largest; None where it cannot be cut so."""
    borders = [each for each in whole.cuts if not each.frames and each.crossings == 1]
    if not 1 <= len(borders) <= _BOUNDARIES:
        return None
    ends: list[Cut | None] = [None, *borders, None]
    shelves = {
        (first, last): list(_shelves(whole, ends[first], ends[last]))
        for first in range(len(ends) - 1)
        for last in range(first + 1, len(ends))
    }
    tried = (_stacked(whole, ends, shelves, part, worth) for part in _WIDER for worth in _FEWER)
    return max(filter(None, tried), key=lambda each: (round(each.scale, 2), -len(each.cuts)), default=None)


def _shelves(whole: Whole, before: Cut | None, behind: Cut | None) -> Iterator[_Shelf]:
    """What lies between two places, in one column and in more, cut where each is nearest to an equal part."""
    start = before.main if before else 0.0
    end = behind.main if behind else whole.length
    usable = [each for each in whole.cuts if start + 40 < each.main < end - 40 and each.crossings == 1]
    for columns in range(1, _COLUMNS + 1):
        cuts: list[Cut] = []
        for part in range(1, columns):
            place = start + (end - start) * part / columns
            free = [each for each in usable if not cuts or each.main > cuts[-1].main + 40]
            if free:
                cuts.append(min(free, key=lambda each, place=place: abs(each.main - place) + 15 * len(each.frames)))  # type: ignore[misc]
        if len(cuts) == columns - 1:
            pieces = whole.pieces(before, cuts, behind)
            breadth = sum(each for _, each in pieces) + GAP * (columns - 1)
            yield _Shelf(cuts, breadth, max(length for length, _ in pieces))


def _stacked(
    whole: Whole, ends: list[Cut | None], shelves: dict[tuple[int, int], list[_Shelf]], part: float, worth: float
) -> Shelves | None:
    """The lowest stack of shelves on a page of so many parts of the width there is: the best up to each place is the
    best up to one before it, and a shelf. worth: of a cut that is not made."""
    wide = whole.room[0] * part
    best: list[tuple[float, list[Cut], list[int]] | None] = [(0.0, [], [])] + [None] * (len(ends) - 1)
    for last in range(1, len(ends)):
        for first in range(last):
            below = best[first]
            for shelf in shelves[first, last] if below else []:
                assert below is not None
                height = below[0] + shelf.length + (GAP + worth if first else 0) + worth * len(shelf.cuts)
                known = best[last]
                if shelf.breadth <= wide and (known is None or height < known[0] - 0.01):
                    border = ends[first]
                    cuts = [*below[1], *([border] if border else []), *shelf.cuts]
                    best[last] = (height, cuts, [*below[2], len(shelf.cuts) + 1])
    end = best[-1]
    if end is None or len(end[2]) < 2:
        return None
    height = end[0] - worth * len(end[1])
    return Shelves(end[1], end[2], min(1.0, whole.room[0] / wide, whole.room[1] / max(height, 1)))
