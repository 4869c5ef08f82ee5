"""Which column and which lane each block stands in: lane 0 is the main row, what goes beside it has lanes below."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from render.blocks3d.units import Unit


@dataclass(frozen=True, slots=True)
class Cell:
    """A place in the grid. Columns go from the inputs onwards; every block is right of all that it reads."""

    column: int
    lane: int


def grid_of(units: list[Unit]) -> dict[str, Cell]:
    """A cell for each unit. The longest way through the model has lane 0; each further way has the first free lane."""
    readers = readers_of(units)
    chains = _chains(units, readers)
    columns = _columns(units, readers, set(chains[0]) if chains else set())
    by_name = {each.name: each for each in units}
    taken: list[set[int]] = []
    cells: dict[str, Cell] = {}
    for chain in chains:
        span = _span(chain, by_name, readers, columns)
        lane = next((index for index, used in enumerate(taken) if index and not used & span), max(len(taken), 1))
        lane = 0 if chain is chains[0] else lane
        taken += [set() for _ in range(lane + 1 - len(taken))]
        taken[lane] |= span
        cells |= {name: Cell(columns[name], lane) for name in chain}
    return cells


def readers_of(units: list[Unit]) -> dict[str, list[str]]:
    """By unit: which units read it, in order."""
    readers: dict[str, list[str]] = {each.name: [] for each in units}
    for each in units:
        for source in each.sources:
            readers[source].append(each.name)
    return readers


def _chains(units: list[Unit], readers: Mapping[str, list[str]]) -> list[list[str]]:
    """The units as ways, the longest through the model first; each goes on until nothing is left that reads it."""
    behind: dict[str, int] = {}
    for each in reversed(units):  # the order of the spec: who reads stands after what is read
        behind[each.name] = 1 + max((behind[name] for name in readers[each.name]), default=0)
    left = set(behind)
    order = {each.name: place for place, each in enumerate(units)}
    chains: list[list[str]] = []
    for start in sorted(order, key=lambda name: (-behind[name], order[name])):
        at: str | None = start if start in left else None
        chain: list[str] = []
        while at is not None:
            chain.append(at)
            left.remove(at)
            at = max((name for name in readers[at] if name in left), key=lambda name: behind[name], default=None)
        chains += [chain] if chain else []
    return chains


def _columns(units: list[Unit], readers: Mapping[str, list[str]], main: set[str]) -> dict[str, int]:
    """As far left as what is read lets it; what only leads into the main row stands right before its reader."""
    columns: dict[str, int] = {}
    after_main: set[str] = set()
    for each in units:
        columns[each.name] = 1 + max((columns[name] for name in each.sources), default=-1)
        if each.name in main or after_main.intersection(each.sources):
            after_main.add(each.name)
    for each in reversed(units):
        if each.name not in after_main and readers[each.name]:
            columns[each.name] = min(columns[name] for name in readers[each.name]) - 1
    return columns


def _span(
    chain: list[str], by_name: Mapping[str, Unit], readers: Mapping[str, list[str]], columns: Mapping[str, int]
) -> set[int]:
    """The columns that a way takes of its lane, with those that its lines from and to other lanes run through."""
    first, last = chain[0], chain[-1]
    start = min([columns[first], *(columns[name] + 1 for name in by_name[first].sources)])
    end = max([columns[last], *(columns[name] - 1 for name in readers[last])])
    return set(range(start, end + 1))
