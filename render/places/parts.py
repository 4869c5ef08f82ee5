"""The parts that a diagram is made of, for its layout: a tree of series and parallels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from render.diagram import Box, Cluster


@dataclass(frozen=True, slots=True, eq=False)
class Single:
    """One box."""

    box: Box

    def boxes(self) -> Iterator[str]:
        """The name of every box in it."""
        yield self.box.name


@dataclass(frozen=True, slots=True, eq=False)
class Framed:
    """A cluster around a series."""

    cluster: Cluster
    inside: Series

    def boxes(self) -> Iterator[str]:
        return self.inside.boxes()


@dataclass(frozen=True, slots=True, eq=False)
class Wire:
    """Nothing but an arrow on its way past the branches beside it."""

    def boxes(self) -> Iterator[str]:
        return iter(())


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """enters, leaves: the arrows (as indices into the diagram's) that come from before and go on behind it."""

    what: Series | Wire
    enters: tuple[int, ...]
    leaves: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Parallel:
    branches: tuple[Branch, ...]

    def boxes(self) -> Iterator[str]:
        return (name for each in self.branches for name in each.what.boxes())


@dataclass(frozen=True, slots=True, eq=False)
class Tangle:
    """For Graphviz. parts: boxes and whole clusters by name; frames: the clusters around some of them, by the name of
    each part or inner frame ("" for none). inner: arrows that stay inside; enters and leaves as of a branch."""

    parts: dict[str, Single | Framed]
    around: dict[str, str]
    frames: dict[str, Cluster]
    inner: tuple[int, ...]
    enters: tuple[int, ...]
    leaves: tuple[int, ...]

    def boxes(self) -> Iterator[str]:
        return (name for each in self.parts.values() for name in each.boxes())


Part: TypeAlias = Single | Framed | Parallel | Tangle


@dataclass(frozen=True, slots=True, eq=False)
class Lane:
    """A skip beside a series, from the part at one index of it to the part at another."""

    arrow: int
    first: int
    last: int


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """joints: between each part and the next, the arrows that go from one to the other or past the place."""

    parts: tuple[Part, ...]
    joints: tuple[tuple[int, ...], ...]
    lanes: list[Lane] = field(default_factory=list)

    def boxes(self) -> Iterator[str]:
        return (name for each in self.parts for name in each.boxes())


def has_tangle(part: Series | Wire | Part) -> bool:
    """Whether any part in it needs Graphviz."""
    if isinstance(part, Series):
        return any(map(has_tangle, part.parts))
    if isinstance(part, Parallel):
        return any(has_tangle(each.what) for each in part.branches)
    return isinstance(part, Tangle) or (isinstance(part, Framed) and has_tangle(part.inside))


def hanging_end(part: Parallel) -> str:
    """The box that ends the one branch from which nothing goes on behind the others; "" for none."""
    ends = [each.what.parts[-1] for each in part.branches if not each.leaves and isinstance(each.what, Series)]
    if len(ends) == 1 and isinstance(ends[0], Single) and ends[0].box.kind != "output" and len(part.branches) > 1:
        return ends[0].box.name
    return ""
