"""Shapes over named sizes against torch: a dim of a sample gets a name, and what is told must hold for its numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch_comparison import told
from torch_samples import Sample, written

import dsl
from builder.building import elaborate
from builder.graph import Node
from builder.graph import node as node_of
from dsl.diagnostics import SpecError

_REFUSALS = (RuntimeError, ValueError, IndexError, TypeError, AssertionError)


def agree(sample: Sample, dim: int) -> str:
    """Whether dim `dim` of the first tensor may be a free size: "free"; "fixed"; or "excluded", where what holds for
    a free size does not hold at the sample's own number (squeeze of a 1). AssertionError where what is told is wrong.

    Tried at the sample's own number, and at others where the model's conditions allow them.
    """
    fed = written(sample).fed
    for names in _namings(fed, dim):
        size = next(fed[name].shape[dim] for name, _ in names)
        try:
            graph = elaborate(dsl.loads(written(sample, names).text))
        except SpecError:
            continue
        node, conditions = node_of(graph, "layer"), graph.graph["conditions"]
        tried = [_holds_at(sample, fed, names, number, node, conditions) for number in (size, size + 1, size * 2)]
        return "free" if tried[0] else "excluded"
    return "fixed"


def _namings(fed: Mapping[str, torch.Tensor], dim: int) -> Iterator[dict[tuple[str, int], str]]:
    """The first input's dim alone; then all inputs' dims of that place and size."""
    names = list(fed)
    if not names or fed[names[0]].dim() <= dim or fed[names[0]].shape[dim] == 0:
        return
    size = fed[names[0]].shape[dim]
    alike = [name for name in names if fed[name].dim() > dim and fed[name].shape[dim] == size]
    if len(alike) > 1:
        yield {(name, dim): "N" for name in alike}
    yield {(names[0], dim): "N"}


def _holds_at(
    sample: Sample,
    fed: Mapping[str, torch.Tensor],
    names: Mapping[tuple[str, int], str],
    number: int,
    node: Node,
    conditions: list[str],
) -> bool:
    """Run the sample with `number` in the named dims; False where the conditions exclude the number."""
    if not all(eval(text, {}, {"N": number, "Empty": 0}) for text in conditions):
        return False
    resized = {name: _resized(each, [d for n, d in names if n == name], number) for name, each in fed.items()}
    module = sample.make().eval() if sample.make else None
    try:
        with torch.no_grad():
            result = sample.run(module, False, resized)
    except _REFUSALS as reason:
        raise AssertionError(f"nothing excludes N = {number}, but torch says: {str(reason)[:200]}") from reason
    expected = at(node.shape, number), node.dtype
    assert told(result) == expected, f"at N = {number}: told {node.shape} {node.dtype}, is {told(result)}"
    return True


def at(shape: Any, number: int) -> Any:
    """A told shape with the number in place of the name."""
    if isinstance(shape, list):
        return [at(each, number) for each in shape]
    if isinstance(shape, dict):
        return {key: at(each, number) for key, each in shape.items()}
    return eval(shape, {}, {"N": number, "Empty": 0}) if isinstance(shape, str) else shape


def _resized(tensor: torch.Tensor, dims: list[int], number: int) -> torch.Tensor:
    """The tensor with so many places in these dims, its own ones over again."""
    for dim in dims:
        tensor = tensor.index_select(dim, torch.arange(number) % tensor.shape[dim])
    return tensor.clone()
