"""Where layers have names, one more layer among them changes no key of the state dict.

The graph tells the keys; `test_specs.py` holds that they are the module's.
"""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from gallery import FOLDER

import builder
import dsl
from builder import graph as contract
from dsl.formatting import dump_tables

Place = tuple[tuple[str | int, ...], int]


@pytest.mark.parametrize("name", ["resnet18", "googlenet", "unet", "bert_base", "vae", "two_heads"])
def test_an_inserted_layer_changes_no_key(name: str) -> None:
    tables = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    expected = keys(tables)
    places = list(open_places(tables))
    assert len(places) > 5
    for path, index in places:
        assert keys(with_one_more(tables, path, index)) == expected


def keys(tables: dict[str, Any]) -> list[tuple[str, list[int]]]:
    return list(contract.state(builder.elaborate(dsl.loads(dump_tables(tables)))).items())


def open_places(tables: dict[str, Any]) -> Iterator[Place]:
    """Every place between layers of which those that hold something have names."""
    for path in [("model",), *(("blocks", block) for block in tables.get("blocks", {}))]:
        yield from within((*path, "layers"), at(tables, path)["layers"])


def within(path: tuple[str | int, ...], layers: list[dict[str, Any]]) -> Iterator[Place]:
    holding = [each for each in layers if "layers" in each or each.get("type", "value")[0].isupper()]
    if all(each.get("name") for each in holding):
        yield from ((path, index) for index in range(len(layers) + 1))
    for index, each in enumerate(layers):
        if "layers" in each:
            yield from within((*path, index, "layers"), each["layers"])


def at(tables: dict[str, Any], path: tuple[str | int, ...]) -> Any:
    found: Any = tables
    for key in path:
        found = found[key]
    return found


def with_one_more(tables: dict[str, Any], path: tuple[str | int, ...], index: int) -> dict[str, Any]:
    """Tables with a layer put in. It reads what the layer after it says that it reads; the first, its block's input."""
    changed = copy.deepcopy(tables)
    layers, inputs = at(changed, path), list(at(changed, path[: 1 if path[0] == "model" else 2]).get("inputs", []))
    read = layers[index].get("input") if index < len(layers) else None
    first = index == 0 and not any(key for key in path if isinstance(key, int))
    if read is None and first and len(inputs) > 1:
        read = inputs
    if isinstance(read, list):
        read = read[0]
    layers.insert(index, {"type": "Identity"} | ({"input": read} if isinstance(read, str) else {}))
    return changed
