"""The tensors of a run by number, whatever object they are."""

from __future__ import annotations

from typing import Any

import torch

from builder.exchange.importing.errors import ImportingError
from builder.exchange.importing.frames import here
from builder.exchange.importing.records import Scope
from builder.exchange.importing.values import Known, Ref, mapped, refs


class Remembering:
    """known: what is known of each tensor. numbers: of the objects that are alive. stale: by number, where a tensor was
    changed through another name for its memory. scopes: those that are open. inside: of how many modules that are one
    call; what these call is their own."""

    def __init__(self) -> None:
        self.known: list[Known] = []
        self.numbers: dict[int, Ref] = {}
        self.alive: list[torch.Tensor] = []
        self.stale: dict[int, str] = {}
        self.scopes: list[Scope] = []
        self.inside = 0

    def where(self) -> str:
        path = self.scopes[-1].path if self.scopes else ""
        return f"{path or 'the model'} ({here()})"

    def _new(self, tensor: torch.Tensor, origin: str, name: str = "", *, hangs: bool = False) -> Ref:
        number = Ref(len(self.known))
        self.inside += 1  # what is asked here is no call of the model's
        shape, dtype = tuple(map(int, tensor.shape)), str(tensor.dtype).removeprefix("torch.")
        self.inside -= 1
        self.known.append(Known(shape, dtype, origin, name, hangs, tensor))
        self.numbers[id(tensor)] = number
        self.alive.append(tensor)
        return number

    def _read(self, value: Any) -> Any:
        """What stands for a value in the record."""
        if not isinstance(value, torch.Tensor):
            return value
        found = self.numbers.get(id(value))
        if found is None:
            return self._new(value, "constant")
        if found.number in self.stale:
            raise ImportingError(f"{self.where()}: a tensor is read that was changed through another view of memory "
                                 f"({self.stale[found.number]}), which a spec cannot say")  # fmt: skip
        return found

    def _made(self, result: Any, read: Any) -> Any:
        hangs = any(self.known[each.number].hangs for each in refs(read))

        def made(value: Any) -> Any:
            return self._new(value, "call", hangs=hangs) if isinstance(value, torch.Tensor) else value

        return mapped(result, made)

    def _another(self, tensor: torch.Tensor) -> torch.Tensor:
        """The same tensor as another object, to tell it from what was handed in."""
        self.inside += 1
        try:
            found: torch.Tensor = torch.ops.aten.alias(tensor)
        finally:
            self.inside -= 1
        return found

    def _sharing(self, tensor: torch.Tensor) -> dict[int, tuple[torch.Tensor, torch.Tensor]]:
        """The other tensors in the same memory, with what they hold now."""
        memory, found = tensor.untyped_storage().data_ptr(), {}
        for each in self.alive:
            if each is not tensor and each.untyped_storage().data_ptr() == memory and id(each) in self.numbers:
                found[self.numbers[id(each)].number] = (each, each.clone())
        return found
