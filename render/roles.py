"""Which arrows are the main path, which are branches, and which leap over boxes that another path goes through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias

Role: TypeAlias = Literal["spine", "branch", "skip"]

_STEPS: Final = 1_000_000  # of searching for other ways, which in nearly all models are told without any


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One arrow to be: from box to box, with the shape of the tensor that goes there.

    news: the shape is worth telling: it comes from an input, it changed in the source, or it crosses a region's edge.
    """

    source: str
    target: str
    shape: Any
    news: bool
    role: Role = "branch"


def with_roles(ways: list[Route]) -> list[Route]:
    """The spine joins each box with the deepest one before and the longest way after it; the rest are branches, or
    skips where another path leads to the same place."""
    paths = _Paths(ways)
    spine = {
        (way.source, way.target)
        for way in ways
        if paths.onward[way.source] == way.target and paths.inward[way.target] == way.source
    }
    return [replace(way, role=_role(way, spine, paths)) for way in ways]


def _role(way: Route, spine: set[tuple[str, str]], paths: _Paths) -> Role:
    if (way.source, way.target) in spine:
        return "spine"
    return "skip" if paths.leaps(way.source, way.target) else "branch"


class _Paths:
    """depth: of each box, the longest way to it. onward: the box after it from which the longest way goes on; inward:
    the deepest box before it."""

    def __init__(self, ways: list[Route]) -> None:
        self.after: dict[str, list[str]] = {}
        self.before: dict[str, list[str]] = {}
        for way in ways:
            self.after.setdefault(way.source, []).append(way.target)
            self.before.setdefault(way.target, []).append(way.source)
            self.after.setdefault(way.target, [])
            self.before.setdefault(way.source, [])
        order = _topological(self.after)
        self.depth = _lengths(order, self.before)
        height = _lengths(order[::-1], self.after)
        self.onward = {name: max(ends, key=height.__getitem__) for name, ends in self.after.items() if ends}
        self.inward = {name: max(ends, key=self.depth.__getitem__) for name, ends in self.before.items() if ends}
        self._first = _Tree(order, self.inward)
        self._last = _Tree(order[::-1], self.onward)
        self._steps = _STEPS

    def leaps(self, source: str, target: str) -> bool:
        """Whether another way leads from the box to the target too, over other boxes."""
        if len(self.after[source]) == 1 or len(self.before[target]) == 1:
            return False
        if self.inward[target] != source and self._first.holds(source, target):
            return True
        if self.onward[source] != target and self._last.holds(target, source):
            return True
        return self._searched(source, target)

    def _searched(self, source: str, target: str) -> bool:
        """All ways back from the target, as far as is left of the steps that one picture takes."""
        met = {target}
        waiting = [each for each in self.before[target] if each != source]
        while waiting and self._steps:
            self._steps -= 1
            name = waiting.pop()
            if name == source:
                return True
            if name not in met and self.depth[name] > self.depth[source]:
                met.add(name)
                waiting += self.before[name]
        return False


class _Tree:
    """Every box below another one, so that it is told at once whether one lies anywhere below the other."""

    def __init__(self, order: list[str], above: Mapping[str, str]) -> None:
        below: dict[str, list[str]] = {}
        for name in order:
            below.setdefault(above.get(name, ""), []).append(name)
        self._begin: dict[str, int] = {}
        self._end: dict[str, int] = {}
        waiting = [(name, False) for name in below.get("", [])]
        while waiting:
            name, done = waiting.pop()
            if done:
                self._end[name] = len(self._begin)
            else:
                self._begin[name] = len(self._begin)
                waiting += [(name, True), *((each, False) for each in below.get(name, []))]

    def holds(self, upper: str, lower: str) -> bool:
        return self._begin[upper] < self._begin[lower] < self._end[upper]


def _lengths(order: list[str], before: Mapping[str, list[str]]) -> dict[str, int]:
    """Of each, the longest way to it from where there is nothing before."""
    found: dict[str, int] = {}
    for name in order:
        found[name] = max((found[each] + 1 for each in before[name]), default=0)
    return found


def _topological(after: Mapping[str, list[str]]) -> list[str]:
    waiting = dict.fromkeys(after, 0)
    for targets in after.values():
        for each in targets:
            waiting[each] += 1
    order = [name for name, count in waiting.items() if count == 0]
    for name in order:  # grows while it is read
        for each in after[name]:
            waiting[each] -= 1
            if waiting[each] == 0:
                order.append(each)
    return order
