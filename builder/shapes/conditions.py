"""What must hold of sizes: settled at once where it can be, else a `Condition` that the running model checks.

Each function answers with no condition (it always holds) or one (it hangs on free sizes), and raises `misfit`
where it can never hold. Conditions are plain comparisons: `H >= 11`, `H % 32 == 0`, `N == M`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from builder.shapes.call import Condition, Misfit
from builder.shapes.sizes import Free, Quotient, Size, at_least, same

Conditions: TypeAlias = tuple[Condition, ...]


def needs_at_least(size: Size, limit: int, misfit: Misfit) -> Conditions:
    held = at_least(size, limit)
    if held is False:
        raise misfit
    return () if held else (Condition(text=at_least_text(size, limit)),)


def needs_equal(left: Size, right: Size, misfit: Misfit) -> Conditions:
    held = same(left, right)
    if held is False:
        raise misfit
    return () if held else (Condition(text=equal_text(left, right)),)


def needs_multiple(size: Size, of: Size, misfit: Misfit) -> Conditions:
    rest = size % of
    if rest == 0:
        return ()
    if isinstance(rest, int):
        raise misfit
    return (Condition(text=multiple_text(size, of)),)


def at_least_text(size: Size, limit: int) -> str:
    """`size >= limit` as a bound on one name, where the size hangs on a single one: H // 2 + 1 >= 4 is H >= 6."""
    single = _single(size)
    if single is None:
        return f"{size} >= {limit}"
    atom, factor, constant = single
    if factor < 0:
        most = (constant - limit) // -factor
        return f"{atom} <= {most}"
    least = -((constant - limit) // factor)
    if isinstance(atom, Quotient) and isinstance(atom.by, int):
        return at_least_text(atom.over, least * atom.by)
    return f"{atom} >= {least}"


def equal_text(left: Size, right: Size) -> str:
    """`left == right`; H == (H // 2) * 2 is told as H % 2 == 0, and H // 4 == (H // 8) * 2 as (H // 4) % 2 == 0."""
    for whole, cut in ((left, right), (right, left)):
        divisor = _divisor(whole, cut)
        if divisor is not None:
            return multiple_text(whole, divisor)
    if isinstance(left, int):
        left, right = right, left
    return f"{left} == {right}"


def multiple_text(size: Size, of: Size) -> str:
    """`size % of == 0`, without what the factors of the size settle: 6 * N % 4 is N % 2."""
    single = _single(size)
    if single is not None and single[2] == 0 and isinstance(of, int):
        atom, factor, _ = single
        by = of // math.gcd(factor, of)
        return f"{atom} % {by} == 0" if isinstance(atom, str) else f"({atom}) % {by} == 0"
    text, by_text = str(size), str(of)
    left = f"({text})" if " " in text else text
    return f"{left} % ({by_text}) == 0" if " " in by_text else f"{left} % {by_text} == 0"


def _single(size: Size) -> tuple[str | Quotient, int, int] | None:
    """(atom, factor, constant) of a size that is `factor * atom + constant`."""
    if isinstance(size, int):
        return None
    terms = dict(size.terms)
    constant = terms.pop((), 0)
    if len(terms) != 1:
        return None
    ((monomial, factor),) = terms.items()
    return (monomial[0], factor, constant) if len(monomial) == 1 else None


def needs(name: str, condition: str) -> str:
    """How a condition is told, before the model runs and by the model that runs: "UNet needs H % 16 == 0"."""
    return f"{name} needs {condition}"


def across(runs: Sequence[tuple[Mapping[str, str], Sequence[str]]]) -> list[str]:
    """The conditions of a model out of those at each way to settle its choices: what holds for some options only is
    told with them, `H >= 8 where choice == "wide"`."""
    common = [text for text in runs[0][1] if all(text in texts for _, texts in runs)]
    rest = [f"{text} where {_settled(options)}" for options, texts in runs for text in texts if text not in common]
    return common + rest


def parted(condition: str) -> tuple[str, list[tuple[str, str]]]:
    """A condition's comparison, and the (choice, option) pairs under which it must hold."""
    text, _, options = condition.partition(" where ")
    found = re.findall(r'(\w+) == ("(?:[^"\\]|\\.)*")', options)
    return text, [(name, json.loads(option)) for name, option in found]


def _settled(options: Mapping[str, str]) -> str:
    return " and ".join(f"{name} == {json.dumps(option, ensure_ascii=False)}" for name, option in options.items())


def simplest(texts: Iterable[str]) -> list[str]:
    """Conditions without those that others say: of H >= 4 and H >= 8 the second; H % 2 and (H // 2) % 8 are H % 16."""
    found = list(dict.fromkeys(texts))
    least: dict[str, int] = {}
    multiples: dict[str, int] = {}
    for name, number in _matching(r"(\w+) >= (\d+)", found):
        least[name] = max(least.get(name, 0), int(number))
    for name, number in _matching(r"(\w+) % (\d+) == 0", found):
        multiples[name] = math.lcm(multiples.get(name, 1), int(number))
    for name, by, of in sorted(_matching(r"\((\w+) // (\d+)\) % (\d+) == 0", found), key=lambda each: int(each[1])):
        if multiples.get(name, 1) % int(by) == 0:
            multiples[name] = math.lcm(multiples.get(name, 1), int(by) * int(of))
            found.remove(f"({name} // {by}) % {of} == 0")
    return list(dict.fromkeys(_merged(each, least, multiples) for each in found))


def _matching(pattern: str, texts: list[str]) -> list[tuple[str, ...]]:
    return [match.groups() for match in (re.fullmatch(pattern, each) for each in texts) if match]


def _merged(text: str, least: dict[str, int], multiples: dict[str, int]) -> str:
    name = text.partition(" ")[0]
    if re.fullmatch(r"\w+ >= \d+", text):
        return f"{name} >= {least[name]}"
    return f"{name} % {multiples[name]} == 0" if re.fullmatch(r"\w+ % \d+ == 0", text) else text


def _divisor(whole: Size, cut: Size) -> Size | None:
    """`by`, where cut is (whole // by) * by."""
    if not isinstance(whole, Free) or not isinstance(cut, Free):
        return None
    for monomial, factor in cut.terms:
        for atom in monomial:
            for by in (atom.by, max(factor, 1)) if isinstance(atom, Quotient) else ():
                if cut == (whole // by) * by:
                    return by
    return None
