"""Where everything stands: columns of one width, rows that fit a page, a common middle for the blocks of a lane."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from render.blocks3d.extents import Solid, measure_of, solid_of
from render.blocks3d.grid import Cell, grid_of
from render.blocks3d.labels import LEADING, SIZE, Line, lines_of, widest_piece
from render.blocks3d.solids import breadth, rise
from render.blocks3d.units import Unit
from render.blocks3d.ways import Way, ways_of
from render.letters import text_width

# A4 at 0.7 of its size, on its side and upright: what fits a page keeps letters that can be read there.
WIDE: Final = 1120.0
NARROW: Final = 770.0
MARGIN: Final = 28.0

_GAP = 24.0  # between blocks: room for an arrow
_AIR = 8.0  # between labels
_WIDEST_PITCH = 96.0
_BADGE = 22.0
TAG_STEP: Final = 20.0
TAGS_UP_TO: Final = 3  # of those that arrive; more are counted
ARC_STEP: Final = 12.0
_ARC_AIR = 12.0
_LABEL_AIR = 20.0  # from the lowest end of a block to the baseline below it
_LANE_GAP = 22.0
_ROW_GAP = 30.0
MERGE_RADIUS: Final = 11.0


@dataclass(frozen=True, slots=True)
class Spot:
    """A block at its place. x, y: its middle. top: the upper end of what stands over it."""

    unit: Unit
    cell: Cell
    solid: Solid
    lines: tuple[Line, ...]
    x: float
    y: float
    labels: float  # baseline of the first line below it
    top: float

    @property
    def breadth(self) -> float:
        """From its left end to its right."""
        return breadth_of(self.unit, self.solid)


@dataclass(frozen=True, slots=True)
class Page:
    """spots: by unit. edges: by column, its left and right end. below: by row, where nothing stands any more.
    arcs: by row and lane, where the lowest arc runs. arriving: by unit, how many tags arrive there."""

    spots: Mapping[str, Spot]
    ways: tuple[Way, ...]
    edges: Mapping[int, tuple[float, float]]
    rows: Mapping[int, int]
    below: Mapping[int, float]
    arcs: Mapping[tuple[int, int], float]
    arriving: Mapping[str, int]
    width: float
    height: float


def breadth_of(unit: Unit, solid: Solid) -> float:
    """The width of a block, or of a merge's sign."""
    if unit.sign:
        return max(2 * MERGE_RADIUS, text_width(unit.sign, SIZE, bold=True) + 12)
    return breadth(solid, unit.copies)


def page_of(units: list[Unit], top: float) -> Page:
    """The places of all units. top: where the first row may begin."""
    measure = measure_of([each.extent for each in units if not each.sign])
    solids = {each.name: solid_of(each.extent, measure) for each in units}
    cells = grid_of(units)
    widths, rows = _columns(units, cells, solids)
    edges = _edges(widths, rows)
    ways = ways_of(units, cells, rows)
    placing = _Placing(units, cells, solids, edges, rows, ways)
    return placing.page(top, max(end for _, end in edges.values()) + MARGIN)


def _columns(
    units: list[Unit], cells: Mapping[str, Cell], solids: Mapping[str, Solid]
) -> tuple[list[float], dict[int, int]]:
    """The columns' widths, and the row of each: one on a page on its side if all fit, else some on an upright page."""
    count = 1 + max(cell.column for cell in cells.values())
    least = max(widest_piece(each) for each in units) + _AIR
    blocks = [0.0] * count
    for each in units:
        column = cells[each.name].column
        blocks[column] = max(blocks[column], breadth_of(each, solids[each.name]) + _GAP)
    room = WIDE - 2 * MARGIN
    widths = _widths(blocks, max(min(room / count, _WIDEST_PITCH), least))
    if sum(widths) <= room:
        return widths, dict.fromkeys(range(count), 0)
    room = NARROW - 2 * MARGIN
    number = len(set(_cut(_widths(blocks, least), room).values()))
    pitches = [*range(int(_WIDEST_PITCH), int(least), -4), least]
    pitch = next(each for each in pitches if len(set(_cut(_widths(blocks, each), room).values())) == number)
    widths = _widths(blocks, pitch)
    return widths, _balanced(widths, room, number)


def _widths(blocks: list[float], pitch: float) -> list[float]:
    return [max(each, pitch) for each in blocks]


def _cut(widths: list[float], room: float) -> dict[int, int]:
    """Column -> row, each row as full as it can be; a column that is wider than a row has one for itself."""
    rows: dict[int, int] = {}
    row, used = 0, 0.0
    for column, width in enumerate(widths):
        if used and used + width > room + 0.01:
            row, used = row + 1, 0.0
        rows[column] = row
        used += width
    return rows


def _balanced(widths: list[float], room: float, number: int) -> dict[int, int]:
    """As many rows, about as long as one another."""
    low, high = sum(widths) / number, max(room, sum(widths) / number)
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (low, middle) if 1 + _cut(widths, middle)[len(widths) - 1] <= number else (middle, high)
    return _cut(widths, high)


def _edges(widths: list[float], rows: Mapping[int, int]) -> dict[int, tuple[float, float]]:
    edges: dict[int, tuple[float, float]] = {}
    for column, width in enumerate(widths):
        new = column == 0 or rows[column] != rows[column - 1]
        start = MARGIN if new else edges[column - 1][1]
        edges[column] = (start, start + width)
    return edges


class _Placing:
    """What is known before anything has a height."""

    def __init__(
        self,
        units: list[Unit],
        cells: Mapping[str, Cell],
        solids: Mapping[str, Solid],
        edges: Mapping[int, tuple[float, float]],
        rows: Mapping[int, int],
        ways: list[Way],
    ) -> None:
        self.cells, self.solids, self.edges, self.rows, self.ways = cells, solids, edges, rows, ways
        self.in_lane: dict[tuple[int, int], list[Unit]] = {}
        for each in units:
            cell = cells[each.name]
            self.in_lane.setdefault((rows[cell.column], cell.lane), []).append(each)
        self.tags: dict[str, int] = {}  # how many stand over a block, one over the other
        for way in (each for each in ways if each.course == "tag"):
            self.tags[way.source] = max(self.tags.get(way.source, 0), 1)
            self.tags[way.target] = max(self.tags.get(way.target, 0), min(way.place + 1, TAGS_UP_TO))
        self.arriving = {way.target: way.place + 1 for way in ways if way.course == "tag"}  # the last of them counts
        self.levels: dict[tuple[int, int], int] = {}
        for way in (each for each in ways if each.course == "arc"):
            lane = (rows[cells[way.source].column], cells[way.source].lane)
            self.levels[lane] = max(self.levels.get(lane, 0), way.level + 1)

    def page(self, top: float, width: float) -> Page:
        spots: dict[str, Spot] = {}
        below: dict[int, float] = {}
        arcs: dict[tuple[int, int], float] = {}
        at = top
        for (row, lane), units in sorted(self.in_lane.items()):
            at += _ROW_GAP if row and row not in below else _LANE_GAP if lane else 0.0
            levels = self.levels.get((row, lane), 0)
            at += levels * ARC_STEP + (_ARC_AIR if levels else 0.0)
            arcs[row, lane] = at - _ARC_AIR
            placed = self._lane(units, at)
            spots |= {each.unit.name: each for each in placed}
            at = max(each.labels + (len(each.lines) - 1) * LEADING for each in placed) + 4.0
            below[row] = at
        return Page(spots, tuple(self.ways), self.edges, self.rows, below, arcs, self.arriving, width, at)

    def _lane(self, units: list[Unit], top: float) -> list[Spot]:
        y = top + max(self._above(each) for each in units)
        labels = y + max(self._half(each) for each in units) + _LABEL_AIR
        spots = []
        for each in units:
            cell = self.cells[each.name]
            start, end = self.edges[cell.column]
            lines = tuple(lines_of(each, end - start - _AIR))
            over = y - self._half(each) - (_BADGE if each.copies > 1 else 0.0)
            spots.append(Spot(each, cell, self.solids[each.name], lines, (start + end) / 2, y, labels, over))
        return spots

    def _half(self, unit: Unit) -> float:
        return MERGE_RADIUS if unit.sign else rise(self.solids[unit.name]) / 2

    def _above(self, unit: Unit) -> float:
        badge = _BADGE if unit.copies > 1 else 0.0
        count = self.tags.get(unit.name, 0)
        return self._half(unit) + badge + (count * TAG_STEP + 8 if count else 0.0)
