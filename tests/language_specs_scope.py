"""What the writer of random specs knows while it writes: results by their width, names in sight, what can be called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Table = dict[str, Any]


class NothingFitsError(Exception):
    """The writer has led itself to where nothing legal can follow; another seed may not."""


@dataclass(eq=False)
class Result:
    """What a layer gives: a tensor of this width (of one dimension where `flat`), or several results by name."""

    width: int = 0
    flat: bool = False
    parts: dict[str, Result] | None = None
    tuple: bool = False

    def fits(self, other: Result) -> bool:
        if self.parts is None or other.parts is None:
            return self.parts is other.parts and (self.width, self.flat) == (other.width, other.flat)
        return self.tuple == other.tuple and list(self.parts) == list(other.parts) and all(
            mine.fits(theirs) for mine, theirs in zip(self.parts.values(), other.parts.values(), strict=True)
        )  # fmt: skip

    def all(self) -> Iterator[Result]:
        yield self
        for each in (self.parts or {}).values():
            yield from each.all()

    def anew(self, handed: Mapping[Result, Result] | None = None) -> Result:
        """The result of another call. handed: what is fed now to inputs that may be handed through."""
        if handed and self in handed:
            return handed[self]
        parts = None if self.parts is None else {key: each.anew(handed) for key, each in self.parts.items()}
        return Result(self.width, self.flat, parts, self.tuple)


@dataclass(eq=False)
class Entry:
    """Something with a name. inputs: what a call of it takes, None where it cannot be called again.

    weights: its own parameters' shapes. captures: the scopes whose results it reads by name.
    """

    result: Result
    inputs: list[Result] | None = None
    names: list[str] | None = None
    parts: dict[str, Entry] = field(default_factory=dict)
    weights: dict[str, tuple[int, ...]] = field(default_factory=dict)
    captures: set[Any] = field(default_factory=set)
    shared: bool = False

    def held(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """The parameters of this and of all inside."""
        if not self.shared:
            yield from self.weights.items()
            for each in self.parts.values():
                yield from each.held()


@dataclass(eq=False)
class Scope:
    outer: Scope | None = None
    host: Scope | None = None
    entries: dict[str, Entry] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    forbidden: set[int] = field(default_factory=set)  # results that a repeated group's first copy reads
    numbers: dict[str, Any] = field(default_factory=dict)  # params whose values are the same in every call
    params: set[str] = field(default_factory=set)  # those that differ: "flag", "times", "mid", "act"
    counted: bool = False  # `i` can be asked
    previous: Result | None = None
    captures: set[Any] = field(default_factory=set)
    count: int = 0
    uncertain: bool = False  # how many entries there are differs between calls of the block

    def root(self) -> Scope:
        return self.host.root() if self.host else self

    def around(self) -> Iterator[Scope]:
        yield self
        if self.outer:
            yield from self.outer.around()

    def enter(self, name: str, entry: Entry, counts: int = 1) -> None:
        self.entries[name] = entry
        if self.host:
            self.host.enter(name, entry, counts)
        else:
            self.count += counts


def picks_of(name: str, result: Result) -> Iterator[tuple[str, Result]]:
    yield name, result
    for key, part in (result.parts or {}).items():
        yield from picks_of(f"{name}.{key}", part)


def can_be_spelled(ref: str) -> bool:
    return all(part.isidentifier() for part in ref.split("."))
