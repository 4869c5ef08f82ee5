"""Fields as numpy arrays: what every file reader gives, before torch comes in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy

from builder.data.fields import DataError, FieldType
from dsl.catalogue.suggestions import suggest

Array: TypeAlias = "numpy.ndarray[Any, numpy.dtype[Any]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrays:
    """Fields with their values, one array each, (samples, *shape).

    divisors: fields that are kept as bytes and divided on the way out (images: a quarter of the memory).
    """

    fields: tuple[FieldType, ...]
    values: Mapping[str, Array]
    divisors: Mapping[str, int] = field(default_factory=dict)


def stored_type(name: str, kind: str, itemsize: int, shape: Sequence[int]) -> FieldType | None:
    """The field that an array becomes, from numpy's dtype kind and the array's whole shape: floats are float32,
    integers int64, bytes in three or more dims are images (float32 in [0, 1]). None for what is not numbers."""
    rest = tuple(shape[1:])
    if kind == "b":
        return FieldType(name, rest, "bool")
    if kind == "f" or is_image(kind, itemsize, shape):
        return FieldType(name, rest, "float32")
    return FieldType(name, rest, "int64") if kind in "iu" else None


def is_image(kind: str, itemsize: int, shape: Sequence[int]) -> bool:
    return kind == "u" and itemsize == 1 and len(shape) >= 3


def converted(array: Array, kind_of_field: FieldType, path: Path) -> tuple[Array, int | None]:
    """The array in its field's dtype, and the number to divide by where it stays in bytes."""
    if is_image(array.dtype.kind, array.dtype.itemsize, array.shape):
        return array, 255
    if array.dtype.kind == "u" and array.size and int(array.max()) > numpy.iinfo(numpy.int64).max:
        raise DataError(f"{path}: '{kind_of_field.name}' holds {array.max()}, which is more than int64 can")
    with numpy.errstate(over="ignore"):  # beyond float32 is infinity, as in torch
        return numpy.ascontiguousarray(array, dtype=kind_of_field.dtype), None


def concatenated(parts: Sequence[tuple[Path, Arrays]]) -> Arrays:
    """Several files one after another; they must hold the same fields."""
    first_path, first = parts[0]
    for path, part in parts[1:]:
        check_same_fields(first_path, first.fields, path, part.fields)
    if len(parts) == 1:
        return first
    values = {name: numpy.concatenate([part.values[name] for _, part in parts]) for name in first.values}
    return replace(first, values=values)


def check_same_fields(first_path: Path, first: Sequence[FieldType], path: Path, other: Sequence[FieldType]) -> None:
    if [each.name for each in first] != [each.name for each in other]:
        raise DataError(f"{path} holds {_names(other)}, but {first_path} holds {_names(first)}")
    for a, b in zip(first, other, strict=True):
        if (a.shape, a.dtype) != (b.shape, b.dtype):
            raise DataError(
                f"{path}: '{b.name}' is {b.dtype} {b.shape} per sample, but {a.dtype} {a.shape} in {first_path}"
            )


def picked_fields(
    fields: Sequence[FieldType], mapping: Mapping[str, str | Sequence[str]] | None
) -> tuple[FieldType, ...]:
    """Only the fields that `mapping` (our name = the source's) names, in its order and under its names; all as they
    are without a mapping, or with an empty one."""
    if not mapping:
        return tuple(fields)
    by_name = {each.name: each for each in fields}
    return tuple(replace(by_name[theirs], name=ours) for ours, theirs in _pairs(mapping, by_name))


def picked(arrays: Arrays, mapping: Mapping[str, str | Sequence[str]] | None) -> Arrays:
    """`picked_fields`, with the values."""
    if not mapping:
        return arrays
    pairs = list(_pairs(mapping, arrays.values))
    return Arrays(
        fields=picked_fields(arrays.fields, mapping),
        values={ours: arrays.values[theirs] for ours, theirs in pairs},
        divisors={ours: arrays.divisors[theirs] for ours, theirs in pairs if theirs in arrays.divisors},
    )


def missing(name: str, there: Iterable[str], what: str = "field") -> str:
    """ "there is no field 'imag'; did you mean 'image'? There are image, target"."""
    known = list(there)
    near = suggest(name, known, aliases={})
    hint = f"; did you mean '{near[0]}'?" if near else "."
    return f"there is no {what} '{name}'{hint} There are {', '.join(known)}"


def _pairs(mapping: Mapping[str, str | Sequence[str]], there: Iterable[str]) -> Iterable[tuple[str, str]]:
    known = list(there)
    for ours, theirs in mapping.items():
        if not isinstance(theirs, str):
            raise DataError(f"field '{ours}': a list picks columns of a .csv file; here one name is wanted")
        if theirs not in known:
            raise DataError(f"field '{ours}': {missing(theirs, known)}")
        yield ours, theirs


def _names(fields: Sequence[FieldType]) -> str:
    return ", ".join(f"'{each.name}'" for each in fields)
