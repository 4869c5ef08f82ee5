"""What stands around a module while it is recorded: calls of modules, and of the classes of torch.nn that theirs derive
from, go through the recorder."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn

from builder.exchange.importing.errors import ImportingError
from builder.exchange.importing.leaves import entry_for, entry_of_class
from builder.exchange.importing.values import leaves

if TYPE_CHECKING:
    from builder.exchange.importing.recording import Recorder


def watched(module: nn.Module, call: Callable[..., Any], refuse: Callable[[], None]) -> Callable[..., Any]:
    """The call of a module; where it has hooks, these must leave what it reads and gives as it is."""
    if not module._forward_hooks and not module._forward_pre_hooks:
        return lambda *args, **kwargs: call(module, *args, **kwargs)

    def run(*args: Any, **kwargs: Any) -> Any:
        seen: list[Any] = []
        forward = module.forward

        def watching(*inner: Any, **named: Any) -> Any:
            seen.append((list(leaves((inner, named))), result := forward(*inner, **named)))
            return result

        module.forward = watching
        try:
            result = call(module, *args, **kwargs)
        finally:
            del module.forward
        given, made = seen[-1]
        if not _same(given, list(leaves((args, kwargs)))) or not _same([*leaves(made)], [*leaves(result)]):
            refuse()
        return result

    return run


def _same(some: Sequence[Any], others: Sequence[Any]) -> bool:
    return len(some) == len(others) and all(a is b for a, b in zip(some, others, strict=True))


def _bases(module: nn.Module) -> dict[type[nn.Module], Callable[..., Any]]:
    """Classes of torch.nn that modules with a `forward` of their own derive from."""
    kinds = {type(each) for each in module.modules() if entry_for(each) is None}
    found = [base for kind in kinds for base in kind.__mro__ if base is not kind and entry_of_class(base) is not None]
    return {each: each.forward for each in found if issubclass(each, nn.Module)}


def _derived(recorder: Recorder, kind: type[nn.Module], forward: Callable[..., Any]) -> Callable[..., Any]:
    def run(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        return recorder.derived(forward, f"torch.nn.{kind.__name__}", module, args, kwargs)

    return functools.wraps(forward)(run)


@contextmanager
def patched(recorder: Recorder, traced: bool) -> Iterator[None]:
    """While it lasts, calls of modules go through the recorder, and a function of autograd's is refused."""
    call, apply = nn.Module.__call__, torch.autograd.Function.apply
    as_defined = vars(torch.autograd.Function)[
        "apply"
    ]  # what `apply` binds is of Function itself, not of its subclasses

    def called(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        return recorder.called(call, module, args, kwargs)

    def applied(cls: Any, *args: Any, **kwargs: Any) -> Any:
        if recorder.inside or not recorder.scopes:
            return apply.__func__(cls, *args, **kwargs)  # type: ignore[attr-defined]
        raise ImportingError(f"{recorder.where()}: {cls.__name__} is an autograd function of its own, which a spec "
                             "cannot say")  # fmt: skip

    compiling = torch.compiler.is_compiling
    if traced:
        torch.compiler.is_compiling = lambda: True
    bases = _bases(recorder.module)
    for kind, forward in bases.items():
        kind.forward = _derived(recorder, kind, forward)
    module_class, function_class = cast("Any", nn.Module), cast("Any", torch.autograd.Function)
    module_class.__call__ = called
    function_class.apply = classmethod(applied)
    try:
        yield
    finally:
        torch.compiler.is_compiling = compiling
        for kind, forward in bases.items():
            kind.forward = forward
        module_class.__call__ = call
        function_class.apply = as_defined
