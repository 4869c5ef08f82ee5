"""Where a walk is: the block whose layers it reads, what they see, and what came of it so far."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from builder.elaboration.sight import Seen
from builder.graph import Region
from dsl.records import Layer, Place


@dataclass(slots=True)
class Entries:
    """The entries of one module: their names, and how many there are, which is the next one's position.

    unnamed: one of them is a module without a level, whose type the module itself takes on.
    """

    region: Region
    names: set[str] = field(default_factory=set)
    count: int = 0
    unnamed: bool = False


@dataclass(slots=True)
class Frame:
    """One block on the walk.

    prefix: of the nodes' names, "layer1.0."; modules: of the modules' paths, which differ inside a shared call.
    entries: of the module that the block becomes; a block without a level of its own writes into its surroundings'.
    scope: the tensors in sight by name. constants: params, vars and the repeat's `i`, which expressions see first.
    rest: the keys that the block was given and does not name. blocks: the named blocks around, the innermost last.
    shared: the modules inside were made by an earlier layer. layers: those of the block, for what stands later.
    inputs: names of the block's own inputs. prepares: its layers make fields anew, so names may stand twice.
    start: how many entries there were before a named block without a level, which counts its own positions from 0.
    """

    prefix: str
    modules: str
    entries: Entries
    scope: dict[str, Seen]
    constants: Mapping[str, Any]
    layers: Sequence[Layer] = ()
    rest: Mapping[str, tuple[Any, Place]] = field(default_factory=dict)
    blocks: tuple[str, ...] = ()
    frozen: bool = False
    shared: bool = False
    inputs: frozenset[str] = frozenset()
    prepares: bool = False
    start: int = 0

    @property
    def region(self) -> Region:
        return self.entries.region

    def names(self) -> Mapping[str, Any]:
        """What an expression sees: constants hide layers. A view, as there may be thousands of layers."""
        return ChainMap(dict(self.constants), self.scope)

    def see(self, key: str, seen: Seen) -> None:
        """Put a result in sight under the name or the position of its entry."""
        self.scope[str(int(key) - self.start) if key.isdigit() else key] = seen

    def with_constants(self, **more: Any) -> Frame:
        return replace(self, constants={**self.constants, **more})


class Mark(NamedTuple):
    """What there was when a layer of the outermost block had been walked: what it gives, and how many names in sight
    and how many conditions there were."""

    seen: Seen | None
    names: int
    conditions: int


@dataclass(frozen=True, slots=True)
class Course:
    """How the walk over the outermost block went: its frame as it was at the end, a mark for each layer, and all the
    conditions as they were found."""

    frame: Frame
    marks: Sequence[Mark]
    conditions: Sequence[str]


@dataclass(frozen=True, slots=True)
class Feed:
    """What a layer reads: by place, by name, and values that its `input` table holds beside them.

    array: `input` is an array; a function that takes a sequence of tensors then gets all of them as that sequence.
    """

    placed: tuple[Seen, ...] = ()
    named: Mapping[str, Seen] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    array: bool = False

    @property
    def all(self) -> tuple[Seen, ...]:
        return (*self.placed, *self.named.values())

    @property
    def first(self) -> Seen | None:
        return next(iter(self.all), None)

    @property
    def unknown(self) -> bool:
        return any(seen.unknown for seen in self.all)

    def handed(self, first: Seen) -> Feed:
        """The feed of the next copy of a repeat: what the first input was is now the last copy's result."""
        if self.placed:
            return replace(self, placed=(first, *self.placed[1:]))
        named = dict(self.named)
        for key in list(named)[:1]:
            named[key] = first
        return replace(self, named=named)
