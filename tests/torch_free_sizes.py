"""Shapes over named sizes against torch: a dim of a sample gets a name, and what is told must hold for its numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch_comparison import told
from torch_samples import Sample, written

import dsl
from builder.building import elaborate
from builder.graph import node as node_of
from dsl.diagnostics import SpecError

_REFUSALS = (RuntimeError, ValueError, IndexError, TypeError, AssertionError)


def agree(sample: Sample, dim: int) -> bool:
    """Whether dim `dim` of the first tensor may be a free size; AssertionError where what is told then is wrong.

    Tried at the sample's own number, and at another where the model's conditions allow it.
    """
    fed = written(sample).fed
    for names in _namings(fed, dim):
        size = next(fed[name].shape[dim] for name, _ in names)
        try:
            graph = elaborate(dsl.loads(written(sample, names).text))
        except SpecError:
            continue
        node, conditions = node_of(graph, "layer"), graph.graph["conditions"]
        _holds_at(sample, fed, names, size, node.shape, node.dtype, conditions, must=True)
        for other in (size + 1, size * 2):
            _holds_at(sample, fed, names, other, node.shape, node.dtype, conditions, must=False)
        return True
    return False


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
    shape: Any,
    dtype: Any,
    conditions: list[str],
    must: bool,
) -> None:
    """The sample with `number` in the named dims; must: torch is known to run it, so no condition may exclude it."""
    failed = [text for text in conditions if not eval(text, {}, {"N": number, "Empty": 0})]
    if failed:
        assert not must, f"N = {number} is excluded by {failed}, but torch runs it"
        return
    resized = {name: _resized(each, [d for n, d in names if n == name], number) for name, each in fed.items()}
    module = sample.make() if sample.make else None
    try:
        with torch.no_grad():
            result = sample.run(module, False if module is None else module.eval().training, resized)
    except _REFUSALS as reason:
        raise AssertionError(f"nothing excludes N = {number}, but torch says: {str(reason)[:200]}") from reason
    found = told(result)
    assert found == (at(shape, number), dtype), f"at N = {number}: told {shape} {dtype}, is {found}"


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
