"""The language held against a second interpreter of it, over random specs that are legal by its page."""

from __future__ import annotations

import copy
import json
import tomllib
from typing import Any

import pytest
import torch
from language_mutations import mutated
from language_oracle import Oracle
from language_specs import Writer
from language_specs_scope import NothingFitsError
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
    return repr(value) if isinstance(value, float) else json.dumps(value)


def text_of(spec: dict[str, Any]) -> str:
    """A spec as TOML, a layer a line; what is no spec at all is written all the same."""
    blocks = spec.get("blocks")
    several = blocks if isinstance(blocks, dict) else {}
    tables = {"model": spec.get("model"), **{f"blocks.{json.dumps(name)}": each for name, each in several.items()}}
    tables = {name: each for name, each in tables.items() if isinstance(each, dict)}
    if len(tables) < len(several) + 1:
        return "\n".join(f"{json.dumps(key)} = {written(value)}" for key, value in spec.items())
    lines = [f"{json.dumps(key)} = {written(value)}" for key, value in spec.items() if key not in ("model", "blocks")]
    for name, table in tables.items():
        layers = table.get("layers")
        lines.append(f"\n[{name}]")
        lines += [f"{json.dumps(key)} = {written(value)}" for key, value in table.items() if key != "layers"]
        if isinstance(layers, list):
            lines += ["layers = [", *(f"  {written(layer)}," for layer in layers), "]"]
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
    given = {name: torch.randn([3 if size == "N" else size for size in shape]) for name, shape in inputs.items()}
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


def legal(seed: int, size: int = 5) -> dict[str, Any]:
    """The legal spec of a seed; of a later one, where the writer led itself astray."""
    while True:
        try:
            return Writer(seed, size).spec()
        except NothingFitsError:
            seed += 10**6


def judged(text: str) -> None:
    """A spec, right or wrong, gives a module that runs, or a SpecError, and nothing else."""
    try:
        graph = builder.elaborate(dsl.loads(text))
    except dsl.SpecError:
        return
    inputs = [each for each in contract.nodes(graph) if each.role == "input"]
    shapes = [[3 if size == "N" else size for size in each.shape or ()] for each in inputs]
    plain = all(isinstance(size, int) for shape in shapes for size in shape) and not graph.graph["conditions"]
    if sum(map(contract.parameter_count, contract.nodes(graph))) < 10**6 and plain and not _is_large(graph):
        module = builder.build(graph, device="cpu")
        assert list(module.state_dict()) == list(contract.state(graph))
        module(*(torch.randn(shape) for shape in shapes))


def _is_large(graph: Any) -> bool:
    return any(isinstance(size, int) and size > 10**4 for each in contract.nodes(graph) for size in each.shape or ())


@pytest.mark.parametrize("seed", range(250))
def test_legal_specs_mean_what_the_oracle_says(seed: int) -> None:
    held(text_of(legal(seed)), seed)


@pytest.mark.parametrize("seed", range(200))
def test_a_spec_with_something_changed_is_right_or_a_fault(seed: int) -> None:
    judged(text_of(mutated(legal(seed, 4), seed)))


@pytest.mark.parametrize(("layers", "depth"), [(400, 1), (20, 20)])
def test_many_layers_and_deep_ones(layers: int, depth: int) -> None:
    inner: dict[str, Any] = {"type": "Linear", "out_features": 4}
    for _ in range(depth):
        inner = {"layers": [inner]}
    held(
        text_of(
            {"name": "Made", "vars": {}, "blocks": {}, "model": {"inputs": {"x": ["N", 4]}, "layers": [inner] * layers}}
        )
    )


@pytest.mark.long
@pytest.mark.parametrize("batch", range(20))
def test_thousands_of_specs(batch: int) -> None:
    """On request: `python -m pytest tests/test_language_oracle.py -m long`, some minutes."""
    for seed in range(1000 + 200 * batch, 1200 + 200 * batch):
        held(text_of(legal(seed, 7)), seed)
        judged(text_of(mutated(legal(seed, 4), seed)))
