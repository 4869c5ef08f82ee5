"""Specs made wrong, or at least other, by a seed: a legal one with a few things in it changed."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from typing import Any

ABSURD: list[Any] = [
    -1, 0, 1, 2, 10**9, 2**70, 1.5, -0.0, float("inf"), float("nan"), True, False, "", "0", "1", "x", "y", "x.0", "..",
    "x.weight", "a.b.c", "0.0", "0.weight", "${", "${}", "${x}", "${i}", "${none}", "${x.shape}", "${x.shape[9]}",
    "${1 / 0}", "${rest}", "${two}", "${[1, 2]}", "${x + 1}", "${x.shape[0]}", "é", "self", "type", "train", "class",
    "Linear", "relu", "Block0", "nope", [], {}, [[]], [{}], ["x"], ["x", "x"], [["x", "x"]], ["x", ["x", "x"]], ["y"],
    {"type": "Linear"}, {"x": "x"}, {"": ""}, {"type": "normal_"}, {"weight": "0.weight"}, {"weight": 1},
    {"tensor": [1]}, {"input": "x"},
]  # fmt: skip
KEYS = [
    "type", "name", "input", "layers", "inputs", "outputs", "share", "value", "repeat", "parallel", "when", "tie",
    "init", "freeze", "train_only", "args", "bias", "out_features", "other", "dim", "shape", "params", "defaults",
    "extra",
]  # fmt: skip
Holder = dict[str, Any] | list[Any]


def mutated(spec: dict[str, Any], seed: int) -> dict[str, Any]:
    draw, changed = random.Random(seed), copy.deepcopy(spec)
    for _ in range(draw.choice([1, 1, 1, 2, 3])):
        places = list(_places(changed))
        if places:
            draw.choice(_CHANGES)(draw, changed, places)
    return changed


def _places(value: Any) -> Iterator[tuple[Holder, Any]]:
    """(holder, key or index) of everything in the blocks and the model."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


def _drop(draw: random.Random, spec: dict[str, Any], places: list[tuple[Holder, Any]]) -> None:
    holder, key = draw.choice(places)
    del holder[key]


def _absurd(draw: random.Random, spec: dict[str, Any], places: list[tuple[Holder, Any]]) -> None:
    holder, key = draw.choice(places)
    holder[key] = copy.deepcopy(draw.choice(ABSURD))


def _swap(draw: random.Random, spec: dict[str, Any], places: list[tuple[Holder, Any]]) -> None:
    """Put what stands in one place in another too, as a name read where another is, a layer twice."""
    (source, at), (holder, key) = draw.choice(places), draw.choice(places)
    holder[key] = copy.deepcopy(source[at])


def _alike(draw: random.Random, spec: dict[str, Any], places: list[tuple[Holder, Any]]) -> None:
    """Exchange two values of the same key."""
    holder, key = draw.choice(places)
    alike = [(each, at) for each, at in places if at == key and each is not holder]
    if alike:
        other, at = draw.choice(alike)
        holder[key], other[at] = copy.deepcopy(other[at]), copy.deepcopy(holder[key])


def _more(draw: random.Random, spec: dict[str, Any], places: list[tuple[Holder, Any]]) -> None:
    """A key more in a table: one of the language's, with a value from another place or an absurd one."""
    tables = [holder for holder, _ in places if isinstance(holder, dict)]
    key = draw.choice(KEYS)
    alike = [holder[at] for holder, at in places if at == key]
    draw.choice(tables)[key] = copy.deepcopy(draw.choice(alike if alike and draw.random() < 0.6 else ABSURD))


def _move(draw: random.Random, spec: dict[str, Any], places: list[tuple[Holder, Any]]) -> None:
    """A layer elsewhere."""
    arrays = [holder[at] for holder, at in places if at == "layers" and isinstance(holder[at], list)]
    filled = [each for each in arrays if each]
    if filled:
        source, target = draw.choice(filled), draw.choice(arrays)
        layer = source.pop(draw.randrange(len(source)))
        target.insert(draw.randint(0, len(target)), copy.deepcopy(layer))


def _deeper(draw: random.Random, spec: dict[str, Any], places: list[tuple[Holder, Any]]) -> None:
    """A layer in a group, in a group."""
    layers = [(holder, at) for holder, at in places if isinstance(at, int) and isinstance(holder[at], dict)]
    if layers:
        holder, at = draw.choice(layers)
        name = draw.choice([{}, {"name": ""}, {"repeat": 2}, {"inputs": ["x"]}, {"name": "deep"}])
        for _ in range(draw.choice([1, 1, 2, 5])):
            holder[at] = {**name, "layers": [holder[at]]}


_CHANGES: list[Callable[[random.Random, dict[str, Any], list[tuple[Holder, Any]]], None]] = [
    _drop, _drop, _absurd, _absurd, _swap, _alike, _alike, _more, _more, _move, _move, _deeper,
]  # fmt: skip
