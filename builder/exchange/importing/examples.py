"""Example inputs by name, which of their dims are not fixed, and the same examples in other sizes."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from builder.exchange.importing.errors import ImportingError


@dataclass(frozen=True, slots=True)
class Examples:
    """inputs: by the name that `forward` has for each. placed: those that are handed over by place. free: of the dims
    that may have another size, their names: ("image", 0) -> "N"."""

    inputs: Mapping[str, torch.Tensor]
    placed: Sequence[str]
    free: Mapping[tuple[str, int], str]

    def names(self) -> list[str]:
        return list(dict.fromkeys(self.free.values()))

    def size(self, name: str) -> int:
        key, dim = next(each for each, known in self.free.items() if known == name)
        return self.inputs[key].shape[dim]

    def without(self, name: str) -> Examples:
        """The same with the dims of one name fixed."""
        return Examples(self.inputs, self.placed, {key: each for key, each in self.free.items() if each != name})

    def resized(self, sizes: Mapping[str, int]) -> dict[str, torch.Tensor]:
        """The examples with free dims of other sizes: what they hold, in another order, as often as it takes."""
        found = dict(self.inputs)
        for (key, dim), name in self.free.items():
            if name in sizes:
                tensor, size = found[key], self.inputs[key].shape[dim]
                places = [(size - 1 - at) % size if dim == 0 else at % size for at in range(sizes[name])]
                found[key] = tensor.index_select(dim, torch.tensor(places, device=tensor.device))
        return found


def examples_of(module: nn.Module, given: Any, shapes: Mapping[str, Sequence[int | str]] | None) -> Examples:
    """given: a tensor, a tuple of them, or a dict by name. shapes: of inputs, with names for the dims that are free;
    without them the first dim is, and the length of what may be a sequence."""
    inputs, placed = _by_name(module, given)
    if not inputs:
        raise ImportingError("example inputs are needed: at least one tensor")
    for name, each in inputs.items():
        if not isinstance(each, torch.Tensor):
            raise ImportingError(f"the example for `{name}` is not a tensor but {type(each).__name__}")
    unknown = [each for each in shapes or {} if each not in inputs]
    if unknown:
        raise ImportingError(f"there is no example for `{unknown[0]}`; there are {', '.join(inputs)}")
    return Examples(inputs, placed, _declared(inputs, shapes) if shapes else _likely(inputs))


def _by_name(module: nn.Module, given: Any) -> tuple[dict[str, Any], list[str]]:
    if isinstance(given, Mapping):
        return dict(given), []
    several = list(given) if isinstance(given, (list, tuple)) else [given]
    parameters = inspect.signature(module.forward).parameters.values()
    names = [each.name for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    names += [f"x{number}" if number else "x" for number in range(len(several))][len(names) :]
    names = ["x" if each == "self" else each for each in names[: len(several)]]
    return dict(zip(names, several, strict=True)), names


def _declared(
    inputs: Mapping[str, torch.Tensor], shapes: Mapping[str, Sequence[int | str]]
) -> dict[tuple[str, int], str]:
    found: dict[tuple[str, int], str] = {}
    for name, shape in shapes.items():
        if len(shape) != inputs[name].dim():
            raise ImportingError(f"`{name}` has {inputs[name].dim()} dims, but {len(shape)} are named")
        found |= {(name, dim): each for dim, each in enumerate(shape) if isinstance(each, str)}
    return found


def _likely(inputs: Mapping[str, torch.Tensor]) -> dict[tuple[str, int], str]:
    """The batch, and the lengths of sequences: the second dim of whole numbers, and of floats with up to three dims.
    Dims of one size have one name."""
    found: dict[tuple[str, int], str] = {}
    batch = next((each.shape[0] for each in inputs.values() if each.dim()), 0)
    lengths: dict[int, str] = {}
    for name, each in inputs.items():
        if each.dim() and each.shape[0] == batch:
            found[name, 0] = "N"
        if each.dim() in (2, 3) and each.shape[1] > 1:
            known = lengths.setdefault(each.shape[1], "TSUVW"[len(lengths)] if len(lengths) < 5 else f"T{len(lengths)}")
            found[name, 1] = known
    return found
