"""Inputs to try a built model on, in sizes that it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from builder.exchange.errors import ExportError
from dsl.records import Input, Spec

_SIZES = (
    32,
    64,
    128,
    224,
    256,
    16,
    8,
)  # of free sizes but the batch, as they are tried; 1 is a size of its own for torch


def free_sizes(spec: Spec) -> list[str]:
    """The names of the free sizes, the batch's first."""
    return list(dict.fromkeys(size for each in _tensors(spec) for size in each.shape or () if isinstance(size, str)))


def tried(model: nn.Module, spec: Spec) -> list[tuple[Tensor, ...]]:
    """Two sets of inputs that the model takes, of two sizes of all that is free; of one, where it takes no other.

    Values are drawn from the spec's declarations, floats from the standard normal. Raises ExportError where no size
    that was tried is taken.
    """
    names = free_sizes(spec)
    found: list[tuple[Tensor, ...]] = []
    for sizes in _candidates(names):
        inputs = _drawn(spec, sizes)
        if _takes(model, inputs):
            found.append(inputs)
        if len(found) == 2 or not names:
            return found
    if not found:
        raise ExportError(f"the model takes no inputs of the sizes that were tried for {', '.join(names)}: {_SIZES}")
    return found


def _candidates(names: list[str]) -> Iterator[Mapping[str, int]]:
    """Sizes to try, the batch 2 and then 3."""
    batches = iter((2, 3, *range(4, 20)))
    for size in _SIZES if len(names) > 1 else (1, 1):
        yield {name: next(batches) if index == 0 else size for index, name in enumerate(names)}


def _drawn(spec: Spec, sizes: Mapping[str, int]) -> tuple[Tensor, ...]:
    random = torch.Generator().manual_seed(0)
    return tuple(_tensor(each, sizes, random) for each in _tensors(spec))


def _tensor(declared: Input, sizes: Mapping[str, int], random: torch.Generator) -> Tensor:
    shape = [sizes[each] if isinstance(each, str) else each for each in declared.shape or ()]
    dtype: torch.dtype = getattr(torch, declared.dtype)
    if dtype == torch.bool:
        return torch.randint(2, shape, generator=random).bool()
    if dtype.is_floating_point or dtype.is_complex:
        return torch.randn(shape, generator=random).to(dtype)
    return torch.randint(declared.low or 0, declared.high or 2, shape, generator=random).to(dtype)


def _takes(model: nn.Module, inputs: tuple[Tensor, ...]) -> bool:
    try:
        with torch.no_grad():
            model(*inputs)
    except (ValueError, RuntimeError, IndexError):  # sizes that do not fit it
        return False
    return True


def _tensors(spec: Spec) -> list[Input]:
    if any(each.options for each in spec.model.inputs or ()):
        raise ExportError("an input of the model is a choice, which a traced program cannot have")
    return list(spec.model.inputs or ())
