"""The arrows of a diagram as each region sees them: from item to item, where an item is a box or an inner cluster."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from render.diagram import Diagram

Names: TypeAlias = list[str]
OUTSIDE = "\n"  # no name of a box has one


@dataclass(frozen=True, slots=True)
class Link:
    """arrow: its index in the diagram. source or target is OUTSIDE where the arrow enters or leaves the region."""

    source: str
    target: str
    arrow: int


class Links:
    """By region, "" for the picture: its items in an order that follows the arrows, and the arrows between them.

    loose: the clusters that arrows enter or leave at several boxes. starts, ends: the boxes that stand first and last
    for a reader, whatever else stands beside them: inputs, and outputs of what nothing else reads.
    """

    def __init__(self, diagram: Diagram, without: set[int]) -> None:
        self.parents = {each.name: each.parent for each in diagram.clusters}
        self.regions = {each.name: each.cluster for each in diagram.boxes}
        self.inside: dict[str, list[Link]] = {name: [] for name in ["", *self.parents]}
        self.loose: set[str] = set()
        self._doors: dict[str, list[int]] = {}
        self._find(diagram, without)
        self.items = self._items(diagram)
        self.starts = {each.name for each in diagram.boxes if each.kind == "input"}
        self.ends = {each.name for each in diagram.boxes if each.kind == "output"} - self._aside(diagram)

    def _find(self, diagram: Diagram, without: set[int]) -> None:
        entered: dict[str, str] = {}
        left: dict[str, str] = {}
        for index, arrow in enumerate(diagram.arrows):
            if index in without:
                continue
            source, target = self._chain(arrow.source), self._chain(arrow.target)
            while len(source) > 1 and len(target) > 1 and source[-2] == target[-2]:
                source.pop()
                target.pop()
            self.inside[source[-1]].append(Link(source[-2], target[-2], index))
            for item, region in pairwise(source[:-1]):
                self.inside[region].append(Link(item, OUTSIDE, index))
                if left.setdefault(region, arrow.source) != arrow.source:
                    self.loose.add(region)
            for item, region in pairwise(target[:-1]):
                self.inside[region].append(Link(OUTSIDE, item, index))
                self._doors.setdefault(region, []).append(index)
                if entered.setdefault(region, arrow.target) != arrow.target:
                    self.loose.add(region)

    def side_doors(self, diagram: Diagram) -> set[int]:
        """The arrows that enter a cluster elsewhere than the one that has come the longest way."""
        depth = _depths(diagram)
        found: set[int] = set()
        for region in self.loose:
            doors = self._doors.get(region, [])
            if doors:
                main = max(doors, key=lambda index: (depth[diagram.arrows[index].source], -index))
                found |= {each for each in doors if diagram.arrows[each].target != diagram.arrows[main].target}
        return found

    def _chain(self, box: str) -> list[str]:
        """The box, the clusters around it from the innermost to the outermost, and the picture."""
        chain = [box, self.regions[box]]
        while chain[-1]:
            chain.append(self.parents[chain[-1]])
        return chain

    def _items(self, diagram: Diagram) -> dict[str, Names]:
        """In the order of the spec, with what reads nothing just before its first reader."""
        place = self._places(diagram)
        items: dict[str, Names] = {name: [] for name in self.inside}
        for name, region in [*self.regions.items(), *self.parents.items()]:
            items[region].append(name)
        return {
            region: _downstream(sorted(names, key=place.__getitem__), self.inside[region])
            for region, names in items.items()
        }

    def _places(self, diagram: Diagram) -> dict[str, float]:
        """Of boxes by the spec; of a cluster that of its first box."""
        place = {each.name: float(index) for index, each in enumerate(diagram.boxes)}
        aside = self._aside(diagram)
        targets: dict[str, Names] = {}
        for arrow in diagram.arrows:
            targets.setdefault(arrow.source, []).append(arrow.target)
            if arrow.target in aside:
                place[arrow.target] = place[arrow.source] + 0.1
        reading = {each.target for each in diagram.arrows}
        dots = [each.name for each in diagram.boxes if each.form == "dot"]
        free = [each.name for each in diagram.boxes if each.name not in reading and each.kind != "input"]
        # Inner dots were found last; what reads nothing may be read at a dot.
        moved = dict.fromkeys(name for name in [*reversed(dots), *free] if name in targets)
        place |= {name: float("inf") for name in self.parents}
        for name in self.regions:
            for around in self._chain(name)[1:-1] if name not in moved else []:
                place[around] = min(place[around], place[name])
        for name in moved:
            place[name] = min(place[self._item(each, self.regions[name])] for each in targets[name]) - 0.5
        return place

    def _item(self, box: str, region: str) -> str:
        """What stands in a region and holds a box, or the outermost there is around it."""
        chain = self._chain(box)
        return chain[chain.index(region) - 1] if region in chain[1:] else chain[-2]

    def _aside(self, diagram: Diagram) -> set[str]:
        """The outputs of what is read further on, which stand beside the way there."""
        readers: dict[str, int] = {}
        for arrow in diagram.arrows:
            readers[arrow.source] = readers.get(arrow.source, 0) + 1
        outputs = {each.name for each in diagram.boxes if each.kind == "output"}
        return {each.target for each in diagram.arrows if each.target in outputs and readers[each.source] > 1}


def _depths(diagram: Diagram) -> dict[str, int]:
    """By box, how many boxes lie before it on the longest way there."""
    depth = {each.name: 0 for each in diagram.boxes}
    after: dict[str, Names] = {}
    waiting = dict.fromkeys(depth, 0)
    for arrow in diagram.arrows:
        after.setdefault(arrow.source, []).append(arrow.target)
        waiting[arrow.target] += 1
    ready = [name for name, count in waiting.items() if count == 0]
    for name in ready:  # grows while it is read
        for target in after.get(name, []):
            depth[target] = max(depth[target], depth[name] + 1)
            waiting[target] -= 1
            if waiting[target] == 0:
                ready.append(target)
    return depth


def _downstream(names: Names, links: list[Link]) -> Names:
    """The names so that arrows go onwards: the order given, but for those that come before what they read."""
    at = {name: index for index, name in enumerate(names)}
    inner = [each for each in links if each.source in at and each.target in at]
    if all(at[each.source] < at[each.target] for each in inner):
        return names
    waiting = dict.fromkeys(names, 0)
    after: dict[str, Names] = {}
    for each in inner:
        waiting[each.target] += 1
        after.setdefault(each.source, []).append(each.target)
    order: Names = []
    while waiting:
        # Where arrows go in a circle, as in no model but in a picture of two, the first stands first.
        name = next((each for each, count in waiting.items() if count <= 0), next(iter(waiting)))
        del waiting[name]
        order.append(name)
        for target in after.get(name, []):
            if target in waiting:
                waiting[target] -= 1
    return order
