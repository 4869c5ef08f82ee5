"""One call of torch as the text of a spec: constructor arguments, what is fed, what the call itself is given.

A value that TOML cannot say raises `Unsayable` with the reason, so that what is left out can be counted.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from dsl.catalogue import find, find_settings
from dsl.formatting import dump_tables

LARGEST = 64  # elements of a tensor that a person would write
NONE = "${none}"
# Keys of the language: an argument of such a name goes into the layer's `args`.
_KEYS = frozenset(
    ("name", "type", "layers", "share", "input", "repeat", "parallel", "when", "tie", "init", "freeze", "train_only",
     "args")
)  # fmt: skip


class Unsayable(Exception):  # noqa: N818 (it is a reason, which is counted)
    """Why a sample cannot be written into a spec."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One call.

    target: the catalogue's dotted name. constructor: arguments of a module by name. given: what the call is fed, by
    name in the signature's order: tensors, tuples of tensors, plain values. run: the same call of torch itself, on
    a module (None for a function) and tensors by the names of `fed`.
    """

    target: str
    label: str
    constructor: Mapping[str, Any] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)
    make: Callable[[], nn.Module] | None = None
    run: Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class Written:
    """The spec of a sample, and the tensors that its inputs are fed."""

    text: str
    fed: dict[str, torch.Tensor]


def written(sample: Sample, names: Mapping[tuple[str, int], str] | None = None) -> Written:
    """The sample as a spec. names: free sizes in place of some inputs' numbers, by input and dim."""
    feeder = _Feeder()
    layer: dict[str, Any] = {"name": "layer", "type": _type_text(sample.target)}
    clashing: dict[str, Any] = {}
    for key, value in sample.constructor.items():
        (clashing if key in _KEYS else layer)[key] = data(value)
    layer |= _given(sample, feeder)
    layer |= _args(clashing)
    inputs = {name: _declared(name, each, names or {}) for name, each in feeder.fed.items()}
    tables = {"name": "Sample", "model": {"inputs": inputs, "layers": [layer]}}
    return Written(text=dump_tables(tables), fed=feeder.fed)


def data(value: Any) -> Any:
    """A value as TOML holds it."""
    if value is None:
        return NONE
    if isinstance(value, torch.Tensor):
        return tensor_data(value)
    if isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [data(each) for each in value]
    if isinstance(value, torch.dtype):
        return str(value).removeprefix("torch.")
    return _object_data(value)


def tensor_data(value: torch.Tensor) -> Any:
    if value.layout is not torch.strided:
        raise Unsayable("a sparse tensor")
    if value.numel() > LARGEST:
        raise Unsayable("a tensor too large for a text")
    if value.is_complex():
        raise Unsayable("a tensor of complex numbers as a text")
    plain = value.dtype in (torch.float32, torch.int64, torch.bool) and value.dim() > 0 and value.numel() > 0
    numbers = value.tolist()
    return numbers if plain else {"tensor": numbers, "dtype": str(value.dtype).removeprefix("torch.")}


def _object_data(value: Any) -> Any:
    """A module whose arguments were noted as it was made, or a function that the catalogue knows."""
    noted = getattr(value, "noted_arguments", None)
    if isinstance(value, nn.Module) and noted is not None:
        return {"type": type(value).__name__, **{key: data(each) for key, each in noted.items()}}
    if find_settings(type(value).__name__) and dataclasses.is_dataclass(value):
        told = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
        return {"type": type(value).__name__, **{key: data(each) for key, each in told.items()}}
    for space, prefix in ((torch.nn.functional, "torch.nn.functional."), (torch, "torch.")):
        name = getattr(value, "__name__", "")
        if name and getattr(space, name, None) is value and find(prefix + name):
            return {"type": name}
    raise Unsayable(f"a Python object: {type(value).__name__}")


def _type_text(target: str) -> str:
    """The plain name where that finds the target, else the dotted one."""
    name = target.rpartition(".")[2]
    entry = find(name)
    return name if entry is not None and entry.target == target else target


class _Feeder:
    """Gives every tensor an input's name."""

    def __init__(self) -> None:
        self.fed: dict[str, torch.Tensor] = {}

    def reference(self, name: str, value: Any) -> Any:
        """The name of the input that feeds a tensor; an array of them for a tuple of tensors."""
        if isinstance(value, torch.Tensor):
            if value.layout is not torch.strided:
                raise Unsayable("a sparse tensor")
            if str(value.dtype).removeprefix("torch.") not in _DTYPES:
                raise Unsayable(f"an input of dtype {value.dtype}")
            key = "x" if name == "self" else name
            self.fed[key] = value
            return key
        return [self.reference(f"{name}_{index}", each) for index, each in enumerate(value)]


def _given(sample: Sample, feeder: _Feeder) -> dict[str, Any]:
    """The layer's keys for what the call is fed.

    Leading tensors stand in `input`; of a module's `forward` everything is in a table `input` where a tensor comes
    later; a function's later tensors and all other values are keys of the layer.
    """
    entry = find(sample.target)
    assert entry is not None, sample.target
    module = entry.role == "module"
    takes = entry.inputs if module else entry.parameters
    places = [each.name for each in takes if each.passing != "position" and (module or each.takes_tensor)]
    keys: dict[str, Any] = {}
    references: dict[str, Any] = {}
    for key, value in sample.given.items():
        if _holds_tensors(value):
            references[key] = feeder.reference(key, value)
        else:
            keys[key] = data(value)
    clashing = {key: keys.pop(key) for key in list(keys) if key in _KEYS}
    leading = []
    while len(leading) < len(references) and len(leading) < len(places) and places[len(leading)] in references:
        leading.append(places[len(leading)])
    if module and len(leading) < len(references):
        plain = {key: value for key, value in keys.items() if isinstance(value, (bool, int, float))}
        rest = {key: value for key, value in keys.items() if key not in plain}
        return {"input": {**references, **plain}, **rest, **_args(clashing)}
    placed = [references.pop(key) for key in leading]
    return ({"input": _one_or_all(placed, entry.inputs)} if placed else {}) | references | keys | _args(clashing)


def _args(clashing: dict[str, Any]) -> dict[str, Any]:
    return {"args": clashing} if clashing else {}


def _one_or_all(placed: list[Any], takes: Any) -> Any:
    """A single tensor by its name; a single sequence of tensors as that array."""
    if len(placed) == 1 and (isinstance(placed[0], str) or "tensors" in takes[0].type):
        return placed[0]
    return placed


def _holds_tensors(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return bool(value) and all(_holds_tensors(each) for each in value)
    return isinstance(value, torch.Tensor)


_DTYPES = ("float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "complex64")


def _declared(name: str, value: torch.Tensor, names: Mapping[tuple[str, int], str]) -> Any:
    """An input's declaration. A spec has no size of 0: such a dim is a free size, and nothing is fed in it."""
    shape = [names.get((name, dim), size if size else "Empty") for dim, size in enumerate(value.shape)]
    if value.dtype == torch.float32:
        return shape
    return {"shape": shape, "dtype": str(value.dtype).removeprefix("torch.")}
