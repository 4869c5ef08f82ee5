"""A sample's spec is checked, built and run beside torch itself: shapes, state and results must be the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import torch
from torch import nn
from torch_samples import Sample, Unsayable, Written, written

import dsl
from builder.building import elaborate, module_of
from builder.graph import Node
from builder.graph import node as node_of
from dsl.diagnostics import SpecError

# LAPACK gives other last digits from call to call, as the tensors lie in memory.
_UNREPEATABLE = ("torch.linalg.lstsq",)
EMPTY = "a size of 0, which a spec does not have"
# What torch runs on a GPU alone while it trains.
_EVALUATED = ("torch.nn.SyncBatchNorm",)


def compare_or_leave(sample: Sample) -> None:
    """`compare`, but what only a size of 0 makes fail is left out: a spec has no such size."""
    try:
        compare(sample)
    except (SpecError, AssertionError) as error:
        if not has_empty(sample):
            raise
        raise Unsayable(EMPTY) from error


def has_empty(sample: Sample) -> bool:
    """Whether anything that is fed, or the result, has a dim of 0."""
    fed = [each for each in leaves(list(sample.given.values())) if isinstance(each, torch.Tensor)]
    result = _run(lambda each: sample.run(None, True, each), {}, None, True) if sample.make is None else []
    return any(0 in each.shape for each in (*fed, *leaves(result)) if isinstance(each, torch.Tensor))


def compare(sample: Sample) -> Written:
    """Hold one sample against torch in training and in evaluation. AssertionError, or SpecError, where they differ."""
    modes = (False,) if sample.target in _EVALUATED else (True, False)
    spec = written(sample)
    graph = elaborate(dsl.loads(spec.text))
    checks = not any(0 in each.shape for each in spec.fed.values())  # a free size is 1 or more in what is told
    node, built = node_of(graph, "layer"), module_of(graph, checks=checks)
    reference = _reference(sample)
    for training in modes:
        _same_weights(built, reference)
        expected = _run(partial(sample.run, reference, training), spec.fed, reference, training)
        found = _run(lambda fed: built(**fed), spec.fed, built, training)
        _assert_same(list(leaves(found)), list(leaves(expected)), exactly=sample.target not in _UNREPEATABLE)
        _same_state(built, reference)
        _told(node, expected, reference)
    return spec


def leaves(value: Any) -> Iterator[torch.Tensor | None]:
    """The tensors of a result in order, None among them."""
    if isinstance(value, torch.Tensor) or not isinstance(value, (dict, list, tuple)):
        yield value if isinstance(value, torch.Tensor) else None
    else:
        for each in value.values() if isinstance(value, dict) else value:
            yield from leaves(each)


def told(value: Any) -> Any:
    """Shape and dtype as a node tells them: lists where there are several results, tables where they have names."""
    if isinstance(value, torch.Tensor):
        return list(value.shape), str(value.dtype).removeprefix("torch.")
    if value is None:
        return None, None
    names = _field_names(value)
    several = [told(each) for each in value]
    if names:
        shapes = dict(zip(names, (shape for shape, _ in several), strict=True))
        return shapes, dict(zip(names, (dtype for _, dtype in several), strict=True))
    return [shape for shape, _ in several], [dtype for _, dtype in several]


def _field_names(value: Any) -> tuple[str, ...]:
    if hasattr(value, "_fields"):
        return tuple(value._fields)
    named = type(value).__module__ == "torch.return_types"
    return tuple(type(value).__match_args__) if named else ()


def _reference(sample: Sample) -> nn.Module | None:
    torch.default_generator.manual_seed(0)
    return sample.make() if sample.make else None


def _run(call: Any, fed: Mapping[str, torch.Tensor], module: nn.Module | None, training: bool) -> Any:
    if module is not None:
        module.train(training)
    torch.default_generator.manual_seed(1)
    with torch.no_grad():
        return call({name: each.clone() for name, each in fed.items()})


def _same_weights(built: nn.Module, reference: nn.Module | None) -> None:
    state = reference.state_dict() if reference is not None else {}
    built.load_state_dict({f"layer.{key}": value for key, value in state.items()}, strict=True)
    keys = [f"layer.{key}" for key in state]
    assert list(built.state_dict()) == keys, (list(built.state_dict()), keys)


def _same_state(built: nn.Module, reference: nn.Module | None) -> None:
    if reference is not None:
        _assert_same(list(built.state_dict().values()), list(reference.state_dict().values()))


def _assert_same(found: list[Any], expected: list[Any], exactly: bool = True) -> None:
    assert len(found) == len(expected), f"{len(found)} results, not {len(expected)}"
    for a, b in zip(found, expected, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            assert (a.dtype, a.shape) == (b.dtype, b.shape), f"{a.dtype} {a.shape}, not {b.dtype} {b.shape}"
            same = ((a == b) | ((a != a) & (b != b))).all() if exactly else torch.allclose(a, b, rtol=1e-4, atol=1e-5)
            assert bool(same), "the numbers differ"


def _told(node: Node, expected: Any, reference: nn.Module | None) -> None:
    """What the node says of its result, its parameters and its buffers."""
    shape, dtype = told(expected)
    assert dtype == node.dtype, f"told {node.dtype}, is {dtype}"
    if not _is_free(node.shape):
        assert shape == node.shape, f"told {node.shape}, is {shape}"
    if reference is not None:
        parameters = {key: list(each.shape) for key, each in reference.named_parameters()}
        state = {key: list(each.shape) for key, each in reference.state_dict().items()}
        assert node.parameters == parameters, f"told {node.parameters}, has {parameters}"
        assert list(node.parameters) == list(parameters)
        assert node.buffers == {key: each for key, each in state.items() if key not in parameters}


def _is_free(shape: Any) -> bool:
    """Whether a free size (a dim of 0 in the sample) is in it."""
    return "Empty" in str(shape)
