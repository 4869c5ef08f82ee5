"""Shapes over named sizes against torch: dims of a sample get names, and what is told must hold for their numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import networkx
import torch
from torch_comparison import told
from torch_samples import Sample, written

import dsl
from builder.building import elaborate
from builder.graph import node as node_of
from dsl.diagnostics import SpecError

_REFUSALS = (RuntimeError, ValueError, IndexError, TypeError, AssertionError)
Names = Mapping[tuple[str, int], str]  # input and dim -> name


@dataclass(frozen=True, kw_only=True)
class Named:
    """A sample with names in place of some sizes, as it was elaborated."""

    sample: Sample
    fed: Mapping[str, torch.Tensor]
    names: Names
    graph: networkx.DiGraph[str]

    def numbers(self) -> dict[str, int]:
        """The sample's own number for each name."""
        return {word: self.fed[name].shape[dim] for (name, dim), word in self.names.items()}


def free_dims(sample: Sample, dims: int) -> list[int]:
    """Which of the first tensor's first dims may be free sizes, each alone and all together.

    AssertionError where what is told then is wrong: at the sample's own numbers, or at others that the model's
    conditions allow. A dim whose own number the conditions exclude (squeeze of a 1) does not count.
    """
    fed = written(sample).fed
    first = next(iter(fed.values()), torch.empty(()))
    found = []
    for dim in range(min(dims, first.dim())):
        one = _first_that_fits(sample, fed, _alike(fed, {dim: "N"}))
        if one is not None and _agrees(one, [1, 2]):
            found.append(dim)
    together = _first_that_fits(sample, fed, _alike(fed, {dim: f"S{dim}" for dim in found})) if len(found) > 1 else None
    if together is not None:
        _agrees(together, [3, 2])
    return found


def _first_that_fits(sample: Sample, fed: Mapping[str, torch.Tensor], tried: Iterator[Names]) -> Named | None:
    for names in tried:
        try:
            graph = elaborate(dsl.loads(written(sample, names).text))
        except SpecError:
            continue
        return Named(sample=sample, fed=fed, names=names, graph=graph)
    return None


def _alike(fed: Mapping[str, torch.Tensor], words: Mapping[int, str]) -> Iterator[Names]:
    """All inputs' dims of the same place and size as the first input's; then the first input's alone."""
    first = next(iter(fed), "")
    sizes = {dim: fed[first].shape[dim] for dim in words}
    if any(size == 0 for size in sizes.values()):
        return
    alike = {
        (name, dim): words[dim]
        for name, each in fed.items()
        for dim, size in sizes.items()
        if each.dim() > dim and each.shape[dim] == size
    }
    alone = {(first, dim): word for dim, word in words.items()}
    yield from [alike, alone] if alike != alone else [alone]


def _agrees(named: Named, further: list[int]) -> bool:
    """Whether the sample's own numbers are allowed; these and larger ones, where allowed, are held against torch."""
    own = named.numbers()
    for more in further:
        _holds_at(named, {name: size + more * (index + 1) for index, (name, size) in enumerate(own.items())})
    return _holds_at(named, own)


def _holds_at(named: Named, numbers: Mapping[str, int]) -> bool:
    """Run the sample with other numbers in the named dims; False where the conditions exclude them."""
    known = {**numbers, "Empty": 0}
    if not all(eval(text, {}, dict(known)) for text in named.graph.graph["conditions"]):
        return False
    fed = {name: _resized(each, name, named.names, numbers) for name, each in named.fed.items()}
    module = named.sample.make().eval() if named.sample.make else None
    try:
        with torch.no_grad():
            result = named.sample.run(module, False, fed)
    except _REFUSALS as reason:
        raise AssertionError(f"nothing excludes {dict(numbers)}, but torch says: {str(reason)[:200]}") from reason
    node = node_of(named.graph, "layer")
    expected = at(node.shape, known), node.dtype
    assert told(result) == expected, f"at {dict(numbers)}: told {node.shape} {node.dtype}, is {told(result)}"
    return True


def at(shape: Any, numbers: Mapping[str, int]) -> Any:
    """A told shape with numbers in place of names."""
    if isinstance(shape, list):
        return [at(each, numbers) for each in shape]
    if isinstance(shape, dict):
        return {key: at(each, numbers) for key, each in shape.items()}
    return eval(shape, {}, dict(numbers)) if isinstance(shape, str) else shape


def _resized(tensor: torch.Tensor, input_name: str, names: Names, numbers: Mapping[str, int]) -> torch.Tensor:
    """The tensor with so many places in its named dims, its own ones over again."""
    for (name, dim), word in names.items():
        if name == input_name:
            tensor = tensor.index_select(dim, torch.arange(numbers[word]) % tensor.shape[dim])
    return tensor.clone()
