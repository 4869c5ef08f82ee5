"""Python's annotations and defaults, said in the grammar of `dsl.catalogue.types`.

Used only when the catalogue is made. torch's classes are known here by their names, so that nothing imports torch.
"""

from __future__ import annotations

import collections.abc
import inspect
import types
import typing
from collections.abc import Callable

# What a class of torch's is called in the grammar.
_CLASSES = {"Tensor": "tensor", "dtype": "dtype", "device": "device", "Size": "int[]", "Module": "module"}
_PLAIN = {int: "int", float: "float", bool: "bool", str: "str", type(None): "none"}
# Arguments that torch leaves without an annotation, by name.
_UNANNOTATED = {
    "device": "device | none",
    "dtype": "dtype | none",
    "size_average": "bool | none",
    "reduce": "bool | none",
    "input": "tensor",
    "x1": "tensor",
    "x2": "tensor",
    "hx": "tensor | none",
    "kdim": "int | none",
    "vdim": "int | none",
    "dim": "int | none",
}
_SEQUENCES = (list, collections.abc.Sequence, collections.abc.Iterable)


def type_of(parameter: inspect.Parameter) -> str:
    """The grammar's type of one parameter of a Python signature; "none" where the annotation says nothing."""
    if parameter.annotation is inspect.Parameter.empty:
        text = _unannotated(parameter)
    else:
        text = _alternatives(parameter.annotation)
    return with_none(text) if parameter.default is None else text


def with_none(text: str) -> str:
    """The type, taking none too."""
    return text if "none" in text.split(" | ") else f"{text} | none"


def _unannotated(parameter: inspect.Parameter) -> str:
    if parameter.name in _UNANNOTATED:
        return _UNANNOTATED[parameter.name]
    return _PLAIN.get(type(parameter.default), "none")


def _alternatives(annotation: object) -> str:
    """A union's members once each, none last."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        parts = [part for member in typing.get_args(annotation) for part in _alternatives(member).split(" | ")]
    else:
        parts = [_single(annotation)]
    kept = dict.fromkeys(part for part in parts if part != "none")
    return " | ".join([*kept, "none"] if "none" in parts else kept) or "none"


def _single(annotation: object) -> str:
    origin, members = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return " | ".join(f"'{word}'" for word in members)
    if origin is tuple:
        return _tuple(members)
    if origin in _SEQUENCES:
        return _elements(_alternatives(members[0])) + "[]"
    if origin is collections.abc.Callable:
        return "callable"
    if isinstance(annotation, type) and annotation in _PLAIN:
        return _PLAIN[annotation]
    return _named(annotation)


def _tuple(members: tuple[object, ...]) -> str:
    """tuple[int, int] is int[2], tuple[int, ...] is int[]; a tuple of tensors is fed as a sequence."""
    element = "float" if float in members else _alternatives(members[0])
    if element == "tensor":
        return "tensors"
    optional = "?" if any("none" in _alternatives(each) for each in members if each is not ...) else ""
    length = "" if ... in members else str(len(members))
    return f"{_elements(element)}{optional if not _elements(element).endswith('?') else ''}[{length}]"


def _elements(text: str) -> str:
    """What stands before the brackets: one type, with `?` where an element may be none."""
    parts = [part for part in text.split(" | ") if part not in ("none", "tensor")] or ["tensor"]
    return parts[0] + ("?" if "none" in text.split(" | ") else "")


def _named(annotation: object) -> str:
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return _CLASSES.get(name.strip("'"), "any")


def parameters_of(function: Callable[..., object]) -> list[inspect.Parameter]:
    """The parameters of a Python function by name; `*args`, `**kwargs` and private ones (`_weight`) left out."""
    kept = inspect.signature(function).parameters.values()
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [each for each in kept if each.kind in named and not each.name.startswith("_")]
