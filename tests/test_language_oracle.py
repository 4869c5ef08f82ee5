"""The language held against a second interpreter of it, over random specs that are legal by its page."""

from __future__ import annotations

import copy
import json
import tomllib
from typing import Any

import pytest
import torch
from language_oracle import Oracle
from language_specs import Writer
from torch import Tensor, nn

import builder
import dsl
from builder import graph as contract
from builder.codegen import class_name, source_of


def written(value: Any) -> str:
    """A value as TOML in one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {written(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    return json.dumps(value)


def text_of(spec: dict[str, Any]) -> str:
    lines = [f"name = {written(spec['name'])}", f"vars = {written(spec['vars'])}"]
    for name, block in [*((f"blocks.{each}", table) for each, table in spec["blocks"].items()), ("model", spec["model"])]:
        lines.append(f"\n[{name}]")
        lines += [f"{key} = {written(value)}" for key, value in block.items() if key != "layers"]
        lines += ["layers = [", *(f"  {written(layer)}," for layer in block["layers"]), "]"]
    return "\n".join(lines) + "\n"


def flat(value: Any) -> list[Tensor]:
    if isinstance(value, dict):
        return flat(list(value.values()))
    return [value] if isinstance(value, Tensor) else [part for each in value for part in flat(each)]


def form(value: Any) -> Any:
    """Whether a result is one tensor, a tuple or a dict, however deep."""
    if isinstance(value, dict):
        return {key: form(each) for key, each in value.items()}
    return [form(each) for each in value] if isinstance(value, list | tuple) else list(value.shape)


def sized(shape: Any, sizes: dict[str, int]) -> Any:
    """A shape of the graph with numbers for its free sizes."""
    if isinstance(shape, dict):
        return {key: sized(each, sizes) for key, each in shape.items()}
    if isinstance(shape, list):
        return [sized(each, sizes) for each in shape]
    return eval(shape, {}, sizes) if isinstance(shape, str) else shape


def held(text: str, seed: int = 0) -> None:
    """Everything that the language promises of this spec, by the oracle."""
    tables = tomllib.loads(text)
    graph = builder.elaborate(dsl.loads(text))
    module = builder.build(graph, device="cpu")
    inputs = tables["model"]["inputs"]
    torch.manual_seed(seed)
    given = {name: torch.randn(3, shape[1]) for name, shape in inputs.items()}
    started = dict(module.state_dict())
    oracle = Oracle(tables, started, training=True)
    oracle.run(given)
    assert list(started) == oracle.keys == list(contract.state(graph))
    for key, number in oracle.starts.items():
        if key not in oracle.ties and key not in oracle.ties.values():
            assert torch.equal(started[key], torch.full_like(started[key], number)), key
    for key, path in oracle.ties.items():
        if key in started:
            assert module.get_parameter(key) is module.get_parameter(path), key
    trains = {key: each.requires_grad for key, each in module.named_parameters()}
    loose = {key for pair in oracle.ties.items() for key in pair}
    assert {key for key, each in trains.items() if not each} - loose == oracle.frozen - loose
    compare(graph, module, tables, given)


def compare(graph: Any, module: nn.Module, tables: dict[str, Any], given: dict[str, Tensor]) -> None:
    state = dict(module.state_dict())
    for each in state.values():
        each.copy_(torch.randn(each.shape))
    namespace: dict[str, Any] = {"__name__": "alone"}
    exec(source_of(graph), namespace)
    alone = namespace[class_name(graph)]()
    alone.load_state_dict(state, strict=True)
    shapes = {each.name: each.shape for each in contract.layers(graph)}
    for training in (True, False):
        oracle = Oracle(tables, state, training)
        expected = oracle.run(given)
        for each in (module, copy.deepcopy(module), alone):
            found = each.train(training)(*given.values())
            assert form(found) == form(expected)
            for mine, theirs in zip(flat(found), flat(expected), strict=True):
                assert torch.equal(mine, theirs) or torch.allclose(mine, theirs, atol=1e-6, equal_nan=True)
        for name, result in oracle.shapes.items():
            if name in shapes and training:
                assert sized(shapes[name], {"N": 3}) == form(result), name


@pytest.mark.parametrize("seed", range(300))
def test_legal_specs(seed: int) -> None:
    held(text_of(Writer(seed).spec()))
