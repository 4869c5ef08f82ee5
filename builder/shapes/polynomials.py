"""Finding a polynomial from values that it took; multiply-adds are such in the free sizes (T * T * d + T * d * d)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from builder.shapes.sizes import Free, Size, product, worked_out

_DEGREE, _STEP = 3, 16
_UNEVEN = (5, 19)


def fitted_polynomial(free: Sequence[str], base: Mapping[str, int], evaluate: Callable[[dict[str, int]], int]) -> Size:
    """The polynomial of degree 3 at most (2 in each name) whose values `evaluate` gives; ValueError if it is none.

    It is worked out from as many points as it has terms, and tried on further ones.
    """
    exponents = [each for each in itertools.product(range(3), repeat=len(free)) if sum(each) <= _DEGREE]
    points = [{name: base[name] + _STEP * power for name, power in zip(free, each, strict=True)} for each in exponents]
    rows = [[_monomial(free, point, each) for each in exponents] for point in points]
    factors = _solved(rows, [evaluate(point) for point in points])
    if any(factor.denominator != 1 for factor in factors):
        raise ValueError("multiply-adds follow no polynomial")
    total: Size = 0
    for factor, each in zip(factors, exponents, strict=True):
        powers = [Free.named(name) for name, power in zip(free, each, strict=True) for _ in range(power)]
        total = total + int(factor) * product(powers)
    for extra in _UNEVEN:
        point = {name: base[name] + extra * index for index, name in enumerate(free, start=1)}
        if worked_out(total, point) != evaluate(point):
            raise ValueError("multiply-adds follow no polynomial")
    return total


def _monomial(free: Sequence[str], point: Mapping[str, int], powers: Sequence[int]) -> int:
    value = 1
    for name, power in zip(free, powers, strict=True):
        value *= point[name] ** power
    return value


def _solved(rows: Sequence[Sequence[int]], values: Sequence[int]) -> list[Fraction]:
    """Gauss and Jordan, exactly. The points are a lower set of a grid, so that the rows are independent."""
    table = [[Fraction(entry) for entry in (*row, value)] for row, value in zip(rows, values, strict=True)]
    for column in range(len(table)):
        pivot = next(index for index in range(column, len(table)) if table[index][column])
        table[column], table[pivot] = table[pivot], table[column]
        lead = table[column]
        table[column] = lead = [entry / lead[column] for entry in lead]
        for index, row in enumerate(table):
            if index != column and row[column]:
                table[index] = [entry - row[column] * top for entry, top in zip(row, lead, strict=True)]
    return [row[-1] for row in table]
