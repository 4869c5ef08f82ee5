"""The inputs of models, blocks and groups, and the fields of random data."""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from dsl.records import Input, Place
from dsl.tables import FAULTY, Faults, Table, described, is_whole, resolved

DTYPES: Final = (
    "float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "complex64",
)  # fmt: skip
# Names that the source of a module needs for itself.
_TAKEN: Final = (
    "self", "torch", "nn", "F", "Tensor", "OrderedDict", "functools", "packed", "float", "getattr", "super", "Any",
)  # fmt: skip


class InputReader:
    """scope: the spec's vars."""

    def __init__(self, faults: Faults, scope: Mapping[str, Any]) -> None:
        self.faults, self.scope = faults, scope

    def named_inputs(self, table: Table) -> tuple[Input, ...]:
        """The inputs of a block or a group: names, whose shapes are those of what is fed."""
        names, place = table.raw("inputs"), table.place.at("inputs")
        if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
            self.faults.add(place, f"`inputs` of a block or a group is an array of names, not {described(names)}",
                            label='such as inputs = ["x"]', notes=("the shapes are those of what is fed",))  # fmt: skip
            return ()
        found = []
        for index, name in enumerate(names):
            if not _names_an_argument(name) or name in names[:index]:
                why = "it becomes an argument's name" if name not in names[:index] else "it stands there twice"
                self.faults.add(place.at(index), f"`{name}` cannot name an input: {why}", "name", part="value")
            else:
                found.append(Input(place=place.at(index), name=name))
        return tuple(found)

    def inputs(self, table: Table) -> tuple[Input, ...]:
        several = table.table("inputs")
        if several is None:
            return ()
        found = []
        for name in several.values:
            before, place = len(self.faults), several.place.at(name)
            read = self.input(name, several.raw(name), place) or Input(place=place, name=name)
            found.append(replace(read, faulty=len(self.faults) > before))
        return tuple(found)

    def input(self, name: str, value: Any, place: Place) -> Input | None:
        if not _names_an_argument(name):
            self.faults.add(place, f"`{name}` cannot name an input: it becomes an argument's name", "name", part="key")
            return None
        if name in self.scope:
            self.faults.add(
                place, f"`{name}` is a var and an input; one of them needs another name", "name", part="key"
            )
        value = resolved(value, place, self.faults, self.scope)
        if value is FAULTY:
            return None
        if isinstance(value, list):
            shape = self.shape(value, place)
            return Input(place=place, name=name, shape=shape) if shape is not None else None
        if isinstance(value, dict):
            return self.declared(name, Table(value, place, self.faults, self.scope))
        self.faults.add(place, f'an input is a shape such as ["N", 3, 32, 32] or a table, not {described(value)}')
        return None

    def declared(self, name: str, table: Table) -> Input | None:
        """An input (or a field of `random`) written as a table."""
        options = table.raw("options")
        if options is not None:
            table.close()
            if not isinstance(options, list) or not options or not all(isinstance(each, str) for each in options):
                table.wrong("options", options, "an array of words")
                return None
            return Input(place=table.place, name=name, options=tuple(options))
        value = table.raw("shape")
        dtype, low, high = table.word("dtype", "float32", DTYPES), table.whole("low", None, -(2**63)), table.raw("high")
        if high is not None and not is_whole(high):
            table.wrong("high", high, "a whole number")
        elif high is not None and high <= (low or 0):
            table.faults.add(table.place.at("high"), f"`high` is above `low` ({low or 0}), unlike {high}")
        table.close()
        if not isinstance(value, list):
            if value is not None:
                table.wrong("shape", value, 'an array such as ["N", 3, 32, 32]')
            elif not table.meant("shape", "options"):
                self.faults.add(table.place, f"`{name}` has no `shape`", "missing", part="key")
            return None
        shape = self.shape(value, table.place.at("shape"))
        if shape is None:
            return None
        return Input(place=table.place, name=name, shape=shape, dtype=dtype, low=low, high=high)

    def shape(self, value: list[Any], place: Place) -> tuple[int | str, ...] | None:
        for index, size in enumerate(value):
            named = isinstance(size, str) and size.isidentifier() and not keyword.iskeyword(size)
            if not named and not (is_whole(size) and size >= 1):
                self.faults.add(place.at(index),
                                f"a size is a whole number of at least 1 or a name, not {described(size)}",
                                part="value")  # fmt: skip
                return None
        return tuple(value)


def _names_an_argument(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name) and name not in _TAKEN
