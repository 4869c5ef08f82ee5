"""The catalogue's records: what a type is called, what it takes, and what it is for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED: Final = _Required()

Role: TypeAlias = Literal["module", "function", "method", "optimizer", "scheduler", "settings"]
Passing: TypeAlias = Literal["name", "keyword", "position", "spread"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One argument: its name, its type in the grammar of `dsl.catalogue.types`, and PyTorch's default.

    passing: "name" takes its name or its place; "position" only its place (the equation of einsum); "keyword", of a
        tensor, only its name (the rtol of matrix_rank; what is no tensor is always handed over by name); "spread" takes
        each tensor of a sequence as a positional argument of its own (the operands of einsum, the tensors of meshgrid).
    """

    name: str
    type: str  # "int", "int | int[2]", "float | none", "'zeros' | 'reflect'", "tensor", "tensors", "dtype", "any" ...
    default: object = REQUIRED
    passing: Passing = "name"

    @property
    def required(self) -> bool:
        return self.default is REQUIRED

    @property
    def takes_tensor(self) -> bool:
        return any(part.strip() in ("tensor", "tensors") for part in self.type.split("|"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A layer type, a function, an optimizer, a scheduler, or a class of settings that a type takes
    (LinearCrossEntropyOptions).

    parameters: for a function all arguments, tensors included, in order; for the others the constructor's arguments
        (without `params` and `optimizer`).
    inputs: what a module's `forward` takes, in order; for a function the tensors among its parameters.
    inferred: constructor arguments that may be left out because the input tells them (`in_channels`).
    overloads: a function's further signatures, tried in order after `parameters` (torch.mean has two).
    more: the type of keyword arguments of any further name (the sizes of axes that a pattern names); "": it takes none.
    kind: what it is for, one of builder.graph.KINDS.
    """

    name: str
    target: str
    role: Role
    kind: str
    parameters: tuple[Parameter, ...]
    inputs: tuple[Parameter, ...] = ()
    inferred: tuple[str, ...] = ()
    overloads: tuple[tuple[Parameter, ...], ...] = ()
    more: str = ""

    def parameter(self, name: str) -> Parameter:
        """The parameter of this name, in the first signature that has it; KeyError if none does."""
        for signature in (self.parameters, *self.overloads):
            for each in signature:
                if each.name == name:
                    return each
        raise KeyError(name)

    def accepts(self, name: str) -> bool:
        return any(each.name == name for signature in (self.parameters, *self.overloads) for each in signature)

    @property
    def argument_names(self) -> tuple[str, ...]:
        """Every argument name of every signature, once, in order."""
        return tuple(dict.fromkeys(each.name for s in (self.parameters, *self.overloads) for each in s))
