"""What of a diagram stands one below the other, and what side by side: a tree of series and parallels.

A part of a series is one that every path passes through. What lies between two such parts falls into branches, each a
series again. What is neither (paths that cross) is a tangle, which is left to Graphviz. Arrows that leap over parts of
a series run in a lane beside it, and so pull nothing out of its line.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from render.diagram import Cluster, Diagram
from render.places.links import Link, Links, Names
from render.places.parts import Branch, Framed, Lane, Parallel, Part, Series, Single, Tangle, Wire, hanging_end

# Rounds in which skips that fit no lane become arrows like all others; after them, all do.
_ROUNDS = 6


def structure(diagram: Diagram) -> Series:
    """The whole diagram as a series."""
    lanes = {index for index, arrow in enumerate(diagram.arrows) if arrow.role == "skip"}
    lanes |= Links(diagram, lanes).side_doors(diagram)
    for _ in range(_ROUNDS):
        whole = _Builder(diagram, lanes).series_of("")
        unfit = _give_lanes(whole, diagram, lanes)
        if not unfit:
            return whole
        lanes -= unfit
    return _Builder(diagram, set()).series_of("")


# From the item at one place to that at another; the link, or None for what stands first or last in the picture.
_Span: TypeAlias = tuple[int, int, Link | None]


class _Builder:
    """A diagram, and which of its arrows run in lanes."""

    def __init__(self, diagram: Diagram, lanes: set[int]) -> None:
        self.boxes = {each.name: each for each in diagram.boxes}
        self.clusters = {each.name: each for each in diagram.clusters}
        self.links = Links(diagram, lanes)

    def series_of(self, region: str) -> Series:
        """What stands in a region, "" for the whole picture."""
        return self._series(self.links.items[region], self.links.inside[region])

    def _part(self, name: str) -> Single | Framed:
        if name in self.links.items:
            return Framed(self.clusters[name], self.series_of(name))
        return Single(self.boxes[name])

    def _series(self, items: Names, links: Sequence[Link]) -> Series:
        """links: those with an end among the items; the other end may lie before all of them or behind them."""
        place = {name: index for index, name in enumerate(items)}
        spans: list[_Span] = [(place.get(each.source, -1), place.get(each.target, len(items)), each) for each in links]
        spans += [(-1, place[name], None) for name in items if name in self.links.starts]
        spans += [(place[name], len(items), None) for name in items if name in self.links.ends]
        over = _passed(len(items), [(low, high) for low, high, _ in spans])
        alone = [index for index, name in enumerate(items) if not over[index] and name not in self.links.loose]
        gaps: dict[int, list[Link]] = {}
        for _, high, each in spans:
            if each is not None:  # it passes nothing that stands alone, so it belongs to one gap
                gaps.setdefault(bisect_left(alone, high), []).append(each)
        parts: list[Part] = []
        edges: list[int] = []  # the index of the first item of each part
        for gap, (start, end) in enumerate(zip([0, *(each + 1 for each in alone)], [*alone, len(items)], strict=True)):
            if start < end:
                parts.append(self._between(items[start:end], gaps.get(gap, [])))
                edges.append(start)
            if end < len(items):
                parts.append(self._part(items[end]))
                edges.append(end)
        return Series(tuple(parts), tuple(_joints(edges, spans)))

    def _between(self, items: Names, links: list[Link]) -> Part:
        """What lies between two parts of a series: it falls into branches, or is a tangle."""
        inside = set(items)
        touching = [each for each in links if each.source in inside or each.target in inside]
        wires = [each for each in links if each.source not in inside and each.target not in inside]
        groups = _components(items, touching)
        if len(groups) == 1 and not wires:
            return self._tangle(items, touching)
        branches = [self._branch(names, touching) for names in groups]
        branches += [Branch(Wire(), (each.arrow,), (each.arrow,)) for each in wires]
        return Parallel(tuple(branches))

    def _branch(self, names: Names, links: list[Link]) -> Branch:
        inside = set(names)
        own = [each for each in links if each.source in inside or each.target in inside]
        return Branch(self._series(names, own), *_through(inside, own))

    def _tangle(self, items: Names, links: Sequence[Link]) -> Tangle:
        parts: dict[str, Single | Framed] = {}
        frames: dict[str, Cluster] = {}
        around: dict[str, str] = {}
        waiting = [("", name) for name in items]
        for frame, name in waiting:  # grows while it is read
            around[name] = frame
            if name in self.links.loose:
                frames[name] = self.clusters[name]
                waiting += [(name, inner) for inner in self.links.items[name]]
            else:
                parts[name] = self._part(name)
        enters, leaves = _through(set(items), links)
        found = dict.fromkeys(each.arrow for name in ("", *frames) for each in self._within(name, items, links))
        outside = {*enters, *leaves}
        return Tangle(parts, around, frames, tuple(each for each in found if each not in outside), enters, leaves)

    def _within(self, frame: str, items: Names, links: Sequence[Link]) -> Iterable[Link]:
        return self.links.inside[frame] if frame else links


def _passed(count: int, spans: Iterable[tuple[int, int]]) -> list[int]:
    """How many spans each of the places 0 to count - 1 lies strictly within."""
    change = [0] * (count + 2)
    for low, high in spans:
        if high > low + 1:
            change[low + 1] += 1
            change[high] -= 1
    total, passed = 0, []
    for index in range(count):
        total += change[index]
        passed.append(total)
    return passed


def _joints(edges: list[int], spans: list[_Span]) -> Iterator[tuple[int, ...]]:
    """The arrows over each border between parts. Links are few there, but many in all: one sweep."""
    borders = edges[1:]
    found: list[list[int]] = [[] for _ in borders]
    for low, high, link in spans:
        if link is not None:
            for index in range(bisect_right(borders, low), bisect_right(borders, high)):
                found[index].append(link.arrow)
    return (tuple(each) for each in found)


def _components(names: Names, links: list[Link]) -> list[Names]:
    """The names in groups that no link joins, in the order in which each first stands."""
    leader = {name: name for name in names}

    def lead(name: str) -> str:
        while leader[name] != name:
            leader[name] = leader[leader[name]]
            name = leader[name]
        return name

    for each in links:
        if each.source in leader and each.target in leader:
            leader[lead(each.target)] = lead(each.source)
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(lead(name), []).append(name)
    return list(groups.values())


def _through(inside: set[str], links: Iterable[Link]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The arrows that come into a set of items, and those that leave it."""
    enters = [each.arrow for each in links if each.source not in inside]
    leaves = [each.arrow for each in links if each.target not in inside]
    return tuple(dict.fromkeys(enters)), tuple(dict.fromkeys(leaves))


def _give_lanes(whole: Series, diagram: Diagram, lanes: set[int]) -> set[int]:
    """Each skip to the series that it runs beside; back come those for which there is none. Where a lane cannot reach
    its target, others may find their way once it is an arrow like all others, so that those come back alone."""
    ways = dict(_ways(whole, ()))
    lost = {each for each in lanes if diagram.arrows[each].target not in ways}
    if lost:
        return lost
    unfit = set()
    for index in lanes:
        arrow = diagram.arrows[index]
        source, target = ways.get(arrow.source), ways.get(arrow.target)
        depth = 0
        if source is not None and target is not None:
            while source[depth] == target[depth]:
                depth += 1
            series, first = source[depth]
            _, last = target[depth]
            if first < last:
                series.lanes.append(Lane(index, first, last))
                continue
        unfit.add(index)
    return unfit


_Way: TypeAlias = tuple[tuple[Series, int], ...]


def _ways(series: Series, above: _Way) -> Iterator[tuple[str, _Way]]:
    """For each box from which a lane is reached past nothing else: the parts it stands in, outermost first. Such a box
    stands in nothing but series and frames, or ends a branch that goes on in the lane alone."""
    for index, part in enumerate(series.parts):
        way = (*above, (series, index))
        if isinstance(part, Single):
            yield part.box.name, way
        elif isinstance(part, Framed):
            yield from _ways(part.inside, way)
        elif isinstance(part, Parallel) and (hanging := hanging_end(part)):
            yield hanging, way
