"""Sums of multiply-adds, which are numbers or texts over free sizes (`589824 * T`), and how they are said."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from fractions import Fraction

from builder.graph import Size

_UNITS = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))
_TERMS = 3  # of a sum that still can be read at a glance


def summed(sizes: Iterable[Size]) -> Size:
    """The sum, terms of the same free sizes added up; a number where none of them hangs on a free size."""
    found: dict[str, int] = {}
    for size in sizes:
        for factor, rest in _terms(size):
            found[rest] = found.get(rest, 0) + factor
    words = [rest if factor == 1 else f"{factor} * {rest}" for rest, factor in found.items() if rest and factor]
    plain = found.get("", 0)
    if not words:
        return plain
    return " + ".join([*words, str(plain)] if plain else words).replace("+ -", "- ")


def weight(size: Size) -> int:
    """How much an amount is, for telling the larger of two: free sizes count as one."""
    return sum(factor for factor, _ in _terms(size))


def amount_said(size: Size) -> str:
    """`1.8 G`, `85 M × T + 18 k × T × T`; "" for nothing, and for what is too long to read.

    In numbers that are rounded anyway a half of a size is taken as half of it: `64 * (H // 2)` is `32 × H`.
    """
    terms: dict[str, Fraction] = {}
    for factor, rest in map(_undivided, _terms(size)):
        terms[rest] = terms.get(rest, Fraction()) + factor
    said = [f"{_rounded(factor)}{f' × {rest}' if rest else ''}" for rest, factor in terms.items() if factor]
    return "" if len(said) > _TERMS else " + ".join(said).replace(" * ", " × ").replace("+ -", "- ")


def _undivided(term: tuple[int, str]) -> tuple[Fraction, str]:
    """`64 * (H // 2)` as `32 * H`."""
    factor, rest = term
    divisors = [int(each) for each in re.findall(r"\(\w+ // (\d+)\)", rest)]
    return Fraction(factor, math.prod(divisors)), re.sub(r"\((\w+) // \d+\)", r"\1", rest)


def _rounded(count: Fraction) -> str:
    """Two digits and more: 417 k, 1.8 G."""
    for one, unit in _UNITS:
        if count >= one * Fraction(1999, 2000):  # which is a thousand of the next smaller when rounded
            number = float(count / one)
            return f"{number:.1f} {unit}" if number < 9.95 else f"{number:.0f} {unit}"
    return f"{float(count):.3g}"


def _terms(size: Size) -> Iterator[tuple[int, str]]:
    """Whole number and free sizes of each term; of an amount that hangs on a choice (`4 | 1`), those of the first."""
    if isinstance(size, int):
        yield size, ""
        return
    for sign, text in _split(size.partition(" | ")[0]):
        if text.isdigit():
            yield sign * int(text), ""
        elif match := re.fullmatch(r"(\d+) \* (.+)", text):
            yield sign * int(match[1]), match[2]
        else:
            yield sign, text


def _split(text: str) -> Iterator[tuple[int, str]]:
    """The terms outside of all brackets, each with its sign."""
    depth, start, sign = 0, 0, 1
    for place, letter in enumerate(text):
        depth += (letter in "([") - (letter in ")]")
        if depth == 0 and text[place : place + 3] in (" + ", " - "):
            yield sign, text[start:place]
            start, sign = place + 3, 1 if text[place + 1] == "+" else -1
    yield sign, text[start:]
