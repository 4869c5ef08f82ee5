"""What a class of several instances is given: parameters for the arguments in which they differ."""

from __future__ import annotations

import ast
import keyword
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias

# The text of an argument by instance; None where an instance has no such argument.
Texts: TypeAlias = tuple[str | None, ...]


class UnsettledError(Exception):
    """An argument that differs, and that some instances cannot say."""


@dataclass(frozen=True, slots=True)
class Expression:
    """What stands for an argument: a parameter, or a multiple of one."""

    name: str
    before: str = ""
    behind: str = ""

    def text(self, owner: str = "") -> str:
        return f"{self.before}{owner}{self.name}{self.behind}"


@dataclass(slots=True)
class Parameters:
    """written: what the spec gives the block, by name. taken: words that mean something else. found: those used, in
    order. worked_out: what has been said as an expression of them."""

    written: Mapping[str, Texts]
    taken: Collection[str]
    found: dict[str, Texts] = field(default_factory=dict)
    worked_out: list[tuple[Expression, Texts]] = field(default_factory=list)

    def expression(self, argument: str, texts: Texts, owner: str) -> Expression | str:
        """What stands for an argument whose texts are these: a literal if they are one. owner: the attribute that it
        belongs to. Raises UnsettledError."""
        known = {each for each in texts if each is not None}
        if len(known) == 1:
            return known.pop()
        for name in self._candidates(argument, texts):
            if _agree(texts, self._all[name]):
                return self._used(name)
        for expression, others in self.worked_out:
            if _agree(texts, others):
                return expression
        stands = self._item(texts) or self._multiple(argument, texts)
        if stands is not None:
            self.worked_out.append((stands, texts))
            return stands
        if None in texts:
            raise UnsettledError
        name = self._new(argument or "value", owner)
        self.found[name] = texts
        return Expression(name)

    def flag(self, part: str, has: Sequence[bool]) -> str:
        """The parameter that says whether an instance has a part."""
        texts = tuple(map(str, has))
        if self.found.get(part) == texts:
            return part
        name = self._new(part, "has")
        self.found[name] = texts
        return name

    @property
    def _all(self) -> dict[str, Texts]:
        return {**self.written, **self.found}

    def _candidates(self, argument: str, texts: Texts) -> list[str]:
        """Names to try: the argument's own first; any other only for numbers that are sizes."""
        own = [name for name in self._all if name == argument]
        sizes = all(each is None or each.isdecimal() for each in texts)
        return [*own, *(name for name in self._all if name != argument and sizes)]

    def _item(self, texts: Texts) -> Expression | None:
        """`widths[0]`, of a list that the spec gives the block."""
        for name, others in self.written.items():
            lists = [ast.literal_eval(each) if each.startswith("(") else () for each in map(str, others)]
            for at in range(min(map(len, lists))):
                if _agree(texts, tuple(str(each[at]) for each in lists)):
                    return Expression(self._used(name).name, behind=f"[{at}]")
        return None

    def _multiple(self, argument: str, texts: Texts) -> Expression | None:
        """`4 * channels`, of what the spec gives the block. What a layer reads has a size of its own."""
        if argument.startswith(("in_", "input")) or not all(each is None or each.isdecimal() for each in texts):
            return None
        for name, others in self.written.items():
            pairs = [(int(one), int(other)) for one, other in zip(texts, others, strict=True)
                     if one is not None and other is not None and other.isdecimal() and int(other)]  # fmt: skip
            if len(pairs) < 2 or len(pairs) != sum(each is not None for each in texts):
                continue
            factors = {Fraction(one, other) for one, other in pairs}
            factor = factors.pop()
            if not factors and factor.denominator == 1:
                return Expression(self._used(name).name, before=f"{factor} * ")
            if not factors and factor.numerator == 1:
                return Expression(self._used(name).name, behind=f" // {factor.denominator}")
        return None

    def _used(self, name: str) -> Expression:
        self.found.setdefault(name, self._all[name])
        return Expression(name)

    def _new(self, word: str, owner: str) -> str:
        number = 2
        names = [word, f"{owner}_{word}" if owner else f"{word}_"]
        for name in names:
            if self._is_free(name):
                return name
        while not self._is_free(f"{names[-1]}{number}"):
            number += 1
        return f"{names[-1]}{number}"

    def _is_free(self, name: str) -> bool:
        return name.isidentifier() and not keyword.iskeyword(name) and name not in self._all and name not in self.taken


def hint(texts: Texts) -> str:
    """The type of values that are written so: `int`, `int | tuple[int, ...]`."""
    return " | ".join(dict.fromkeys(_type(ast.literal_eval(each)) if _is_literal(each) else "float"
                                    for each in texts if each is not None))  # fmt: skip


def _is_literal(text: str) -> bool:
    return not text.startswith("float(")


def _type(value: object) -> str:
    if isinstance(value, tuple | list):
        inner = " | ".join(dict.fromkeys(map(_type, value)))
        return f"tuple[{inner}, ...]" if inner else "tuple[()]"
    return type(value).__name__


def _agree(texts: Texts, others: Texts) -> bool:
    return all(one is None or one == other for one, other in zip(texts, others, strict=True))
