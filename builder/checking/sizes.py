"""The sizes that the data has, held against what the model needs of its free sizes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from builder.elaboration import Elaboration
from builder.shapes.call import TensorType
from builder.shapes.conditions import needs, parted
from dsl.expressions import evaluate
from dsl.records import Input, Spec
from dsl.tables import Faults


@dataclass(frozen=True, slots=True)
class _Found:
    """A free size's number, which the data's field `field` gives to the input `fed`."""

    name: str
    number: int
    fed: Input
    field: str
    value: TensorType

    def __str__(self) -> str:
        return f"the data's `{self.field}` has {self.name} = {self.number}: {self.value}"


def check_sizes(spec: Spec, model: Elaboration, fed: Mapping[str, tuple[str, TensorType]], faults: Faults) -> None:
    """Tell where the model would refuse the data: one name for two numbers, a condition that is not met.

    fed: what each input takes: the field's name and its type, whose shape has been found to fit.
    """
    found: dict[str, _Found] = {}
    for each in spec.model.inputs or ():
        for here in _sizes(each, fed):
            first = found.setdefault(here.name, here)
            if first.number != here.number:
                message = f"{needs(model.name, f'the same {here.name} everywhere')}, but {first} and {here}"
                faults.add(each.place, message, "data")
                return
    for condition in model.conditions:
        _check_met(condition, model.name, found, faults)


def _sizes(each: Input, fed: Mapping[str, tuple[str, TensorType]]) -> Iterator[_Found]:
    if each.name in fed:
        field, value = fed[each.name]
        for name, number in zip(each.shape or (), value.shape, strict=True):
            if isinstance(name, str) and isinstance(number, int):
                yield _Found(name, number, each, field, value)


def _check_met(condition: str, model: str, found: Mapping[str, _Found], faults: Faults) -> None:
    """A condition under an option of a choice is left to the call, which chooses."""
    text, options = parted(condition)
    names = list(dict.fromkeys(re.findall(r"[^\W\d]\w*", text)))
    if options or not all(name in found for name in names):
        return
    if not evaluate(f"${{{text}}}", {name: found[name].number for name in names}):
        told = " and ".join(str(found[name]) for name in names)
        faults.add(found[names[0]].fed.place, f"{needs(model, condition)}, but {told}", "data")
