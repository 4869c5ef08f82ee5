"""`builder.register`: a class of nn.Module or a function from Python as a layer type."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, overload

from dsl.catalogue import RegistrationError, offered, registered
from dsl.catalogue.lookup import find_torch
from dsl.catalogue.own import OWN
from dsl.catalogue.registered import NEEDED
from dsl.catalogue.signatures import PYTHON, origin_of

_Layer = TypeVar("_Layer", bound=Callable[..., Any])


@overload
def register(
    what: _Layer, /, *, name: str | None = None, inferred: Sequence[str] = (), replace: bool = False
) -> _Layer: ...
@overload
def register(
    what: str | None = None, /, *, name: str | None = None, inferred: Sequence[str] = (), replace: bool = False
) -> Callable[[_Layer], _Layer]: ...
def register(
    what: Any = None, /, *, name: str | None = None, inferred: Sequence[str] = (), replace: bool = False
) -> Any:
    """Give specs a layer type: `register(MyLayer)`, or `@register` and `@register(name="Mine")` above its definition.

    A module's constructor arguments are the type's arguments, and what `forward` takes is what it reads; a function's
    tensors are what it reads, and its other arguments are the type's. Annotations say what is what: see the README.

    name: what specs call it; left out, its own name. inferred: constructor arguments that a spec may leave out, as the
    input tells them; they go by PyTorch's names (`in_features`, the last dim; `in_channels`, the second).
    replace: it may take the name of a type of torch's or of another registered one.
    Raises RegistrationError, a ValueError, where it cannot be a layer type or the name is taken.
    """
    if what is None or isinstance(what, str):
        return lambda layer: register(layer, name=what or name, inferred=inferred, replace=replace)
    chosen = name or str(getattr(what, "__name__", type(what).__name__))
    _check_name(chosen, what, replace)
    _check_inferred(chosen, inferred)
    registered.add(what, chosen, tuple(inferred))
    return what


def _check_name(name: str, what: Any, replace: bool) -> None:
    if not name.isidentifier() or keyword.iskeyword(name):
        raise RegistrationError(f"{name!r} is no name for a layer type: it takes one that Python could give a class")
    if name in NEEDED:
        raise RegistrationError(f"{name} cannot name a layer type, as the source of models needs that name")
    if name in OWN:
        raise RegistrationError(f"{name} is one of this project's own layers; register it under another name")
    taken = None if replace else _taken(name, what)
    if taken:
        raise RegistrationError(f"{name} is {taken} already; register it under another name, or with replace=True")


def _taken(name: str, what: Any) -> str | None:
    """What has the name, if it is another thing: a cell of a notebook that runs again registers the same thing."""
    there = registered.find(name)
    if there is not None:
        origin = origin_of(there.object)
        return None if origin == origin_of(what) else f"registered for {origin}"
    for offer in offered.offers().get(name, ()):
        if offer.target != PYTHON + origin_of(what):
            return f"offered by the package {offer.package}"
    of_torch = find_torch(name)
    return of_torch.target if of_torch is not None and not offered.offers().get(name) else None


def _check_inferred(name: str, inferred: Sequence[str]) -> None:
    if isinstance(inferred, str):
        raise RegistrationError(f'inferred is a list of names, so write inferred=["{inferred}"]')
    if not inferred:
        return
    from builder.shapes.meta import TOLD

    for each in inferred:
        if each not in TOLD:
            raise RegistrationError(f"`{each}` of {name} cannot be inferred; these can: {', '.join(TOLD)}")
