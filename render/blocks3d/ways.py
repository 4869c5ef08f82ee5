"""How each tensor goes from block to block on the page: straight on, over others, to another lane, to the next row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from render.blocks3d.grid import Cell
from render.blocks3d.units import Unit

# straight: on in its lane. arc: above the blocks between. early, late: to another lane, turning right behind the source
# or right before the target. return: from the end of a row to the start of the next. tag: by a number at both ends.
Course: TypeAlias = Literal["straight", "arc", "early", "late", "return", "tag"]


@dataclass(frozen=True, slots=True)
class Way:
    """One line to be. level: of an arc, 0 for the lowest.

    number: of a tag, the same for all ways from one block; of these the first shows it there. place: of a tag among
    those that arrive at its target.
    """

    source: str
    target: str
    course: Course
    level: int = 0
    number: int = 0
    first: bool = True
    place: int = 0


def ways_of(units: list[Unit], cells: Mapping[str, Cell], rows: Mapping[int, int]) -> list[Way]:
    """The ways in the order of the units that they lead to. rows: column -> row."""
    courses = _Courses(cells, rows)
    pairs = [(source, each.name) for each in units for source in each.sources]
    chosen = [(source, target, courses.between(cells[source], cells[target])) for source, target in pairs]
    levels = _levels([(source, target) for source, target, course in chosen if course == "arc"], cells, rows)
    result: list[Way] = []
    numbers: dict[str, int] = {}
    arrived: dict[str, int] = {}
    for source, target, course in chosen:
        if course == "tag":
            first, number = source not in numbers, numbers.setdefault(source, len(numbers) + 1)
            result.append(Way(source, target, course, 0, number, first, arrived.get(target, 0)))
            arrived[target] = arrived.get(target, 0) + 1
        else:
            result.append(Way(source, target, course, levels.get((source, target), 0)))
    return result


class _Courses:
    """A grid cut into rows."""

    def __init__(self, cells: Mapping[str, Cell], rows: Mapping[int, int]) -> None:
        self.rows = rows
        self.taken = set(cells.values())
        self.side_rows = {rows[cell.column] for cell in self.taken if cell.lane}

    def between(self, source: Cell, target: Cell) -> Course:
        if self.rows[source.column] != self.rows[target.column]:
            plain = not self.side_rows & {self.rows[source.column], self.rows[target.column]}
            return "return" if plain and target.column == source.column + 1 else "tag"
        if source.lane == target.lane:
            return "straight" if self._free(source, target, source.lane) else "arc"
        if self._free(source, target, target.lane):
            return "early"
        return "late" if self._free(source, target, source.lane) else "tag"

    def _free(self, source: Cell, target: Cell, lane: int) -> bool:
        return not any(Cell(column, lane) in self.taken for column in range(source.column + 1, target.column))


def _levels(
    arcs: list[tuple[str, str]], cells: Mapping[str, Cell], rows: Mapping[int, int]
) -> dict[tuple[str, str], int]:
    """A level for each arc, such that none crosses another of its level: short ones first, so that they are nested."""
    taken: dict[tuple[int, int, int], list[tuple[int, int]]] = {}
    levels: dict[tuple[str, str], int] = {}
    for arc in sorted(arcs, key=lambda each: (cells[each[1]].column - cells[each[0]].column, cells[each[0]].column)):
        start, end = cells[arc[0]].column, cells[arc[1]].column
        level = 0
        while any(start <= last and first <= end for first, last in taken.get(_key(cells, rows, arc, level), [])):
            level += 1
        taken.setdefault(_key(cells, rows, arc, level), []).append((start, end))
        levels[arc] = level
    return levels


def _key(cells: Mapping[str, Cell], rows: Mapping[int, int], arc: tuple[str, str], level: int) -> tuple[int, int, int]:
    return rows[cells[arc[0]].column], cells[arc[0]].lane, level
