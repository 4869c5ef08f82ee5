"""Runs of copies: items one after another that are alike, each fed by the one before it.

A run may be drawn as one copy only where that is true to the graph: each copy after the first reads from outside what
the first reads, but for what its predecessor gives; and nothing outside reads a copy but the last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from builder.graph import Node
from render.folding.tree import Item, Reference, Tree

LONGEST_PATTERN = 8  # items
FEWEST_LAYERS = 4  # copies of plain layers; of groups and blocks, and of what the spec repeats, two are enough


@dataclass(frozen=True, slots=True)
class Run:
    """copies: each a pattern of items, at least one; most runs are of one copy of one item."""

    copies: tuple[tuple[Item, ...], ...]

    @property
    def first(self) -> tuple[Item, ...]:
        return self.copies[0]


def runs(items: Sequence[Item], tree: Tree, alike: Callable[[Item], int], *, repeated: bool) -> Iterator[Run]:
    """All items in their order, those that repeat gathered. repeated: the spec itself says that they are copies."""
    keys = [alike(each) for each in items]
    lengths = [_lengths(keys, period) for period in range(1, LONGEST_PATTERN + 1)]
    start = 0
    while start < len(items):
        run = _longest(items, tree, start, [each[start] for each in lengths], repeated=repeated)
        yield run
        start += len(run.copies) * len(run.first)


def _lengths(keys: Sequence[int], period: int) -> list[int]:
    """From each place on, how many keys are the same as the one a period later."""
    found = [0] * (len(keys) + 1)
    for place in range(len(keys) - period - 1, -1, -1):
        found[place] = found[place + 1] + 1 if keys[place] == keys[place + period] else 0
    return found


def _longest(items: Sequence[Item], tree: Tree, start: int, lengths: Sequence[int], *, repeated: bool) -> Run:
    """The run from `start` on that gathers most, the shorter pattern where two gather as much."""
    counts = [(same // period + 1, period) for period, same in enumerate(lengths, 1)]
    for count, period in sorted(counts, key=lambda each: (-each[0] * each[1], each[1])):
        pattern = tuple(items[start : start + period])
        fewest = 2 if repeated or any(isinstance(each, str) for each in pattern) else FEWEST_LAYERS
        if count >= fewest:
            places = range(start, start + count * period, period)
            copies = _true((tuple(items[place : place + period]) for place in places), tree)
            if len(copies) >= fewest:
                return Run(tuple(copies))
    return Run(((items[start],),))


def _true(copies: Iterator[tuple[Item, ...]], tree: Tree) -> list[tuple[Item, ...]]:
    """As many of the copies, from the first on, as one may stand for."""
    found = [next(copies)]
    check = _Check(tree, _nodes(found[0], tree))
    for copy in copies:
        if not check.takes(_nodes(copy, tree)):
            break
        found.append(copy)
    return found if len(found) > 1 and check.gives_on() else found[:1]


def _nodes(copy: tuple[Item, ...], tree: Tree) -> list[Node]:
    return [node for item in copy for node in tree.nodes_of(item)]


@dataclass(slots=True)
class _Check:
    """The first copy, and what the later ones read in its place.

    handed: what the first copy reads -> where in its predecessor a later one reads instead. kept: what all read.
    """

    tree: Tree
    first: list[Node]
    previous: list[Node] = field(init=False)
    places: dict[str, int] = field(init=False)
    handed: dict[Reference, tuple[int, tuple[object, ...]]] = field(default_factory=dict)
    kept: set[Reference] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.previous = self.first
        self.places = {each.name: place for place, each in enumerate(self.first)}

    def takes(self, copy: list[Node]) -> bool:
        """Whether the next copy may stand behind the first."""
        own = {each.name: place for place, each in enumerate(copy)}
        before = {each.name: place for place, each in enumerate(self.previous)}
        readers = (reader for each in self.previous for reader in self.tree.readers[each.name])
        if len(copy) != len(self.first) or not all(each in own or each in before for each in readers):
            return False
        if not all(self._reads_alike(*pair, own, before) for pair in zip(self.first, copy, strict=True)):
            return False
        self.previous = copy
        return bool(self.handed)

    def gives_on(self) -> bool:
        """Whether what goes out of the last copy is what each hands to the next."""
        inside = {each.name for each in self.previous}
        read = {
            place
            for place, each in enumerate(self.previous)
            if any(reader not in inside for reader in self.tree.readers[each.name])
        }
        return not read or all(place in read for place, _ in self.handed.values())

    def _reads_alike(self, first: Node, later: Node, own: dict[str, int], before: dict[str, int]) -> bool:
        ours, theirs = self.tree.reads[first.name], self.tree.reads[later.name]
        return len(ours) == len(theirs) and all(
            self._agrees(*pair, own, before) for pair in zip(ours, theirs, strict=True)
        )

    def _agrees(self, first: Reference, later: Reference, own: dict[str, int], before: dict[str, int]) -> bool:
        inside = self.places.get(first.source)
        if inside is not None or later.source in own:
            return inside == own.get(later.source) and first.pick == later.pick
        if later.source in before:
            given = before[later.source], later.pick
            if first not in self.handed and first not in self.kept and given not in self.handed.values():
                self.handed[first] = given
            return self.handed.get(first) == given
        self.kept.add(first)
        return first == later and first not in self.handed
