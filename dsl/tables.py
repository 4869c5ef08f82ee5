"""Typed getters over a TOML table that collect every fault instead of stopping at the first."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from dsl.catalogue.aliases import WORDS as WORDS_ELSEWHERE
from dsl.catalogue.suggestions import suggest
from dsl.diagnostics import Diagnostic, Fix
from dsl.expressions import ExpressionError, evaluate, holds_expression
from dsl.records import Place

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


_MOST: Final = 12  # names that a note lists
# Names that people write in expressions, and where they hold.
_NAMES: Final = {
    "i": "`i` counts the copies of a `repeat`, and does not reach into a named block: give it as a param",
    "vars": "a var is read by its name alone: `${width}`",
    "params": "a param is read by its name alone: `${channels}`",
    "rest": "`rest` is what a named block was given and does not name, for `args` alone",
}


class Faults(list[Diagnostic]):
    """What is wrong so far."""

    def add(self, place: Place, message: str, code: str = "value", **details: Any) -> None:
        self.append(place.fault(message, code, **details))


class Table:
    """One table of the spec. Each getter marks its key as known; `close` reports the keys that nobody asked for."""

    def __init__(self, values: Mapping[str, Any], place: Place, faults: Faults, scope: Mapping[str, Any]) -> None:
        self.values, self.place, self.faults, self.scope = values, place, faults, scope
        self.asked: dict[str, None] = {}

    def raw(self, key: str) -> Any:
        self.asked[key] = None
        return self.values.get(key)

    def has(self, key: str) -> bool:
        return key in self.values

    def value(self, key: str, default: Any, fits: Callable[[Any], bool], expected: str) -> Any:
        """The value of a key, its `${...}` worked out; a fault and the default where it does not fit."""
        value = self.raw(key)
        if value is None:
            return default
        value = resolved(value, self.place.at(key), self.faults, self.scope)
        if value is FAULTY:
            return default
        if fits(value):
            return value
        self.wrong(key, value, expected)
        return default

    def text(self, key: str, default: Any = None) -> Any:
        return self.value(key, default, lambda value: isinstance(value, str), "text")

    def truth(self, key: str, default: bool) -> bool:
        return bool(self.value(key, default, lambda value: isinstance(value, bool), "true or false"))

    def whole(self, key: str, default: int | None, least: int = 0) -> Any:
        words = f"a whole number of at least {least}"
        return self.value(key, default, lambda value: is_whole(value) and value >= least, words)

    def number(self, key: str, default: float | None = None, least: float = -math.inf) -> Any:
        words = "a number" if least == -math.inf else f"a number above {least:g}"
        return self.value(key, default, lambda value: is_number(value) and value > least, words)

    def word(self, key: str, default: str, words: tuple[str, ...]) -> str:
        expected = "one of " + ", ".join(f'"{word}"' for word in words)
        value = self.raw(key)
        if isinstance(value, str) and not holds_expression(value) and value not in words:
            near = suggest(value.removeprefix("torch."), words, WORDS_ELSEWHERE)
            fix = Fix(f'did you mean "{near[0]}"?', f'{key} = "{near[0]}"') if near else None
            self.faults.add(self.place.at(key), f'`{key}` is {expected}, not "{value}"', fix=fix)
            return default
        return str(self.value(key, default, lambda each: each in words, expected))

    def table(self, key: str) -> Table | None:
        value = self.raw(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.wrong(key, value, "a table")
            return None
        return Table(value, self.place.at(key), self.faults, self.scope)

    def wrong(self, key: str, value: Any, expected: str, fix: Fix | None = None) -> None:
        self.faults.add(
            self.place.at(key), f"`{key}` is {expected}, not {described(value)}", label=f"expected {expected}", fix=fix
        )

    def meant(self, *keys: str) -> bool:
        """Whether one of these keys, which is not there, has been misspelled, which `close` tells."""
        unknown = [each for each in self.values if each not in self.asked]
        return any(not self.has(key) and any(key in suggest(each, [key]) for each in unknown) for key in keys)

    def close(self, of: str = "") -> None:
        """Report every key that no getter asked for. of: what the table is, as in " of a group"."""
        for key in self.values:
            if key in self.asked:
                continue
            place = self.place.at(key)
            near = suggest(key, self.asked)
            listed = " or ".join(f"`{each}`" for each in near)
            fix = Fix(f"did you mean {listed}?", near[0]) if near else None
            known = ", ".join(self.asked)
            notes = () if near else (f"known here: {known}",)
            self.faults.add(place, f"unknown key `{key}`{of}", "key", part="key", notes=notes, fix=fix)


class _Faulty:
    def __repr__(self) -> str:
        return "FAULTY"


FAULTY: Final = _Faulty()  # stands for a value whose fault has been told


def resolved(value: Any, place: Place, faults: Faults, scope: Mapping[str, Any]) -> Any:
    """The value with every `${...}` in it worked out, in arrays and tables too; FAULTY where one has no value."""
    if isinstance(value, str):
        if not holds_expression(value):
            return value
        if any(each is FAULTY and re.search(rf"\b{name}\b", value) for name, each in scope.items()):
            return FAULTY  # it reads a var whose own fault has been told
        try:
            return evaluate(value, scope)
        except ExpressionError as error:
            fix, notes = remarks(error, scope)
            faults.add(place, str(error), "expression", part="value", notes=notes, fix=fix)
            return FAULTY
    if isinstance(value, list):
        items = [resolved(each, place.at(index), faults, scope) for index, each in enumerate(value)]
        return FAULTY if any(item is FAULTY for item in items) else items
    if isinstance(value, dict):
        table = {key: resolved(each, place.at(key), faults, scope) for key, each in value.items()}
        return FAULTY if any(each is FAULTY for each in table.values()) else table
    return value


def remarks(error: ExpressionError, scope: Iterable[str]) -> tuple[Fix | None, tuple[str, ...]]:
    """What may have been meant by a name that is not known, and what else to say of it."""
    if not error.name:
        return None, ()
    near = suggest(error.name, error.among or list(scope))
    fix = Fix(f"did you mean `{near[0]}`?") if near else None
    note = _NAMES.get(error.name)
    if note is not None:
        return None, (note,)
    known = [] if fix or error.among else [each for each in scope if each.isidentifier()]
    listed = ", ".join([*(["..."] if len(known) > _MOST else []), *known[-_MOST:]])
    return fix, (f"names here: {listed}",) if listed else ()


def is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_texts(value: Any) -> bool:
    """Whether it is an array of texts that holds some."""
    return isinstance(value, list) and bool(value) and all(isinstance(each, str) for each in value)


def is_number(value: Any) -> bool:
    return is_whole(value) or isinstance(value, float)


def described(value: Any) -> str:
    """A value as TOML would write it, cut short."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "none"
    if isinstance(value, str):
        return f'"{value}"' if len(value) <= 40 else f'"{value[:37]}..."'
    if isinstance(value, list):
        return "[" + ", ".join(described(each) for each in value[:6]) + (", ...]" if len(value) > 6 else "]")
    if isinstance(value, dict):
        return "a table"
    return str(value)
