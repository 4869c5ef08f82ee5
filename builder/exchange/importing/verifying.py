"""A spec that was made of a module is held against it: rebuilt with the same weights, run on the same inputs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from builder.building import module_of
from builder.exchange.importing.errors import DiffersError
from builder.exchange.importing.examples import Examples

if TYPE_CHECKING:
    import networkx


def verify(module: nn.Module, graph: networkx.DiGraph[str], examples: Examples) -> nn.Module:
    """The rebuilt module. Raises DiffersError where outputs differ, on the examples or in other sizes, or keys of the
    state dict do."""
    rebuilt = module_of(graph)
    rebuilt.eval()
    _same_keys(module, rebuilt)
    kinds = {each.dtype for each in module.parameters() if each.is_floating_point()}
    rebuilt.to(next(iter(examples.inputs.values())).device, next(iter(kinds)) if len(kinds) == 1 else None)
    rebuilt.load_state_dict(module.state_dict(), assign=True)  # of the module's own dtypes
    sizes = {name: examples.size(name) for name in examples.names()}
    for change in ({}, *({name: size + 1} for name, size in sizes.items() if name == "N")):
        inputs = examples.resized(change)
        _same_outputs(module, rebuilt, inputs, examples)
    return rebuilt


def _same_keys(module: nn.Module, rebuilt: nn.Module) -> None:
    there, here = set(module.state_dict()), set(rebuilt.state_dict())
    if there != here:
        missing = ", ".join(sorted(there - here)[:3])
        more = ", ".join(sorted(here - there)[:3])
        raise DiffersError(f"the state dict differs: missing {missing or 'none'}, more {more or 'none'}")


def _same_outputs(
    module: nn.Module, rebuilt: nn.Module, inputs: Mapping[str, torch.Tensor], examples: Examples
) -> None:
    with torch.no_grad():
        torch.manual_seed(0)
        wanted = tensors(_run(module, inputs, examples))
        torch.manual_seed(0)
        found = tensors(_rebuilt(rebuilt, inputs))
    if len(wanted) != len(found):
        raise DiffersError(f"the module gives {len(wanted)} tensors, the spec {len(found)}")
    for at, (one, other) in enumerate(zip(wanted, found, strict=True)):
        if not _equal(one, other):
            sizes = ", ".join(f"{key} {tuple(each.shape)}" for key, each in inputs.items())
            raise DiffersError(f"output {at} differs on {sizes}: {first_difference(module, rebuilt, inputs, examples)}")


def _rebuilt(rebuilt: nn.Module, inputs: Mapping[str, torch.Tensor]) -> Any:
    try:
        return rebuilt(**inputs)
    except (ValueError, RuntimeError, IndexError) as error:
        words = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DiffersError(f"the spec that was made of it does not run on the examples: {words}") from error


def _run(module: nn.Module, inputs: Mapping[str, torch.Tensor], examples: Examples) -> Any:
    named = {key: each for key, each in inputs.items() if key not in examples.placed}
    return module(*(inputs[key] for key in examples.placed), **named)


def _equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    same = one.shape == other.shape and one.dtype == other.dtype
    return same and bool(torch.equal(torch.nan_to_num(one) if one.is_floating_point() else one,
                                     torch.nan_to_num(other) if other.is_floating_point() else other))  # fmt: skip


def tensors(value: Any) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, Mapping):
        return [each for inner in value.values() for each in tensors(inner)]
    if isinstance(value, (list, tuple)):
        return [each for inner in value for each in tensors(inner)]
    if dataclasses.is_dataclass(value):
        return [each for field in dataclasses.fields(value) for each in tensors(getattr(value, field.name))]
    return []


def first_difference(
    module: nn.Module, rebuilt: nn.Module, inputs: Mapping[str, torch.Tensor], examples: Examples
) -> str:
    """Words for the first module whose output is not the same in both."""
    wanted, found = _seen(module, lambda: _run(module, inputs, examples)), _seen(rebuilt, lambda: rebuilt(**inputs))
    for path, one in wanted.items():
        other = found.get(path)
        if other is not None and not (len(one) == len(other) and all(map(_equal, one, other))):
            return f"the first layer that gives something else is {path}"
    return "no single layer gives something else"


def _seen(module: nn.Module, run: Any) -> dict[str, list[torch.Tensor]]:
    """Outputs of every named module in the order that they came in."""
    found: dict[str, list[torch.Tensor]] = {}

    def noting(path: str) -> Any:
        def note(_: nn.Module, __: Any, result: Any) -> None:
            found.setdefault(path, tensors(result))

        return note

    hooks = [each.register_forward_hook(noting(path)) for path, each in module.named_modules() if path]
    try:
        with torch.no_grad():
            run()
    finally:
        for each in hooks:
            each.remove()
    return found
