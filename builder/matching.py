"""Which layer of one model is which of another: by name, then by structure.

Group by group, from the outside in. What has the same name in both is the same. What has none, or a name that the other
lacks, is matched in order such that what is matched is as alike as can be (an alignment by dynamic programming, as for
a longest common subsequence: Needleman and Wunsch 1970), so that an inserted layer moves those after it and changes
none. Copies of a repeat are matched by their number.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from typing import Any, TypeAlias

import networkx

from builder.graph import Node, Region, nodes, regions
from dsl.catalogue.entries import REQUIRED
from dsl.catalogue.lookup import find_known

Match: TypeAlias = tuple["Part | None", "Part | None"]


@dataclass(frozen=True, eq=False)
class Part:
    """A layer, or a group with its parts. short: its name in its group, "" where that is a position."""

    name: str
    what: Node | Region
    parts: tuple[Part, ...] = ()
    layers: tuple[Node, ...] = ()

    @cached_property
    def short(self) -> str:
        last = self.name.rpartition(".")[2]
        return "" if last.isdigit() else last

    @cached_property
    def features(self) -> Counter[str]:
        """What likeness is counted by: the type of each layer in it, and each argument."""
        return Counter(word for each in self.layers for word in _words(each))

    @cached_property
    def sort(self) -> tuple[bool, str, frozenset[tuple[str, int]]]:
        """All that likeness looks at."""
        return isinstance(self.what, Region), self.short, frozenset(self.features.items())


def tree(graph: networkx.DiGraph[str]) -> Part:
    """The whole model as a part."""
    by_name, all_regions = {each.name: each for each in nodes(graph)}, regions(graph)

    def part(name: str) -> Part:
        if name not in all_regions:
            return Part(name, by_name[name], (), (by_name[name],))
        inner = tuple(part(each) for each in all_regions[name].children)
        return Part(name, all_regions[name], inner, tuple(layer for each in inner for layer in each.layers))

    return part("")


def matched(old: Part, new: Part) -> list[Match]:
    """The parts of two groups in the order of the new one: pairs, and those that only one side has."""
    if isinstance(old.what, Region) and isinstance(new.what, Region) and old.what.copies and new.what.copies:
        return list(_by_number(old.parts, new.parts))
    names = {each.short: index for index, each in enumerate(old.parts) if each.short}
    common = {each.short: index for index, each in enumerate(new.parts) if _has_same(old.parts, names, each)}
    stay = _longest_rise([(names[short], index) for short, index in common.items()])
    moved = {index: names[short] for short, index in common.items() if (names[short], index) not in stay}
    found: list[Match] = []
    i = j = 0
    for stop, start in [*stay, (len(old.parts), len(new.parts))]:
        before = [each for index, each in enumerate(old.parts[i:stop], i) if index not in moved.values()]
        after = [each for index, each in enumerate(new.parts[j:start], j) if index not in moved]
        found += _aligned(before, after)
        found += [(old.parts[moved[index]], new.parts[index]) for index in range(j, start) if index in moved]
        found += [(old.parts[stop], new.parts[start])] if stop < len(old.parts) else []
        i, j = stop + 1, start + 1
    return found


def _has_same(old: Sequence[Part], names: Mapping[str, int], new: Part) -> bool:
    """Whether there is a part of the same name and kind."""
    return new.short in names and isinstance(old[names[new.short]].what, Region) == isinstance(new.what, Region)


def _longest_rise(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The most of the pairs (which come in the order of their second number) that rise in their first too."""
    ends: list[int] = []  # the least first number that a rise of each length ends with
    lengths = []
    for first, _ in pairs:
        place = bisect_left(ends, first)
        ends[place : place + 1] = [first]
        lengths.append(place + 1)
    rise: list[tuple[int, int]] = []
    wanted = len(ends)
    for pair, length in zip(reversed(pairs), reversed(lengths), strict=True):
        if length == wanted and (not rise or pair[0] < rise[-1][0]):
            rise.append(pair)
            wanted -= 1
    return rise[::-1]


def _by_number(old: Sequence[Part], new: Sequence[Part]) -> Iterator[Match]:
    for before, after in zip_longest(old, new):
        if before and after and isinstance(before.what, Region) != isinstance(after.what, Region):
            yield from ((before, None), (None, after))
        else:
            yield before, after


def default(layer: Node, argument: str) -> Any:
    """What an argument is that is not written: PyTorch's default, or None where that is not known."""
    entry = find_known(layer.target)
    if entry is None or entry.overloads or not entry.accepts(argument):
        return None
    found = next((each.default for each in entry.parameters if each.name == argument), REQUIRED)
    return None if found is REQUIRED else list(found) if isinstance(found, tuple) else found


def _words(layer: Node) -> list[str]:
    written = {key: value for key, value in layer.arguments.items() if value != default(layer, key)}
    arguments = [f"{layer.type} {key} {json.dumps(value)}" for key, value in written.items()]
    return [layer.type, *arguments, *([layer.expression] if layer.expression else [])]


def _aligned(old: Sequence[Part], new: Sequence[Part]) -> list[Match]:
    """Both in order, the alike side by side. What is the same at the start and the end needs no search."""
    start = 0
    while start < min(len(old), len(new)) and _is_same(old[start], new[start]):
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and _is_same(old[-1 - end], new[-1 - end]):
        end += 1
    head: list[Match] = list(zip(old[:start], new[:start], strict=True))
    tail: list[Match] = list(zip(old[len(old) - end :], new[len(new) - end :], strict=True))
    return [*head, *_searched(old[start : len(old) - end], new[start : len(new) - end]), *tail]


def _is_same(old: Part, new: Part) -> bool:
    same_kind = isinstance(old.what, Region) == isinstance(new.what, Region)
    return old.short == new.short and same_kind and old.features == new.features


def _searched(old: Sequence[Part], new: Sequence[Part]) -> list[Match]:
    likeness = _likenesses(old, new)
    best = _scores(likeness, len(new))
    found: list[Match] = []
    i, j = len(old), len(new)
    while i or j:
        alike = likeness[i - 1][j - 1] if i and j else 0.0
        if alike and best[i][j] == best[i - 1][j - 1] + alike:
            i, j = i - 1, j - 1
            found.append((old[i], new[j]))
        elif j and (not i or best[i][j] == best[i][j - 1]):
            j -= 1
            found.append((None, new[j]))
        else:
            i -= 1
            found.append((old[i], None))
    return found[::-1]


def _likenesses(old: Sequence[Part], new: Sequence[Part]) -> list[list[float]]:
    """How alike each two are. Many a layer is the same as many others, and rows are worked out once for all of them."""
    sorts = list(dict.fromkeys(each.sort for each in new))
    firsts = {each.sort: each for each in reversed(new)}
    places = {sort: place for place, sort in enumerate(sorts)}
    columns = [places[each.sort] for each in new]
    rows: dict[object, list[float]] = {}
    for each in old:
        if each.sort not in rows:
            row = [_likeness(each, firsts[sort]) for sort in sorts]
            rows[each.sort] = [row[column] for column in columns]
    return [rows[each.sort] for each in old]


def _scores(likeness: Sequence[Sequence[float]], width: int) -> list[list[float]]:
    """The likeness that the first i and the first j can reach together."""
    best = [[0.0] * (width + 1)]
    for alike in likeness:
        above, row = best[-1], [0.0]
        for j, each in enumerate(alike):
            row.append(max(above[j] + each if each else 0.0, above[j + 1], row[j]))
        best.append(row)
    return best


def _likeness(old: Part, new: Part) -> float:
    """0 where the two are not to be matched. Another name is believed where all else is the same."""
    if isinstance(old.what, Region) != isinstance(new.what, Region):
        return 0.0
    if old.short or new.short:
        return 100.0 if old.features == new.features else 0.0
    shared = sum((old.features & new.features).values())
    return 1 + 99 * 2 * shared / max(1, sum(old.features.values()) + sum(new.features.values()))
