"""Every spec in the repository is read, elaborated, built and run, and does what its graph says."""

from __future__ import annotations

import itertools
import json
import tomllib
from pathlib import Path
from typing import Any

import networkx
import pytest
import torch
from torch import nn

import builder
import dsl
from builder import graph as contract
from builder.building import module_of
from builder.codegen import source_of
from builder.commands import reporting
from dsl.records import Input

FOLDER = Path(__file__).parent.parent / "specs"
SPECS = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.toml"))
LOSSES = (
    "BCE", "CrossEntropy", "L1", "MSE", "SmoothL1", "PoissonNLL", "KLDiv", "MarginRanking", "MultiLabelMargin",
    "SoftMargin", "MultiMargin", "TripletMargin", "HingeEmbedding", "CosineEmbedding", "CTC",
)  # fmt: skip
FREE = {"N": 3, "H": 32, "W": 48}  # what free sizes are in these tests; others are as the spec's data says

LARGE = 1_000_000  # parameters


def test_the_systems_of_the_tutorial_are_all_there() -> None:
    models = ("mlp", "mean_subtract", "list_dense", "dict_dense", "conv2d", "max_pool", "avg_pool", "lenet", "alexnet")
    assert {f"{name}.toml" for name in models} <= set(SPECS)
    used = [dsl.load(path).losses[0].block.layers[0].type for path in sorted((FOLDER / "losses").glob("*.toml"))]
    assert sorted(map(str, used)) == sorted(f"{name}Loss" for name in LOSSES)


@pytest.mark.parametrize("name", SPECS)
def test_is_toml_1_0_and_opens_with_what_it_shows(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert tomllib.loads(text)["model"]["layers"]  # Python's own reader knows no TOML 1.1
    schema, shown, *_ = text.splitlines()
    assert schema.startswith("#:schema ")
    assert shown.startswith("# ")


@pytest.mark.parametrize("name", SPECS)
def test_the_module_is_what_the_graph_says(name: str) -> None:
    graph = elaborated(name)
    with torch.device("meta"):  # keys and shapes alone
        module = module_of(graph)
    state = {key: list(tensor.shape) for key, tensor in module.state_dict().items()}
    assert contract.state(graph) == state
    assert list(contract.state(graph)) == list(state)
    assert parameters(graph) == sum(each.numel() for each in module.parameters())  # a tied one counts once


@pytest.mark.parametrize("name", SPECS)
def test_results_have_the_shapes_of_the_graph(name: str) -> None:
    spec = dsl.load(FOLDER / name)
    graph = builder.elaborate(spec)
    names = FREE | dict(spec.data.sizes if spec.data else {})
    outputs = [node for node in contract.nodes(graph) if node.role == "output"]
    with torch.device(device_for(graph)):
        module = module_of(graph).eval()
        inputs = [ways(each, names) for each in spec.model.inputs]
    for values in itertools.product(*inputs):
        with torch.no_grad():
            results = listed(module(*values))
        assert len(results) == len(outputs)
        for node, result in zip(outputs, results, strict=True):
            assert len(result.shape) == len(node.shape)
            assert all(size in lengths(text, names) for size, text in zip(result.shape, node.shape, strict=True))
            assert str(result.dtype) == f"torch.{node.dtype}"


@pytest.mark.parametrize("name", SPECS)
def test_a_model_with_parameters_says_how_it_is_trained(name: str) -> None:
    spec = dsl.load(FOLDER / name)
    has_parameters = parameters(builder.elaborate(spec)) > 0
    assert has_parameters == (spec.optimizer is not None) == (spec.data is not None) == bool(spec.losses)


@pytest.mark.parametrize("name", SPECS)
def test_the_graph_survives_json(name: str) -> None:
    graph = elaborated(name)
    text = json.dumps(networkx.node_link_data(graph, edges="edges"))
    again = networkx.node_link_graph(json.loads(text), edges="edges")
    assert dict(again.nodes(data=True)) == dict(graph.nodes(data=True))
    assert again.graph == graph.graph
    assert source_of(again) == source_of(graph)


@pytest.mark.parametrize("name", SPECS)
def test_is_summed_up(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = reporting.summary(dsl.load(FOLDER / name), "text")
    graph = elaborated(name)
    assert told["parameters"] == parameters(graph)
    printed = capsys.readouterr().out
    assert all(node.name in printed for node in contract.layers(graph))
    assert "?" not in printed


def elaborated(name: str) -> networkx.DiGraph[str]:
    graph: networkx.DiGraph[str] = builder.elaborate(dsl.load(FOLDER / name))
    return graph


def parameters(graph: networkx.DiGraph[str]) -> int:
    return sum(map(contract.parameter_count, contract.nodes(graph)))


def device_for(graph: networkx.DiGraph[str]) -> str:
    """Where a model runs for its shapes alone: a large one without numbers."""
    return "meta" if parameters(graph) > LARGE else "cpu"


def ways(read: Input, names: dict[str, int]) -> list[Any]:
    """Every option of a choice; for a tensor one of its shape, of whole numbers between its bounds."""
    if read.options:
        return list(read.options)
    (shape,) = itertools.product(*(lengths(size, names) for size in read.shape))
    dtype = getattr(torch, read.dtype)
    if dtype.is_floating_point:
        return [torch.randn(shape, dtype=dtype)]
    return [torch.randint(read.low or 0, read.high or 2, shape, dtype=dtype)]


def lengths(size: int | str, names: dict[str, int]) -> list[int]:
    """The whole numbers that a size may mean: several where it hangs on a choice."""
    return [int(eval(part, {"__builtins__": {}}, names)) for part in str(size).split(" | ")]


def listed(result: Any) -> list[torch.Tensor]:
    if isinstance(result, torch.Tensor):
        return [result]
    return list(result.values() if isinstance(result, dict) else result)


def test_a_choice_is_checked_at_each_of_its_options() -> None:
    module: nn.Module = builder.build(FOLDER / "dict_dense.toml", device="cpu")
    x = torch.randn(3, 4)
    widths = [module(x, choice).shape[1] for choice in ("linear1", "linear2", "linear3")]
    assert widths == [4, 1, 2]
