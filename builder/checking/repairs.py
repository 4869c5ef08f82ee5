"""A layer as it may have been meant: a table of repairs, by the key that is at fault.

A repair is *certain* if what was meant is among its layers: a word suggested for a misspelled one, a size that follows
from the input, a truth value as both that there are. Otherwise its layers are samples, which differ in what is not
known: what holds for all of them in the same words does not hang on it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from dsl.catalogue import Parameter, find
from dsl.catalogue.types import forms
from dsl.diagnostics import Diagnostic
from dsl.expressions import holds_expression
from dsl.keys import LAYER
from dsl.reading.blocks import unfit_name
from dsl.records import Layer

Path: TypeAlias = "list[str | int]"

_LARGE: Final = (100_000, 200_000)  # rows of an embedding, which the input does not tell in all places
_MOST_VARIANTS: Final = 3
_STEP: Final = re.compile(r'\[(\d+)\]|\.?([\w-]+)|\.?"([^"]*)"')
_SUGGESTED: Final = re.compile(r"""did you mean ([`"].+[`"])\?""")
_MISSPELLED: Final = re.compile(r"called [`\"]([\w-]+)[`\"]")
_UNKNOWN: Final = re.compile(r"has no (?:argument|param) |unknown key ")
_MISSING: Final = re.compile(r"add (?:args = \{ )?(\w+) = \.\.\.")
_SAMPLES: Final[Mapping[str, tuple[Any, ...]]] = {
    "kernel_size": (1, 3), "kernel": (1, 3), "dims": ([0, 1, 2, 3], [0, 2, 3, 1], [0, 3, 1, 2]),
}  # fmt: skip
_ELEMENTWISE: Final = frozenset(("add", "sub", "mul", "div", "maximum", "minimum"))
_SIZES: Final = re.compile(r"out_\w+|hidden_size|embedding_dim|num_embeddings|\w*channels|\w*features|dim_\w+")


@dataclass(frozen=True, slots=True)
class Repair:
    """layers: what a layer may have been; certain: whether one of them is what was meant."""

    layers: tuple[Layer, ...]
    certain: bool = True

    def at(self, index: int) -> Layer:
        return self.layers[min(index, len(self.layers) - 1)]

    def without(self, variants: set[int]) -> Repair | None:
        """The repair without the layers of these variants; None if there are no others."""
        failing = {min(each, len(self.layers) - 1) for each in variants}
        left = tuple(each for index, each in enumerate(self.layers) if index not in failing)
        return Repair(left, self.certain) if left else None


def repaired(layer: Layer, key: str, faults: Sequence[Diagnostic]) -> Repair | None:
    """The layer of this key without its faults; None where one of them says too little of what was meant."""
    whole = Repair((replace(layer, faulty=False),))
    for fault in faults:
        path = _path(fault.key[len(key) :])
        several = [_repaired(each, path, fault) for each in whole.layers]
        if not all(several):
            return None
        found = [each for each in several if each is not None]
        certain = whole.certain and all(each.certain for each in found)
        count = max(len(whole.layers), len(found[0].layers))
        whole = Repair(tuple(found[min(i, len(found) - 1)].at(i) for i in range(count))[:_MOST_VARIANTS], certain)
    return whole


def _repaired(layer: Layer, path: Path, fault: Diagnostic) -> Repair | None:
    if not path:
        return None
    head = str(path[0])
    if fault.code == "reference":
        return _referring(layer, path, fault)
    if head in REPAIRS:
        return REPAIRS[head](layer, path, fault)
    return _with_argument(layer, head, fault, path) if head in layer.arguments else None


def _of_type(layer: Layer, path: Path, fault: Diagnostic) -> Repair | None:
    """The types suggested; values for an argument that is missing; of tensors that do not match, each as the result."""
    if fault.code == "type":
        return _several([replace(layer, type=each) for each in _suggestions(fault)])
    missing = _MISSING.fullmatch(fault.fix.message) if fault.fix and fault.code == "argument" else None
    if missing is not None and layer.args is not None:
        return None  # each use of the block may give it
    if missing is not None:
        values = _samples(layer, missing[1])
        return _several([_given(layer, missing[1], each) for each in values], certain=False)
    return _operands(layer) if fault.code == "shape" else None


def _of_input(layer: Layer, path: Path, fault: Diagnostic) -> Repair | None:
    return _operands(layer) if fault.code == "shape" and len(path) == 1 else None


def _operands(layer: Layer) -> Repair | None:
    if layer.type not in _ELEMENTWISE:
        return None
    reads = layer.input if isinstance(layer.input, list) else [layer.input]
    reads = [*reads, *(each for each in layer.arguments.values() if isinstance(each, str))]
    return _several([replace(layer, type="clone", input=each, arguments={}) for each in reads], certain=False)


def _referring(layer: Layer, path: Path, fault: Diagnostic) -> Repair | None:
    near = _suggestions(fault)[:1]
    head = str(path[0])
    if head in ("input", "share") and near:
        return Repair((replace(layer, **{head: _put(getattr(layer, head), path[1:], near[0])}),))
    if head in layer.arguments and near:
        return Repair((_given(layer, head, _put(layer.arguments[head], path[1:], near[0])),))
    return None


def _in_expression(text: Any, fault: Diagnostic) -> Any:
    """The expression with the name that was meant; None where none is suggested."""
    near, wrong = _suggestions(fault), _MISSPELLED.search(fault.message)
    if not near or wrong is None or not isinstance(text, str):
        return None
    return re.sub(rf"(?<![\w-]){re.escape(wrong[1])}(?![\w-])", near[0], text)


def _of_value(layer: Layer, path: Path, fault: Diagnostic) -> Repair | None:
    meant = _in_expression(layer.value, fault)
    return Repair((replace(layer, value=meant),)) if meant else None


def _left_out(layer: Layer, path: Path, fault: Diagnostic) -> Repair | None:
    return Repair((replace(layer, **{str(path[0]): _UNWRITTEN[str(path[0])]}),))


def _when(layer: Layer, path: Path, fault: Diagnostic) -> Repair | None:
    return Repair((replace(layer, when=True), replace(layer, when=False)))


def _repeat(layer: Layer, path: Path, fault: Diagnostic) -> Repair | None:
    return Repair((replace(layer, repeat=1), replace(layer, repeat=2)), certain=False)


def _with_argument(layer: Layer, key: str, fault: Diagnostic, path: Path) -> Repair | None:
    """The argument under the name, or with the value, that was meant; else without it; else with samples."""
    if _UNKNOWN.search(fault.message):
        near = [each for each in _suggestions(fault) if each not in layer.arguments]
        named = [_renamed(layer, key, each) for each in near if _may_be_named(layer, key, each)]
        return _several(named or ([] if near else [_without(layer, key)]))
    meant = _in_expression(layer.arguments[key], fault) if fault.code == "expression" else None
    value = meant if meant is not None else _replacement(key, fault)
    if value is not None:
        return Repair((_given(layer, key, value),))
    parameter = _parameter(layer, key)
    if parameter is not None and key in _inferred(layer):
        return Repair((_without(layer, key), *(_given(layer, key, each) for each in _LARGE)))
    if parameter is not None and parameter.type == "bool":
        return Repair((_given(layer, key, True), _given(layer, key, False)))
    sampled = [_given(layer, key, each) for each in _samples(layer, key)]
    return _several(sampled, certain=False)


def _replacement(key: str, fault: Diagnostic) -> Any:
    """The value of a fix that stands in the place of `key = value`."""
    text = fault.fix.replacement if fault.fix else None
    if text is None or not re.match(rf"{re.escape(key)} = ", text):
        return None
    try:
        return tomllib.loads(text)[key]
    except tomllib.TOMLDecodeError:
        return None


def _samples(layer: Layer, key: str) -> list[Any]:
    """Values that an argument might have, as different as may be, its default among them."""
    parameter = _parameter(layer, key)
    sizes = (48, 96) if _SIZES.fullmatch(key) else _SAMPLES.get(key, (1, 2))
    if parameter is None or key == "dims":
        return list(sizes)
    values: list[Any] = [] if parameter.required or not _is_plain(parameter.default) else [parameter.default]
    for form in forms(parameter.type):
        if form.word:
            values.append(form.name)
        elif not form.lengths and not form.table:
            values += {"int": sizes, "float": (0.25, 0.5), "bool": (False, True)}.get(form.name, ())
    different = [each for i, each in enumerate(values) if each not in values[:i]]
    return different[:_MOST_VARIANTS] if len(different) > 1 else []


def _is_plain(value: object) -> bool:
    return isinstance(value, bool | int | float | str)


def _parameter(layer: Layer, key: str) -> Parameter | None:
    entry = find(layer.type) if layer.type else None
    return entry.parameter(key) if entry is not None and entry.accepts(key) else None


def _inferred(layer: Layer) -> tuple[str, ...]:
    entry = find(layer.type) if layer.type else None
    return entry.inferred if entry is not None else ()


def _several(layers: Sequence[Layer], *, certain: bool = True) -> Repair | None:
    return Repair(tuple(layers[:_MOST_VARIANTS]), certain) if layers else None


def _given(layer: Layer, key: str, value: Any) -> Layer:
    return replace(layer, arguments={**layer.arguments, key: value})


def _without(layer: Layer, key: str) -> Layer:
    return replace(layer, arguments={name: each for name, each in layer.arguments.items() if name != key})


def _renamed(layer: Layer, key: str, name: str) -> Layer:
    """The argument under another name, which may be a key of every layer."""
    left = _without(layer, key)
    value = layer.arguments[key]
    return replace(left, **{name: value}) if name in LAYER else _given(left, name, value)


def _may_be_named(layer: Layer, key: str, name: str) -> bool:
    """Whether the value of an argument has the form that the key of every layer needs, if it is one."""
    value = layer.arguments[key]
    if name == "name":
        return isinstance(value, str) and unfit_name(value) is None
    if name in ("type", "share", "value"):
        return isinstance(value, str) and not holds_expression(value)
    forms: Mapping[str, tuple[type, ...]] = {"layers": (), "tie": (dict,), "input": (str, list, dict)}
    return bool(value) and isinstance(value, forms.get(name, (object,)))


def _suggestions(fault: Diagnostic) -> list[str]:
    found = _SUGGESTED.match(fault.fix.message) if fault.fix else None
    return re.split(r"""[`"] or [`"]""", found[1][1:-1]) if found else []


def _path(text: str) -> Path:
    """The keys of ".input[1]"."""
    return [int(index) if index else word or quoted for index, word, quoted in _STEP.findall(text)]


def _put(value: Any, path: Path, new: Any) -> Any:
    """A value with another in a place of it."""
    if not path:
        return new
    if isinstance(value, list) and isinstance(path[0], int):
        return [_put(each, path[1:], new) if i == path[0] else each for i, each in enumerate(value)]
    if isinstance(value, Mapping):
        return {key: _put(each, path[1:], new) if key == path[0] else each for key, each in value.items()}
    return value


_UNWRITTEN: Final[Mapping[str, Any]] = {"init": None, "freeze": False, "train_only": False}
REPAIRS: Final[Mapping[str, Callable[[Layer, Path, Diagnostic], Repair | None]]] = {
    "type": _of_type,
    "input": _of_input,
    "value": _of_value,
    "when": _when,
    "repeat": _repeat,
    "init": _left_out,
    "freeze": _left_out,
    "train_only": _left_out,
}
