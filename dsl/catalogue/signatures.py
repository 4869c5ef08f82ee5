"""A class or function from Python as the catalogue says it: what its signature tells, by inspection alone.

An annotation that the grammar of types cannot say, and none at all, is taken as "any": its author knows what it takes.
"""

from __future__ import annotations

import collections.abc
import contextlib
import inspect
import types
import typing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from dsl.catalogue.annotations import type_of, with_none
from dsl.catalogue.entries import REQUIRED, Entry, Parameter
from dsl.catalogue.lines import entry_at

# Before the dotted name of what comes from Python: its target in the catalogue and in a graph.
PYTHON: Final = "python."
_PLAIN = (int, float, bool, str, type(None))
# Classes that the grammar has words for, known by their names, so that nothing imports torch.
_CLASSES = ("Tensor", "dtype", "device", "Size", "Module")


class RegistrationError(ValueError):
    """A class or function that cannot be a layer type, and why."""


def entry_of(what: Any, name: str, inferred: Sequence[str] = ()) -> Entry:
    """The entry of a class of nn.Module or of a function. Raises RegistrationError where it cannot be a layer."""
    if isinstance(what, type):
        if not is_module(what):
            raise RegistrationError(f"{name} is a class, but none of nn.Module")
        return _module(what, name, inferred)
    if is_module(type(what)):
        raise RegistrationError(
            f"{name} is a module that is made already; its class, {type(what).__name__}, can be a layer"
        )
    if not callable(what):
        raise RegistrationError(f"{name} is neither a class of nn.Module nor a function")
    if inferred:
        raise RegistrationError(f"{name} is a function, and only a module's constructor can have arguments inferred")
    return _function(what, name)


def origin_of(what: Any) -> str:
    """Where it was defined: "mypackage.layers.MyLayer"."""
    return f"{what.__module__}.{getattr(what, '__qualname__', type(what).__qualname__)}"


def is_module(kind: type) -> bool:
    """Whether a class derives from nn.Module, told without torch."""
    return any(_is_base(each) for each in kind.__mro__)


def has_forward(kind: type) -> bool:
    """Whether a class of nn.Module can be called: nn.Module itself has only a stand-in."""
    return bool(kind.forward.__qualname__ != "_forward_unimplemented")  # type: ignore[attr-defined]


def _is_base(kind: type) -> bool:
    return kind.__name__ == "Module" and kind.__module__ == "torch.nn.modules.module"


def _module(kind: type, name: str, inferred: Sequence[str]) -> Entry:
    parameters, told, family = _constructor(kind, name)
    names = [each.name for each in parameters]
    for each in inferred:
        if each not in names:
            raise RegistrationError(f"{name} has no constructor argument `{each}` that could be inferred")
    inputs = tuple(_inputs(kind, name, names))
    return Entry(name=name, target=PYTHON + origin_of(kind), role="module", kind=family, parameters=tuple(parameters),
                 inputs=inputs, inferred=tuple(dict.fromkeys([*told, *inferred])))  # fmt: skip


def _constructor(kind: type, name: str) -> tuple[list[Parameter], Sequence[str], str]:
    """(the arguments, those that the input tells, what the layer is for).

    `**kwargs` stand for the arguments of the class that it derives from, any of which it may give itself, unless
    `*args` stand beside them. A class of torch's own says more in the catalogue than by its signature.
    """
    found: dict[str, Parameter] = {}
    told: Sequence[str] = ()
    family = "other"
    handed_on = True
    for owner in (each for each in kind.__mro__ if "__init__" in vars(each)):
        if _is_base(owner) or owner is object:
            break
        own, more, passes_all = _own_arguments(owner, name)
        torch_entry = entry_at(f"torch.nn.{owner.__name__}") if owner.__module__.startswith("torch.nn.") else None
        if torch_entry is not None:
            own = list(torch_entry.parameters)
            told, family = (torch_entry.inferred if handed_on else ()), torch_entry.kind
        for each in own:
            found.setdefault(each.name, each if handed_on or not each.required else replace(each, default=None))
        handed_on &= passes_all
        if not more:
            break
    return list(found.values()), told, family


def _own_arguments(owner: type, name: str) -> tuple[list[Parameter], bool, bool]:
    """(the arguments of one class's `__init__`, whether it takes more by name, whether by place too)."""
    signature = _signature(vars(owner)["__init__"], name)
    kinds = [each.kind for each in signature]
    own = [_plain(each) for each in signature[1:] if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)]
    by_place = [each.name for each in signature[1:] if each.kind is each.POSITIONAL_ONLY]
    if by_place:
        raise RegistrationError(f"`{by_place[0]}` of {name} goes by place alone, and a spec gives arguments by name")
    more = inspect.Parameter.VAR_KEYWORD in kinds
    return own, more, more and inspect.Parameter.VAR_POSITIONAL in kinds


def _inputs(kind: type, name: str, constructor: Sequence[str]) -> Iterator[Parameter]:
    """What `forward` takes. A name is the constructor's where both have it."""
    if not has_forward(kind):
        raise RegistrationError(f"{name} has no forward")
    takes = _signature(kind.forward, name)[1:]  # type: ignore[attr-defined]
    for each in takes:
        if each.kind is each.VAR_KEYWORD:
            continue
        if each.name in constructor:
            if each.default is each.empty:
                raise RegistrationError(
                    f"__init__ and forward of {name} both take `{each.name}`; one needs another name"
                )
            continue
        yield _fed(each, "tensor", first=each is takes[0])


def _function(function: Callable[..., Any], name: str) -> Entry:
    signature = [each for each in _signature(function, name) if each.kind is not each.VAR_KEYWORD]
    parameters = tuple(_fed(each, "tensors", first=each is signature[0]) for each in signature)
    for each, parameter in zip(signature, parameters, strict=True):
        if each.kind is each.POSITIONAL_ONLY and not parameter.takes_tensor:
            raise RegistrationError(f"`{each.name}` of {name} goes by place alone, and a spec gives arguments by name")
    inputs = tuple(each for each in parameters if each.takes_tensor)
    return Entry(name=name, target=PYTHON + origin_of(function), role="function", kind="other", parameters=parameters,
                 inputs=inputs)  # fmt: skip


def _fed(parameter: inspect.Parameter, spread: str, *, first: bool) -> Parameter:
    """An argument of a call: a tensor, unless its annotation or its default says that it is something plain.

    With neither it may be a number too, but not the first. spread: the type of `*tensors`.
    """
    if parameter.kind is parameter.VAR_POSITIONAL:
        return Parameter(name=parameter.name, type=spread, passing="spread", default=REQUIRED if first else None)
    said = _plain(parameter)
    if "any" not in said.type.split(" | "):
        return said
    if parameter.annotation is parameter.empty and isinstance(parameter.default, bool | int | float | str):
        return said
    if parameter.annotation is parameter.empty and said.required and not first:
        return replace(said, type="tensor | float | bool")
    return replace(said, type="tensor" if said.default is not None else "tensor | none")


def _plain(parameter: inspect.Parameter) -> Parameter:
    default = REQUIRED if parameter.default is parameter.empty else parameter.default
    text = _text(parameter)
    return Parameter(
        name=parameter.name, type=with_none(text) if default is None and text != "any" else text, default=default
    )


def _text(parameter: inspect.Parameter) -> str:
    annotation = parameter.annotation
    if annotation is parameter.empty:
        return "any"
    if isinstance(annotation, str):  # a name that stands under TYPE_CHECKING, and so was not found
        annotation = {each.__name__: each for each in _PLAIN}.get(annotation, annotation.rpartition(".")[2])
    if _sequence_of_tensors(annotation):
        return "tensors"
    return type_of(parameter.replace(annotation=annotation)) if _can_be_said(annotation) else "any"


def _can_be_said(annotation: Any) -> bool:
    """Whether the grammar of types has words for all of an annotation."""
    origin, members = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return all(_can_be_said(each) for each in members)
    if origin is typing.Literal:
        return all(isinstance(each, str) for each in members)
    if origin in (list, tuple, collections.abc.Sequence):
        kinds = {each for each in members if each is not ...}
        return len(kinds) == 1 and kinds <= {int, float, bool, str}
    if origin is collections.abc.Callable:
        return True
    if isinstance(annotation, str):
        return annotation in _CLASSES
    return annotation in _PLAIN or (isinstance(annotation, type) and annotation.__name__ in _CLASSES)


def _sequence_of_tensors(annotation: Any) -> bool:
    members = [each for each in typing.get_args(annotation) if each is not ...]
    named = all(getattr(each, "__name__", each) == "Tensor" for each in members)
    return typing.get_origin(annotation) in (list, tuple, collections.abc.Sequence) and bool(members) and named


def _signature(function: Callable[..., Any], name: str) -> list[inspect.Parameter]:
    """The parameters, each annotation worked out where it can be."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError, NameError) as error:
        raise RegistrationError(f"{name} has no signature that Python can read: {error}") from error
    scope = getattr(inspect.unwrap(function), "__globals__", {})
    return [each.replace(annotation=_resolved(each.annotation, scope)) for each in parameters]


def _resolved(annotation: Any, scope: dict[str, Any]) -> Any:
    """An annotation that is text, as what it says; as text where a name in it is known to type checkers alone."""
    for _ in range(2):  # a text within what `from __future__ import annotations` makes one
        if isinstance(annotation, str):
            with contextlib.suppress(NameError, AttributeError, TypeError, SyntaxError):
                annotation = eval(annotation, scope)
    return annotation
