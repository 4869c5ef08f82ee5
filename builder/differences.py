"""What a comparison of two models tells."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same. what: "type", "shape", "parameters", "input" ... or an argument's name."""

    what: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A layer, an input or an output that is "added", "removed" or "changed".

    name: in the new model, of what was removed in the old; `*` stands for every copy of a repeat, "" is the whole
    model. type: of a group the block's name or "group". layers: how many there are in it. parameters: numbers, without
    those of ties. line: in the file of the model that the name is from.
    """

    kind: str
    name: str
    type: str
    layers: int = 1
    shape: Any = None
    parameters: int = 0
    line: int = 0
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """totals: of parameters, of those that train, of multiply-adds at batch 1, where they differ. keys: modules with
    parameters whose name in the state dict is another one (old, new), which by itself is no difference of the model."""

    inputs: tuple[Change, ...]
    layers: tuple[Change, ...]
    outputs: tuple[Change, ...]
    totals: tuple[Difference, ...]
    keys: tuple[tuple[str, str], ...]

    @property
    def same(self) -> bool:
        return not (self.inputs or self.layers or self.outputs or self.totals)


def told_once(changes: Sequence[Change], copies: Mapping[str, int]) -> tuple[Change, ...]:
    """The changes, each that is the same in all copies of a repeat once: `h.*.mlp`. Inner repeats come first."""
    for repeat, count in reversed(list(copies.items())):
        keys = [_in_any_copy(each, repeat) for each in changes]
        counts = Counter(keys)
        told: dict[str, Change] = {}
        for each, key in zip(changes, keys, strict=True):
            in_all = key and counts[key] == count
            told.setdefault(key if in_all else repr(each), _starred(each, repeat) if in_all else each)
        changes = list(told.values())
    return tuple(changes)


def _in_any_copy(change: Change, repeat: str) -> str:
    """Words that are the same for the same change in any copy; "" for what lies elsewhere."""
    starred = _starred(change, repeat)
    if starred.name == change.name:
        return ""
    number = change.name[len(repeat) + 1 :].partition(".")[0]
    return repr(starred).replace(f"{repeat}.{number}.", f"{repeat}.*.")


def _starred(change: Change, repeat: str) -> Change:
    name = re.sub(rf"^{re.escape(repeat)}\.\d+(?=\.|$)", lambda _: f"{repeat}.*", change.name)
    return replace(change, name=name)
