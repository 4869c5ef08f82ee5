"""Regions that are alike, but for their arguments and for parts that some of them leave out, held side by side."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from builder.codegen.holes import skeleton
from builder.codegen.loops import Line
from builder.codegen.shapes import Typed
from builder.graph import Node, Region

# What hangs on a flag is one module that `__init__` makes and whose calls `forward` leaves out with it.
_PART = re.compile(r"self\.(\w+) = (?!nn\.Parameter)(?:nn\.)?[A-Z_a-z]\w*\(")
_Key: TypeAlias = tuple[object, ...]


@dataclass(slots=True, eq=False)
class Unit:
    """One region as source, its arguments marked (`holes`).

    label: the word for its class, or for the function that makes it. base: what the class derives from; "" of a
    function. made: the lines of `__init__` or of the function, each with all that belongs to it. inputs, results: for
    the docstring. defaults: the texts of arguments that some instance of the block leaves out.
    """

    region: Region
    label: str
    base: str
    made: list[str]
    signature: str = ""
    result: str = ""
    forward: list[Line] = field(default_factory=list)
    inputs: list[tuple[str, Typed]] = field(default_factory=list)
    results: Typed = (None, None, None)
    defaults: dict[str, str] = field(default_factory=dict)

    def outside(self) -> _Key:
        """What units must have in common to be one in any case."""
        return self.label, self.base, self.signature, self.result, tuple(name for name, _ in self.inputs)


@dataclass(slots=True)
class Entry:
    """One line of all units. texts, nodes: by unit, None where one has no such line. flag: the part that it needs."""

    texts: list[str | None]
    nodes: list[Node | None]
    flag: str = ""

    def skeleton(self) -> str:
        return next(skeleton(each) for each in self.texts if each is not None)


@dataclass(slots=True, eq=False)
class Group:
    """Units that are one class, and its lines. flags: the parts that some are without -> which units have them."""

    units: list[Unit]
    made: list[Entry]
    forward: list[Entry]
    flags: dict[str, list[bool]] = field(default_factory=dict)


def grouped(units: Iterable[Unit]) -> list[Group]:
    """Units that are alike, but for their arguments and for parts that some leave out."""
    by_label: dict[_Key, list[Group]] = {}
    for each in map(_group, _alike(units)):
        by_label.setdefault(each.units[0].outside(), []).append(each)
    return [group for each in by_label.values() for group in _with_parts(each)]


def _alike(units: Iterable[Unit]) -> list[list[Unit]]:
    """Units with the same lines, but for their arguments."""
    alike: dict[_Key, list[Unit]] = {}
    for each in units:
        lines = (*map(skeleton, each.made), "", *(skeleton(code) for code, _ in each.forward))
        alike.setdefault((each.outside(), lines), []).append(each)
    return list(alike.values())


def _group(units: list[Unit]) -> Group:
    made = [Entry(list(texts), [None] * len(units)) for texts in zip(*(each.made for each in units), strict=True)]
    forward = [Entry([code for code, _ in lines], [node for _, node in lines])
               for lines in zip(*(each.forward for each in units), strict=True)]  # fmt: skip
    return Group(units, made, forward)


def _with_parts(groups: list[Group]) -> list[Group]:
    """Groups of which one is another without some parts are joined."""
    done: list[Group] = []
    for small in sorted(groups, key=lambda each: len(each.made) + len(each.forward)):
        larger = (each for each in groups if each is not small and each not in done and small not in done)
        if small.flags or not any(_join(small, each) for each in larger):
            continue
        done.append(small)
    return [each for each in groups if each not in done]


def _join(small: Group, large: Group) -> bool:
    """Take the units of a smaller group in, if it is the larger one without some parts."""
    if not small.units[0].base:
        return False
    made, forward = _places(small.made, large.made), _places(small.forward, large.forward)
    if made is None or forward is None:
        return False
    absent = _absent_parts(large, set(made), set(forward))
    if absent is None:
        return False
    count = len(small.units)
    for name in absent | large.flags.keys():
        large.flags[name] = [*large.flags.get(name, [True] * len(large.units)), *[name not in absent] * count]
    _extend(large.made, small.made, made, count)
    _extend(large.forward, small.forward, forward, count)
    for each in (*large.made, *large.forward):
        each.flag = each.flag or next(iter(sorted(_parts(each) & absent)), "")
    large.units += small.units
    return True


def _places(small: Sequence[Entry], large: Sequence[Entry]) -> list[int] | None:
    """Where each line of the smaller one stands in the larger, which has all that it does not leave out."""
    found: list[int] = []
    at = 0
    for each in small:
        while at < len(large) and large[at].skeleton() != each.skeleton():
            at += 1
        if at == len(large):
            return None
        found.append(at)
        at += 1
    return found


def _absent_parts(large: Group, made: set[int], forward: set[int]) -> set[str] | None:
    """The parts that lines are left out with; None where something else is left out too."""
    absent: set[str] = set()
    for index, each in enumerate(large.made):
        part = _PART.match(each.skeleton())
        if index not in made and part is None:
            return None
        if index not in made and part is not None:
            absent.add(part[1])
    for index, each in enumerate(large.forward):
        called = _parts(each) & absent
        if (index not in forward) != bool(called) or len(called) > 1:
            return None
    others = (each for index, each in enumerate(large.made) if index in made)
    return None if any(_parts(each) & absent for each in others) or not absent else absent


def _extend(large: Sequence[Entry], small: Sequence[Entry], places: Sequence[int], count: int) -> None:
    for index, entry in enumerate(large):
        other = small[places.index(index)] if index in places else None
        entry.texts += other.texts if other else [None] * count
        entry.nodes += other.nodes if other else [None] * count


def _parts(entry: Entry) -> set[str]:
    return set(re.findall(r"\bself\.(\w+)", entry.skeleton()))


def apart(group: Group) -> list[Group]:
    """The groups that a group was joined of, or one for each of its units."""
    alike = _alike(group.units)
    parts = alike if len(alike) > 1 else [[each] for each in group.units]
    return [_group(each) for each in parts]
