"""Finding a size's formula from values that it took: a constant, an affine form, a product of two names, or a floor.

Nothing is guessed: a formula is taken only if it gives every value that was seen, those at uneven numbers included.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import TypeAlias

from builder.shapes.call import TensorType, Value
from builder.shapes.sizes import Free, Size, worked_out

Numbers: TypeAlias = Mapping[str, int]

_STEP = 5040  # has every divisor up to 10, so that the slope of a floor by up to 10 comes out exact
_SPACING = 48  # even, and a multiple of 3 and of 16: numbers that most layers take
_UNEVEN = (1, 2, 3, 5, 7, 11)


def bases(free: Sequence[str]) -> Iterator[dict[str, int]]:
    """Numbers to begin with, different for each name: small ones, and large ones for types with large windows."""
    for scale in (1, 64):
        yield {name: _SPACING * scale * index for index, name in enumerate(free, start=1)}


def probes(free: Sequence[str], base: Numbers) -> list[dict[str, int]]:
    """The base; a step along each name, and along each pair of names; then uneven numbers, to try a formula on."""
    found = [dict(base)]
    found += [{**base, name: base[name] + _STEP} for name in free]
    found += [{**base, a: base[a] + _STEP, b: base[b] + _STEP} for a, b in itertools.combinations(free, 2)]
    for extra in _UNEVEN:
        found.append({name: base[name] + extra * index for index, name in enumerate(free, start=1)})
    return found


def fitted_value(free: Sequence[str], tried: Sequence[Numbers], values: Sequence[Value]) -> Value:
    """Results over the free names, from one result for each probe; ValueError where a shape follows no formula."""
    first = values[0]
    if isinstance(first, TensorType):
        shapes = [each.shape for each in values if isinstance(each, TensorType)]
        if len(shapes) < len(values) or len({len(shape) for shape in shapes}) > 1:
            raise ValueError("the number of dims changes")
        sizes = [fitted(free, tried, [worked_out(size, {}) for size in column]) for column in zip(*shapes, strict=True)]
        return TensorType(tuple(sizes), first.dtype)
    if isinstance(first, tuple):
        several = [each for each in values if isinstance(each, tuple) and len(each) == len(first)]
        if len(several) < len(values):
            raise ValueError("the number of results changes")
        return tuple(fitted_value(free, tried, column) for column in zip(*several, strict=True))
    if isinstance(first, dict):
        tables = [each for each in values if isinstance(each, dict)]
        return {key: fitted_value(free, tried, [each[key] for each in tables]) for key in first}
    return first


def fitted(free: Sequence[str], tried: Sequence[Numbers], found: Sequence[int]) -> Size:
    """The size that has the values `found` at the probes; ValueError where none of the forms does."""
    for candidate in _candidates(free, tried[0], found):
        if all(worked_out(candidate, numbers) == value for numbers, value in zip(tried, found, strict=True)):
            return candidate
    raise ValueError("a size follows no formula")


def _candidates(free: Sequence[str], base: Numbers, found: Sequence[int]) -> Iterator[Size]:
    slopes = {name: Fraction(value - found[0], _STEP) for name, value in zip(free, found[1:], strict=False)}
    by = max((slope.denominator for slope in slopes.values()), default=1)
    over: Size = 0
    for name, slope in slopes.items():
        over = over + Free.named(name) * int(slope * by)
    start = found[0] * by - worked_out(over, base)
    for constant in range(start, start + by):
        yield (over + constant) // by
    if by == 1:
        yield from _products(free, base, found, slopes)


def _products(
    free: Sequence[str], base: Numbers, found: Sequence[int], slopes: Mapping[str, Fraction]
) -> Iterator[Size]:
    """Sums of a names' products, `c a b + d a + e b + f`: each pair's own step tells c."""
    total: Size = 0
    for (a, b), value in zip(itertools.combinations(free, 2), found[1 + len(free) :], strict=False):
        mixed = value - found[0] - int(slopes[a] + slopes[b]) * _STEP
        factor, rest = divmod(mixed, _STEP * _STEP)
        if rest:
            return
        total = total + (Free.named(a) - base[a]) * (Free.named(b) - base[b]) * factor
    for name, slope in slopes.items():
        total = total + (Free.named(name) - base[name]) * int(slope)
    yield total + found[0]
