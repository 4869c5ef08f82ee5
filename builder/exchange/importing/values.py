"""What stands in a record for tensors and for sizes that are not fixed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, TypeAlias

import torch

_OURS = __name__.rpartition(".")[0]
Dim: TypeAlias = "int | Vary"


@dataclass(frozen=True, slots=True)
class Ref:
    """A tensor of the record, by its number in the order of first sight. One that was changed in place gets a new
    number."""

    number: int


@dataclass(frozen=True, slots=True)
class Vary:
    """A number that was another one in each recording: it hangs on the sizes of the inputs."""

    values: tuple[Any, ...]


@dataclass(slots=True)
class Known:
    """What is known of a tensor. origin: "input", "parameter" or "buffer", whose name is `name`; "call" where a layer
    makes it; "constant" where nothing that was recorded does. hangs: its numbers hang on those of the inputs."""

    shape: tuple[Any, ...]
    dtype: str
    origin: str
    name: str = ""
    hangs: bool = False
    tensor: torch.Tensor | None = None


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """The same structure of lists, tuples and dicts with each leaf changed. Records of torch's own (`ModelOutput`,
    named tuples) become dicts and tuples."""
    if isinstance(value, torch.Size):
        return [change(each) for each in value]
    if type(value).__module__ == "torch.return_types":
        return {key: mapped(each, change) for key, each in zip(type(value).__match_args__, value, strict=False)}
    if isinstance(value, (list, tuple)):
        return type_of_sequence(value)(mapped(each, change) for each in value)
    if isinstance(value, dict):
        return {key: mapped(each, change) for key, each in value.items()}
    if is_dataclass(value) and not isinstance(value, type) and not type(value).__module__.startswith(_OURS):
        return {each.name: mapped(getattr(value, each.name), change) for each in fields(value)}
    if isinstance(value, slice):
        return slice(mapped(value.start, change), mapped(value.stop, change), mapped(value.step, change))
    return change(value)


def type_of_sequence(value: Any) -> type[Any]:
    return list if isinstance(value, list) else tuple


def leaves(value: Any) -> Iterator[Any]:
    """Every leaf of such a structure in order."""
    found: list[Any] = []
    mapped(value, found.append)
    return iter(found)


def refs(value: Any) -> list[Ref]:
    return [each for each in leaves(value) if isinstance(each, Ref)]


def holds_vary(value: Any) -> bool:
    return any(isinstance(each, Vary) for each in leaves(value))
