"""Sizes that are not fixed: found by recording the same module in several sizes, and written as sizes of what is in
sight.

A number that comes out another way in another size hangs on it, whichever way Python took to it (`len(x)`, `int(n)`,
`x.shape[1] // 2`): no number has to be followed through the model's code.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from builder.exchange.importing.records import Call, Recording, Scope
from builder.exchange.importing.values import Known, Ref, Vary, mapped

_PARTS = ("args", "kwargs", "result")


class OtherPathError(Exception):
    """In another size the module calls other things. where: the module's path."""

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self.where = where


def merged(recordings: Sequence[Recording]) -> Recording:
    """One recording of several: numbers that are not the same in all become `Vary`."""
    first = recordings[0]
    if len(recordings) == 1:
        return first
    whole = _scope([each.whole for each in recordings])
    known = [_known(several) for several in zip(*(each.known for each in recordings), strict=True)]
    return Recording(whole, known, first.inputs)


def _scope(several: Sequence[Scope]) -> Scope:
    first = several[0]
    if any(len(each.items) != len(first.items) for each in several):
        raise OtherPathError(first.path)
    items: list[Call | Scope] = []
    for group in zip(*(each.items for each in several), strict=True):
        if any(type(each) is not type(group[0]) for each in group):
            raise OtherPathError(first.path)
        items.append(_scope(group) if isinstance(group[0], Scope) else _call(group, first.path))
    args, kwargs, result = (_same([getattr(each, key) for each in several], first.path) for key in _PARTS)
    return Scope(first.path, first.kind, args, kwargs, first.names, items, result, first.spot)


def _call(several: Sequence[Any], where: str) -> Call:
    first = several[0]
    if any((each.target, each.module) != (first.target, first.module) for each in several):
        raise OtherPathError(where)
    args, kwargs, result = (_same([getattr(each, key) for each in several], where) for key in _PARTS)
    return Call(first.target, args, kwargs, result, first.spot, first.module)


def _same(several: Sequence[Any], where: str) -> Any:
    """Values side by side, as one."""
    first = several[0]
    if isinstance(first, torch.Size):
        first = list(first)
    if isinstance(first, (list, tuple)):
        if any(len(each) != len(first) for each in several):
            raise OtherPathError(where)
        made = [_same(each, where) for each in zip(*several, strict=True)]
        return made if isinstance(first, list) else tuple(made)
    if isinstance(first, dict):
        if any(list(each) != list(first) for each in several):
            raise OtherPathError(where)
        return {key: _same([each[key] for each in several], where) for key in first}
    if isinstance(first, slice):
        ends = [_same([getattr(each, end) for each in several], where) for end in ("start", "stop", "step")]
        return slice(*ends)
    if isinstance(first, Ref) or first is None or isinstance(first, (str, torch.dtype)):
        if any(type(each) is not type(first) or each != first for each in several):
            raise OtherPathError(where)
        return first
    if isinstance(first, (bool, int, float)):
        return first if all(each == first and type(each) is type(first) for each in several) else Vary(tuple(several))
    return first


def _known(several: Sequence[Known]) -> Known:
    first = several[0]
    if any(_sort(each) != _sort(first) for each in several):
        raise OtherPathError(first.name)
    shape = tuple(size[0] if len(set(size)) == 1 else Vary(size) for size in
                  zip(*(each.shape for each in several), strict=True))  # fmt: skip
    tensor = first.tensor
    if first.origin == "constant" and any(not _equal(each.tensor, tensor) for each in several):
        raise OtherPathError("a tensor that nothing recorded makes")
    return Known(shape, first.dtype, first.origin, first.name, first.hangs, tensor)


def _sort(known: Known) -> tuple[Any, ...]:
    return known.origin, known.name, known.dtype, len(known.shape)


def _equal(some: torch.Tensor | None, other: torch.Tensor | None) -> bool:
    return some is not None and other is not None and some.shape == other.shape and bool(torch.equal(some, other))


@dataclass(frozen=True, slots=True)
class Dim:
    """One dim of a tensor that stands in sight. of: what the caller knows the tensor by."""

    of: Any
    dim: int
    size: Any


@dataclass(frozen=True, slots=True)
class Formula:
    """Python's text with `_0_`, `_1_` where the dims go."""

    text: str
    dims: tuple[Dim, ...]


def formula(wanted: Vary, dims: Iterable[Dim]) -> Formula | None:
    """The simplest of some forms that gives the number in each recording: a dim, a multiple or a part of one, one with
    a number added, the product of two. None where none does."""
    free = [each for each in dims if isinstance(each.size, Vary)]
    if not all(type(each) is int for each in wanted.values):
        return None
    for find in (_itself, _multiple, _part, _shifted, _product, _affine):
        found = find(wanted.values, free)
        if found is not None:
            return found
    return None


def _itself(wanted: Sequence[Any], free: Sequence[Dim]) -> Formula | None:
    return next((Formula("_0_", (each,)) for each in free if each.size.values == tuple(wanted)), None)


def _multiple(wanted: Sequence[Any], free: Sequence[Dim]) -> Formula | None:
    for each in free:
        factor, rest = divmod(wanted[0], each.size.values[0]) if each.size.values[0] else (0, 1)
        if not rest and factor > 1 and all(factor * a == b for a, b in zip(each.size.values, wanted, strict=True)):
            return Formula(f"{factor} * _0_", (each,))
    return None


def _part(wanted: Sequence[Any], free: Sequence[Dim]) -> Formula | None:
    for each in free:
        for by in range(2, 65):
            if all(a // by == b for a, b in zip(each.size.values, wanted, strict=True)):
                return Formula(f"_0_ // {by}", (each,))
    return None


def _shifted(wanted: Sequence[Any], free: Sequence[Dim]) -> Formula | None:
    for each in free:
        added = wanted[0] - each.size.values[0]
        if isinstance(added, int) and all(a + added == b for a, b in zip(each.size.values, wanted, strict=True)):
            return Formula(f"_0_ {'+' if added > 0 else '-'} {abs(added)}", (each,))
    return None


def _product(wanted: Sequence[Any], free: Sequence[Dim]) -> Formula | None:
    for number, one in enumerate(free):
        for other in free[number:]:
            times = [a * b for a, b in zip(one.size.values, other.size.values, strict=True)]
            factor, rest = divmod(wanted[0], times[0]) if times[0] else (0, 1)
            if not rest and factor and all(factor * a == b for a, b in zip(times, wanted, strict=True)):
                return Formula(f"{factor} * _0_ * _1_" if factor > 1 else "_0_ * _1_", (one, other))
    return None


def _affine(wanted: Sequence[Any], free: Sequence[Dim]) -> Formula | None:
    """A multiple with a number added: 2 * T - 1."""
    for each in free:
        sizes = each.size.values
        pairs = [(a, b) for a, b in zip(sizes, wanted, strict=True) if a != sizes[0]]
        if not pairs:
            continue
        factor, rest = divmod(pairs[0][1] - wanted[0], pairs[0][0] - sizes[0])
        added = wanted[0] - factor * sizes[0]
        if not rest and factor and all(factor * a + added == b for a, b in zip(sizes, wanted, strict=True)):
            sign = f" {'+' if added > 0 else '-'} {abs(added)}" if added else ""
            return Formula(f"{f'{factor} * ' if factor != 1 else ''}_0_{sign}", (each,))
    return None


def vary_of(value: Any) -> list[Vary]:
    found: list[Vary] = []

    def note(each: Any) -> Any:
        if isinstance(each, Vary):
            found.append(each)
        return each

    mapped(value, note)
    return found
