"""Random changes of a spec's tables, of the kind that a person makes between two saves, and specs to make them in."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any, Final, TypeAlias

Table: TypeAlias = dict[str, Any]
Layers: TypeAlias = list[Any]

# Layers that take any width and keep it.
KEEPING: Final = ("ReLU", "Tanh", "Dropout", "Identity", "LayerNorm", "Softsign")


def edited(spec: Table, draw: random.Random) -> Table:
    """The spec with one change among its model's layers."""
    spec = copy.deepcopy(spec)
    model = spec.get("model")
    layers = model.get("layers") if isinstance(model, dict) else None
    if isinstance(layers, list):
        draw.choice(_EDITS)(layers, draw)
    return spec


def _at(layers: Layers, draw: random.Random) -> int:
    return draw.randrange(len(layers)) if layers else 0


def _drop(layers: Layers, draw: random.Random) -> None:
    if len(layers) > 1:
        del layers[_at(layers, draw)]


def _double(layers: Layers, draw: random.Random) -> None:
    if layers:
        at = _at(layers, draw)
        layers.insert(at, copy.deepcopy(layers[at]))


def _insert(layers: Layers, draw: random.Random) -> None:
    names = [each["name"] for each in layers if isinstance(each, dict) and each.get("name")]
    table: Table = {"type": draw.choice((*KEEPING, "Flatten", "Linear", "ReLu"))}
    if table["type"] == "Linear":
        table["out_features"] = draw.choice((6, 8))
    if draw.random() < 0.3:
        table["name"] = draw.choice(["new", "train", "x", "vars", *names])
    if names and draw.random() < 0.3:
        table["input"] = draw.choice(names)
    layers.insert(draw.randrange(len(layers) + 1), table)


def _swap(layers: Layers, draw: random.Random) -> None:
    at = _at(layers, draw)
    layers[at : at + 2] = reversed(layers[at : at + 2])


def _number(layers: Layers, draw: random.Random) -> None:
    tables = [each for each in layers if isinstance(each, dict) and any(type(value) is int for value in each.values())]
    if tables:
        table = draw.choice(tables)
        key = draw.choice([key for key, value in table.items() if type(value) is int])
        table[key] = draw.choice((*(table[key] + more for more in (-1, 1, 2, 8)), float(table[key]), bool(table[key])))


def _type(layers: Layers, draw: random.Random) -> None:
    tables = [each for each in layers if isinstance(each, dict) and each.get("type") in KEEPING]
    if tables:
        draw.choice(tables)["type"] = draw.choice((*KEEPING, "Conv2d", "block"))


def _name(layers: Layers, draw: random.Random) -> None:
    tables = [each for each in layers if isinstance(each, dict)]
    if not tables:
        return
    table = draw.choice(tables)
    if "name" in table and draw.random() < 0.5:
        del table["name"]
    else:
        table["name"] = draw.choice(["other", "x", "fc", "0", "a", *(each.get("name", "b") for each in tables)])


def _reference(layers: Layers, draw: random.Random) -> None:
    names = [str(each["name"]) for each in layers if isinstance(each, dict) and each.get("name")]
    tables = [each for each in layers if isinstance(each, dict)]
    if tables:
        table = draw.choice(tables)
        if draw.random() < 0.3:
            table.pop("input", None)
        else:
            table["input"] = draw.choice(
                [*names, "x", str(draw.randrange(len(layers))), f"{draw.choice(names or ['x'])}.0"]
            )


def _key(layers: Layers, draw: random.Random) -> None:
    tables = [each for each in layers if isinstance(each, dict)]
    if tables:
        key, value = draw.choice([("freeze", True), ("when", False), ("when", "${1 > 0}"), ("bias", False), ("dim", 1),
                                  ("repeat", 2), ("p", "0.5"), ("inplace", True), ("train_only", True)])  # fmt: skip
        draw.choice(tables)[key] = value


_EDITS: Final[tuple[Callable[[Layers, random.Random], None], ...]] = (
    _drop, _double, _insert, _insert, _swap, _number, _number, _type, _name, _reference, _key,
)  # fmt: skip


def chain(draw: random.Random, length: int) -> Table:
    """A sound spec in which most layers are plain and all tensors have eight features, as far as they are of that kind;
    between them stand layers of every other kind."""
    layers: Layers = [{"type": "Linear", "out_features": 8, "name": "start"}]
    names = ["start"]
    for index in range(length):
        table = draw.choice(_WAYS)(draw, names)
        if draw.random() < 0.4 and "name" not in table:
            table["name"] = f"n{index}"
        layers.append(table)
        if table.get("name") and table.get("type") != "Parameter":
            names.append(table["name"])
    blocks = {
        "block": {"params": ["width"], "layers": [{"type": "Linear", "out_features": "${width}"}, {"type": "ReLU"}]}
    }
    spec: Table = {"name": "Chain", "vars": {"wide": 8, "which": draw.choice(names)}, "blocks": blocks,
                   "model": {"inputs": {"x": ["N", draw.choice(["T", 4]), 8]}, "layers": layers}}  # fmt: skip
    if draw.random() < 0.5:
        chosen = draw.sample(names, min(2, len(names)))
        spec["model"]["outputs"] = draw.choice([chosen, chosen[0], {name + "_out": name for name in chosen}])
    return spec


_WAYS: Final[tuple[Callable[[random.Random, list[str]], Table], ...]] = (
    lambda draw, names: {"type": draw.choice(KEEPING)},
    lambda draw, names: {"type": draw.choice(KEEPING)},
    lambda draw, names: {"type": "Linear", "out_features": 8},
    lambda draw, names: {"type": "Linear", "out_features": "${wide}"},
    lambda draw, names: {"type": "add", "input": draw.choices(names, k=2)},
    lambda draw, names: {"type": "Tanh", "input": draw.choice(names)},
    lambda draw, names: {"type": "Softmax", "dim": -1},
    lambda draw, names: {"type": "block", "width": 8},
    lambda draw, names: {"layers": [{"type": "Linear", "out_features": 8}, {"type": "add", "other": 1}]},
    lambda draw, names: {"layers": [{"type": "ReLU", "input": draw.choice(names)}], "repeat": 2},
    lambda draw, names: {"value": f"${{{draw.choice(names)} + {draw.choice(names)}}}"},
    lambda draw, names: {"share": "start"},
    lambda draw, names: {"type": "Linear", "tie": {"weight": "start.weight"}},
    lambda draw, names: {"type": "ReLU", "input": "${which}"},
    lambda draw, names: {"name": "", "layers": [{"type": "ReLU"}, {"type": "Linear", "out_features": 8}]},
    lambda draw, names: {"type": "Linear", "out_features": 8, "when": draw.random() < 0.5},
)  # fmt: skip
