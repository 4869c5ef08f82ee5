"""Faults that others hide: what a spec would be told, were its faults repaired as they were most likely meant.

A layer at fault leaves the shapes below it unknown, and what hangs on them unsaid. So the spec is checked again with
each such layer as it may have been meant; where that may be several things, in as many variants. A fault counts if
every variant has it; in the same words, sizes and all, where it is not certain that one variant is right, so that
nothing is told that hangs on a guess. Nothing of this is built: it only adds to the faults of a spec that has some.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from builder.checking.repairs import Repair, repaired
from dsl.diagnostics import Diagnostic
from dsl.records import Block, Layer, Spec
from dsl.source import key_text

_MOST_ROUNDS: Final = 8
_MOST_LAYERS: Final = 5_000  # of a spec that is checked again, which takes as long each time
_OF_SHAPES: Final = ("shape", "free")
_INSIDE: Final = re.compile(r"[.\[]")


def hidden(
    spec: Spec, told: Sequence[Diagnostic], check: Callable[[Spec], Sequence[Diagnostic]]
) -> Sequence[Diagnostic]:
    """What is wrong with a spec besides what has been told of it. check: everything that can be told of a spec."""
    layers = {key_text(each.place.path): each for each in _all_layers(spec)}
    if len(layers) > _MOST_LAYERS:
        return ()
    search = _Search(spec, list(told), layers)
    for _ in range(_MOST_ROUNDS):
        if not search.repair():
            break
        search.add([check(each) for each in search.variants()])
    return search.found[len(told) :]


@dataclass(slots=True)
class _Search:
    """found: all faults so far. layers: of the spec as it is written, by key. repairs: those in place, by the layer's
    key; given_up: layers that have none. changed: whether the next variants differ from the last."""

    spec: Spec
    found: list[Diagnostic]
    layers: Mapping[str, Layer]
    repairs: dict[str, Repair]
    given_up: set[str]
    changed: bool

    def __init__(self, spec: Spec, found: list[Diagnostic], layers: Mapping[str, Layer]) -> None:
        self.spec, self.found, self.layers = spec, found, layers
        self.repairs, self.given_up, self.changed = {}, set(), False

    def repair(self) -> bool:
        """Repair the layers with faults that are new. Gives whether there is anything to check again."""
        at_fault: dict[str, list[Diagnostic]] = {}
        for each in self.found:
            key = self._owner(each.key)
            if key is not None and key not in self.repairs and key not in self.given_up:
                at_fault.setdefault(key, []).append(each)
        for key, faults in at_fault.items():
            repair = repaired(self.layers[key], key, faults)
            if repair is None:
                self.given_up.add(key)
            else:
                self.repairs[key], self.changed = repair, True
        return self.changed and bool(self.repairs)

    def variants(self) -> list[Spec]:
        """The spec with the repairs in place, each time with other ones."""
        count = max(len(each.layers) for each in self.repairs.values())
        return [_with(self.spec, {key: each.at(i) for key, each in self.repairs.items()}) for i in range(count)]

    def add(self, several: Sequence[Sequence[Diagnostic]]) -> None:
        """What the variants have in common is told, unless a repair turned out not to fit where it stands."""
        self.changed = False
        exactly = not all(each.certain for each in self.repairs.values())
        shared = set.intersection(*({_identity(each, exactly) for each in faults} for faults in several))
        common = [each for each in several[0] if _identity(each, exactly) in shared]
        owners = [{self._owner(each.key) for each in faults} for faults in several]
        for key in list(self.repairs):
            failing = {i for i, owned in enumerate(owners) if key in owned}
            unfit = {i for i in failing if any(each.code not in _OF_SHAPES and self._owner(each.key) == key
                                               for each in several[i])}  # fmt: skip
            if failing and not unfit:
                self._add_its_own(key, [each for each in common if self._owner(each.key) == key])
            if failing:
                self._take_back(key, unfit or failing)
        if not self.changed:
            told = {self._owner(each.key) or each.key for each in self.found}
            self.found += [each for each in common if (self._owner(each.key) or each.key) not in told]
            self._go_on(several, set.intersection(*owners) - told - {self._owner(each.key) for each in common})

    def _go_on(self, several: Sequence[Sequence[Diagnostic]], unsure: set[str | None]) -> None:
        """Repair layers whose faults hang on a guess too, each variant's in its own way, and say nothing of them."""
        for key in unsure - {None, *self.repairs} - self.given_up:
            assert key is not None
            own = [[each for each in faults if self._owner(each.key) == key] for faults in several]
            found = [repaired(self.layers[key], key, faults) for faults in own]
            if all(found):
                layers = [each.at(index) for index, each in enumerate(found) if each is not None]
                self.repairs[key], self.changed = Repair(tuple(layers), certain=False), True
            else:
                self.given_up.add(key)

    def _add_its_own(self, key: str, common: Sequence[Diagnostic]) -> None:
        """What else is wrong with a repaired layer: that what it reads does not fit, whichever repair it gets."""
        repair, told = self.repairs[key], {(each.key, each.code) for each in self.found}
        if len(repair.layers) == 1 or not repair.certain:
            self.found += [each for each in common if (each.key, each.code) not in told]

    def _take_back(self, key: str, failing: set[int]) -> None:
        """Of what may have been meant, leave out what does not fit; a guess that does not is given up."""
        repair = self.repairs.pop(key)
        left = repair.without(failing) if repair.certain else None
        if left is not None:
            self.repairs[key] = left
        else:
            self.given_up.add(key)
        self.changed = True

    def _owner(self, key: str) -> str | None:
        """The key of the innermost layer that holds a key."""
        ends = [match.start() for match in _INSIDE.finditer(key)]
        return next((key[:end] for end in (len(key), *reversed(ends)) if key[:end] in self.layers), None)


def _identity(each: Diagnostic, exactly: bool) -> object:
    return each if exactly else (each.file, each.key, each.code)


def _bodies(spec: Spec) -> Iterator[Block]:
    yield spec.model
    yield from (each.body for each in spec.blocks.values())
    yield from (each.block for each in spec.losses)
    if spec.data is not None and spec.data.prepare is not None:
        yield spec.data.prepare


def _all_layers(spec: Spec) -> Iterator[Layer]:
    for body in _bodies(spec):
        yield from _inside(body)


def _inside(block: Block) -> Iterator[Layer]:
    for each in block.layers:
        yield each
        if each.group is not None:
            yield from _inside(each.group)


def _with(spec: Spec, changed: Mapping[str, Layer]) -> Spec:
    """The spec with other layers in the place of those of these keys."""

    def body(block: Block) -> Block:
        return replace(block, layers=tuple(map(layer, block.layers)))

    def layer(each: Layer) -> Layer:
        each = changed.get(key_text(each.place.path), each)
        return each if each.group is None else replace(each, group=body(each.group))

    data = spec.data
    if data is not None and data.prepare is not None:
        data = replace(data, prepare=body(data.prepare))
    blocks = {name: replace(each, body=body(each.body)) for name, each in spec.blocks.items()}
    losses = tuple(replace(each, block=body(each.block)) for each in spec.losses)
    return replace(spec, model=body(spec.model), blocks=blocks, losses=losses, data=data)
