"""Sizes with names in them: `N`, `H // 4`, `3 * T + 1`.

A size is an `int`, or a `Free` size: a polynomial with whole coefficients over *atoms*, where an atom is a free name
(which stands for any whole number of at least 1) or the floor of a quotient. It is kept in one normal form, so that two
sizes that are the same are equal: `(H - 2) // 2 + 1` is `H // 2`, and `(H // 2) // 2` is `H // 4`. The identities used
are those of Graham, Knuth, Patashnik, "Concrete Mathematics", section 3.2: floor(x + n) = floor(x) + n for whole n, and
floor(floor(x / m) / n) = floor(x / (m n)).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Size: TypeAlias = "int | Free"
_MOST_TERMS = 10_000
_HIGHEST_DEGREE = 64
Monomial: TypeAlias = tuple["Atom", ...]


@dataclass(frozen=True, slots=True, order=False)
class Quotient:
    """floor(over / by), where `by` is at least 2 or not a number."""

    over: Free
    by: Size

    def __str__(self) -> str:
        return f"{_bracketed(self.over)} // {_bracketed(self.by)}"


Atom: TypeAlias = "str | Quotient"


@dataclass(frozen=True, slots=True)
class Free:
    """A size that is known only when the model runs. Terms are sorted and have coefficients other than 0."""

    terms: tuple[tuple[Monomial, int], ...]

    @staticmethod
    def named(name: str) -> Free:
        return Free((((name,), 1),))

    def __add__(self, other: Size) -> Size:
        return _sum([self, other])

    __radd__ = __add__

    def __neg__(self) -> Size:
        return self * -1

    def __pos__(self) -> Size:
        return self

    def __sub__(self, other: Size) -> Size:
        return self + (-other)

    def __rsub__(self, other: Size) -> Size:
        return other + (-self)

    def __mul__(self, other: Size) -> Size:
        totals: dict[Monomial, int] = {}
        others = _terms(other)
        _demand_short(self.terms, others)
        for left, a in self.terms:
            for right, b in others:
                key = tuple(sorted(left + right, key=_order))
                totals[key] = totals.get(key, 0) + a * b
        return _size(totals)

    __rmul__ = __mul__

    def __floordiv__(self, other: Size) -> Size:
        return _floor(self, other)

    def __rfloordiv__(self, other: Size) -> Size:
        return _floor(other, self)

    def __mod__(self, other: Size) -> Size:
        return self - (self // other) * other

    def __rmod__(self, other: Size) -> Size:
        return other - (other // self) * self

    def __str__(self) -> str:
        words = ""
        for monomial, factor in sorted(self.terms, key=lambda term: not term[0]):
            sign = "-" if factor < 0 else "+"
            words += f" {sign} " if words else ("-" if factor < 0 else "")
            text = _product_text(abs(factor), monomial)
            # Python reads -H // 2 as (-H) // 2
            words += f"({text})" if words == "-" and _is_quotient(abs(factor), monomial) else text
        return words

    __repr__ = __str__


def named(text: int | str) -> Size:
    """A size as an input declares it: a whole number, or the name of a free size."""
    return Free.named(text) if isinstance(text, str) else text


def plain(size: Size) -> int | str:
    """The size as data: a number, or its text."""
    return size if isinstance(size, int) else str(size)


def product(sizes: Iterable[Size]) -> Size:
    result: Size = 1
    for size in sizes:
        result = result * size
    return result


def names(size: Size) -> set[str]:
    """The free names that the size hangs on."""
    found: set[str] = set()
    if isinstance(size, Free):
        for monomial, _ in size.terms:
            for atom in monomial:
                found |= {atom} if isinstance(atom, str) else names(atom.over) | names(atom.by)
    return found


def single_name(size: Size) -> bool:
    """Whether the size is one free name and nothing else: `N`."""
    return isinstance(size, Free) and len(size.terms) == 1 and size.terms[0][1] == 1 and _is_name(size.terms[0][0])


def worked_out(size: Size, values: Mapping[str, int]) -> int:
    """The size as a number, once every name has one."""
    if isinstance(size, int):
        return size
    total = 0
    for monomial, factor in size.terms:
        for atom in monomial:
            if isinstance(atom, str):
                factor *= values[atom]
            else:
                factor *= worked_out(atom.over, values) // worked_out(atom.by, values)
        total += factor
    return total


def replaced(size: Size, values: Mapping[str, Size]) -> Size:
    """The size with some of its names replaced by other sizes."""
    if isinstance(size, int):
        return size
    total: Size = 0
    for monomial, factor in size.terms:
        term: Size = factor
        for atom in monomial:
            if isinstance(atom, str):
                term = term * values.get(atom, Free.named(atom))
            else:
                term = term * (replaced(atom.over, values) // replaced(atom.by, values))
        total = total + term
    return total


def bounds(size: Size) -> tuple[float, float]:
    """The least and the greatest value that the size can have, every name being at least 1."""
    if isinstance(size, int):
        return size, size
    low = high = 0.0
    for monomial, factor in size.terms:
        least, most = 1.0, 1.0
        for atom in monomial:
            a, b = (1.0, math.inf) if isinstance(atom, str) else _quotient_bounds(atom)
            corners = [_times(x, y) for x in (least, most) for y in (a, b)]
            least, most = min(corners), max(corners)
        ends = sorted((_times(factor, least), _times(factor, most)))
        low, high = low + ends[0], high + ends[1]
    return low, high


def same(left: Size, right: Size) -> bool | None:
    """Whether two sizes are equal: True, False, or None where it depends on the free names."""
    if left == right:
        return True
    low, high = bounds(left - right)
    return False if low > 0 or high < 0 else None


def at_least(size: Size, limit: int) -> bool | None:
    """Whether size >= limit: True, False, or None where it depends on the free names."""
    low, high = bounds(size)
    return True if low >= limit else False if high < limit else None


def _demand_short(left: Sequence[tuple[Monomial, int]], right: Sequence[tuple[Monomial, int]]) -> None:
    """OverflowError where a product would take long to multiply out."""
    degree = sum(max((len(monomial) for monomial, _ in terms), default=0) for terms in (left, right))
    if len(left) * len(right) > _MOST_TERMS or degree > _HIGHEST_DEGREE:
        raise OverflowError("a product of free sizes has more parts than any model has use for")


def _is_quotient(factor: int, monomial: Monomial) -> bool:
    return factor == 1 and len(monomial) == 1 and isinstance(monomial[0], Quotient)


def _is_name(monomial: Monomial) -> bool:
    return len(monomial) == 1 and isinstance(monomial[0], str)


def _terms(size: Size) -> tuple[tuple[Monomial, int], ...]:
    return size.terms if isinstance(size, Free) else (((), size),)


def _size(totals: Mapping[Monomial, int]) -> Size:
    kept = {monomial: factor for monomial, factor in totals.items() if factor}
    if not kept:
        return 0
    if set(kept) == {()}:
        return kept[()]
    return Free(tuple(sorted(kept.items(), key=lambda term: [_order(atom) for atom in term[0]])))


def _sum(sizes: Iterable[Size]) -> Size:
    totals: dict[Monomial, int] = {}
    for size in sizes:
        for monomial, factor in _terms(size):
            totals[monomial] = totals.get(monomial, 0) + factor
    return _size(totals)


def _floor(over: Size, by: Size) -> Size:
    if by == 0:
        raise ZeroDivisionError("division by zero")
    if isinstance(by, int) and by < 0:
        return _floor(-over, -by)
    if isinstance(over, int) and isinstance(by, int):
        return over // by
    if isinstance(by, Free):
        return _floor_by_free(over, by)
    whole: dict[Monomial, int] = {}
    rest: dict[Monomial, int] = {}
    for monomial, factor in _terms(over):
        whole[monomial], rest[monomial] = divmod(factor, by)
    return _size(whole) + _floor_of_rest(_size(rest), by)


def _floor_of_rest(rest: Size, by: int) -> Size:
    """floor(rest / by), where every coefficient of `rest` is at least 0 and below `by`."""
    if isinstance(rest, int):
        return 0
    varying = [(monomial, factor) for monomial, factor in rest.terms if monomial]
    if len(varying) == 1 and varying[0][1] == 1 and len(varying[0][0]) == 1:
        atom = varying[0][0][0]
        if isinstance(atom, Quotient) and isinstance(atom.by, int):
            constant = dict(rest.terms).get((), 0)
            return _floor(atom.over + constant * atom.by, atom.by * by)
    common = math.gcd(by, *(factor for _, factor in varying))
    if common > 1:  # floor((4 N + 3) / 8) = floor((N + 0) / 2): the constant below the common factor changes nothing
        return _floor(_size({monomial: factor // common for monomial, factor in rest.terms}), by // common)
    return Free((((Quotient(rest, by),), 1),))


def _floor_by_free(over: Size, by: Free) -> Size:
    if len(by.terms) == 1:
        monomial, factor = by.terms[0]
        divided = [_without(term, monomial, factor) for term in _terms(over)]
        if all(term is not None for term in divided):
            return _sum(term for term in divided if term is not None)
    if over == by:
        return 1
    if over == 0:
        return 0
    if isinstance(over, int):
        over = Free((((), over),))
    return Free((((Quotient(over, by),), 1),))


def _without(term: tuple[Monomial, int], divisor: Monomial, factor: int) -> Size | None:
    """term / (factor * divisor), where that comes out whole; else None."""
    left = list(term[0])
    for atom in divisor:
        if atom not in left:
            return None
        left.remove(atom)
    return _size({tuple(left): term[1] // factor}) if term[1] % factor == 0 else None


def _order(atom: Atom) -> tuple[int, str]:
    return (0, atom) if isinstance(atom, str) else (1, str(atom))


def _times(x: float, y: float) -> float:
    return 0.0 if x == 0 or y == 0 else x * y


def _quotient_bounds(atom: Quotient) -> tuple[float, float]:
    (low, high), (least, most) = bounds(atom.over), bounds(atom.by)
    if least <= 0:
        return -math.inf, math.inf
    corners = [_floor_of(x, y) for x in (low, high) for y in (least, most)]
    return min(corners), max(corners)


def _floor_of(x: float, y: float) -> float:
    if math.isinf(x):
        return x
    if math.isinf(y):
        return 0.0 if x >= 0 else -1.0
    return float(math.floor(x / y))


def _bracketed(size: Size) -> str:
    text = str(size)
    return f"({text})" if " " in text else text


def _product_text(factor: int, monomial: Monomial) -> str:
    words = [str(factor)] if factor != 1 or not monomial else []
    for atom in monomial:
        several = factor != 1 or len(monomial) > 1
        words.append(f"({atom})" if several and isinstance(atom, Quotient) else str(atom))
    return " * ".join(words)
