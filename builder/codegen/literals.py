"""Values as Python text."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from builder.codegen.holes import hole
from builder.codegen.imports import comes_from_python
from dsl.catalogue import Entry, Parameter, find, find_settings, signature_of

_LAYERS: Final = frozenset(("module", "callable", "settings"))


class Code(str):
    """Text that is Python already: an expression over what `forward` has at hand."""


def literal(value: Any, parameter: Parameter | None = None, device: str = "") -> str:
    """An argument as Python writes it. Arrays become tuples; words for dtypes, arrays for tensors and tables for layers
    become torch's.

    device: the text of the device that a tensor is made on ("x.device"); "" where it moves with its module.
    """
    kinds = parameter.type.split(" | ") if parameter else []
    if isinstance(value, Code):
        return value
    if isinstance(value, str):
        return f"torch.{value}" if "dtype" in kinds else quoted(value)
    if isinstance(value, list):
        return _list(value, kinds, device)
    if isinstance(value, dict) and "tensor" in value and parameter and parameter.takes_tensor:
        return _tensor_of(value, device)
    if isinstance(value, dict) and "type" in value and not _LAYERS.isdisjoint(kinds):
        return _layer(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(key)}: {literal(each)}" for key, each in value.items()) + "}"
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    return repr(value)


def keywords(entry: Entry, arguments: Mapping[str, Any], device: str = "", *, sizes_first: bool = False) -> str:
    """Arguments by name in the signature's order, `kernel_size=(3, 3), stride=2`.

    sizes_first: the sizes that a constructor begins with go by place, `nn.Conv2d(3, 64, kernel_size=7)`.
    """
    signature = signature_of(entry, arguments)
    order = [*(key for key in signature if key in arguments), *(key for key in arguments if key not in signature)]
    texts = {key: marked(key, arguments[key], signature.get(key), device) for key in order}
    placed = _sizes(entry.parameters, texts) if sizes_first else []
    return ", ".join(text if key in placed else f"{key}={text}" for key, text in texts.items())


def _sizes(signature: Iterable[Parameter], given: Collection[str]) -> list[str]:
    """The arguments of a constructor that may go by place: at most two sizes at its beginning."""
    first = itertools.takewhile(lambda each: each.required and each.passing == "name" and each.name in given
                                and each.type in ("int", "int | int[]"), signature)  # fmt: skip
    return [each.name for each in first][:2]


def marked(key: str, value: Any, parameter: Parameter | None = None, device: str = "") -> str:
    """An argument's text, marked if it is a plain number, a word or a list of them."""
    text = literal(value, parameter, device)
    items = value if isinstance(value, list) else [value]
    tensor = parameter is not None and parameter.takes_tensor and isinstance(value, list)
    plain = all(isinstance(each, int | float | str) and not isinstance(each, Code) for each in items)
    return hole(key, text) if plain and not tensor and not text.startswith("torch.") else text


def entry_of(target: str) -> Entry:
    entry = find(target) or find_settings(target)
    if entry is None:
        raise KeyError(f"the catalogue has no {target}")
    return entry


def called(entry: Entry) -> str:
    """What generated source calls a type: `nn.Conv2d`, `F.relu`, `torch.cat`, `MeanSubtract`."""
    for prefix, short in (("torch.nn.functional.", "F."), ("torch.nn.", "nn."), ("tomograph.", "")):
        if entry.target.startswith(prefix):
            return short + entry.target.removeprefix(prefix)
    return entry.name if comes_from_python(entry.target) else entry.target


def quoted(text: str) -> str:
    return (
        '"' + repr("'" + text)[2:-1].replace('"', '\\"') + '"' if text.isprintable() and '"' not in text else repr(text)
    )


def _list(value: list[Any], kinds: list[str], device: str) -> str:
    """An array is a tensor where one is wanted, unless lists of numbers (`int[]`) are taken too; else a tuple."""
    if any(each.endswith("]") for each in kinds):
        return _tuple([literal(each) for each in value])
    if "tensors" in kinds:
        return f"[{', '.join(_tensor_of(each, device) for each in value)}]"
    return _tensor(value, None, device) if "tensor" in kinds else _tuple([literal(each) for each in value])


def _layer(value: Mapping[str, Any]) -> str:
    """A layer as a value: a module that is made here, or a function, with some of its arguments settled."""
    entry = entry_of(value["type"])
    text = keywords(entry, value["arguments"])
    if entry.role in ("module", "settings"):
        return f"{called(entry)}({text})"
    return f"functools.partial({called(entry)}, {text})" if text else called(entry)


def _tensor_of(value: Any, device: str) -> str:
    """An array, or a table that says its dtype too."""
    if isinstance(value, dict):
        return _tensor(value["tensor"], value.get("dtype"), device)
    return _tensor(value, None, device)


def _tensor(value: Any, dtype: str | None, device: str) -> str:
    more = [f"dtype=torch.{dtype}"] if dtype else []
    more += [f"device={device}"] if device else []
    return f"torch.tensor({', '.join([_array(value), *more])})"


def _array(value: Any) -> str:
    return f"[{', '.join(_array(each) for each in value)}]" if isinstance(value, list) else literal(value)


def _tuple(items: list[str]) -> str:
    return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"
