"""`random`: samples drawn for declared fields. What is declared is checked here, without torch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from builder.data.fields import DataError, FieldType, Source
from builder.data.request import Request

if TYPE_CHECKING:
    from builder.data.drawn import RandomSource

FLOATS = ("float16", "bfloat16", "float32", "float64", "complex64", "complex128")
INTEGERS = ("uint8", "int8", "int16", "int32", "int64")


def describe(request: Request) -> tuple[FieldType, ...]:
    """The declared fields with the free sizes filled in."""
    if request.samples < 1:
        raise DataError(f"random data needs at least one sample, not {request.samples}")
    if not request.declarations:
        raise DataError("random data needs a field: none is declared")
    return tuple(_settled(each, request) for each in request.declarations)


def open_source(request: Request) -> Source:
    """A source that draws each sample when it is asked for."""
    from builder.data.drawn import RandomSource

    drawn: RandomSource = RandomSource(describe(request), request.samples, request.seed)
    return drawn


def _settled(declared: FieldType, request: Request) -> FieldType:
    name, low, high = declared.name, declared.low, declared.high
    shape = tuple(_size(size, name, request) for size in declared.shape)
    if declared.dtype in INTEGERS:
        low = 0 if low is None else low
        if high is None:
            raise DataError(
                f"random data for '{name}' ({declared.dtype}) needs `high`, one more than its largest value"
            )
        if low >= high:
            raise DataError(f"random data for '{name}': low = {low} leaves nothing below high = {high}")
        _check_fits(name, declared.dtype, low, high)
    elif declared.dtype not in (*FLOATS, "bool"):
        raise DataError(f"random data for '{name}': {declared.dtype} cannot be drawn")
    return replace(declared, shape=shape, low=low, high=high)


def _size(size: int | str, name: str, request: Request) -> int:
    if isinstance(size, str):
        if size not in request.sizes:
            raise DataError(f"random data for '{name}' needs the size of {size}: sizes = {{ {size} = 50 }}")
        size = request.sizes[size]
    if size < 0:
        raise DataError(f"random data for '{name}' has the size {size}")
    return size


def _check_fits(name: str, dtype: str, low: int, high: int) -> None:
    """Every value in [low, high) must be one of the dtype's own."""
    bits = int(dtype.lstrip("uint"))
    least, most = (0, 2**bits) if dtype.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1))
    if low < least or high > most:
        raise DataError(f"random data for '{name}': {low} to {high - 1} does not fit into {dtype}")
