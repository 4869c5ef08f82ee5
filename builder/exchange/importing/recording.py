"""A module is run on examples, and all that it calls is recorded: its modules in their scopes, and torch's functions.

Running takes Python's control flow as it comes, so that nothing has to be guessed: what cannot be said in a spec shows
where it happens. Modules of torch.nn are one call each, whatever goes on inside them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized
from torch.overrides import TorchFunctionMode, resolve_name

from builder.exchange.importing.errors import ImportingError, NumbersError
from builder.exchange.importing.frames import here
from builder.exchange.importing.leaves import entry_for
from builder.exchange.importing.patching import patched, watched
from builder.exchange.importing.records import Call, Recording, Scope
from builder.exchange.importing.remembering import Remembering
from builder.exchange.importing.values import leaves, mapped, refs

# Methods that hand a tensor's numbers to Python.
_TO_PYTHON = ("__bool__", "item", "tolist", "__int__", "__float__", "__index__", "is_nonzero", "equal", "allclose",
              "numpy", "__array__", "__contains__")  # fmt: skip
# What a tensor is made like, but for its numbers.
_LIKE = ("zeros_like", "ones_like", "full_like", "rand_like", "randn_like", "empty_like", "new_zeros", "new_ones",
         "new_full", "new_empty", "new_tensor")  # fmt: skip

_KEPT = 4096  # numbers of a tensor that is kept after recording


def record(
    module: nn.Module, inputs: Mapping[str, torch.Tensor], names: Sequence[str], *, traced: bool = False
) -> Recording:  # fmt: skip
    """Run a module in its present mode. inputs: by the name that `forward` has for them, of which `names` go by place.
    traced: code that asks is told that torch compiles it. Raises ImportingError, or whatever the module raises."""
    recorder = Recorder(module, inputs)
    with torch.no_grad(), patched(recorder, traced), recorder:
        module(*(inputs[name] for name in names), **{k: v for k, v in inputs.items() if k not in names})
    assert recorder.whole is not None
    for each in recorder.known:  # of what layers make only the shape matters from here on
        if each.origin == "call" and each.tensor is not None and each.tensor.numel() > _KEPT:
            each.tensor = None
    return Recording(recorder.whole, recorder.known, {name: number for number, name in enumerate(inputs)})


class Recorder(Remembering, TorchFunctionMode):
    """Sees every function of torch that is called, and through `called` every module."""

    def __init__(self, module: nn.Module, inputs: Mapping[str, torch.Tensor]) -> None:
        TorchFunctionMode.__init__(self)
        Remembering.__init__(self)
        self.module = module
        self.whole: Scope | None = None
        self.paths: dict[int, list[str]] = {}
        for path, each in module.named_modules(remove_duplicate=False):
            self.paths.setdefault(id(each), []).append(path)
        for name, each in inputs.items():
            self._new(each, "input", name, hangs=True)
        for name, parameter in module.named_parameters():
            self._new(parameter, "parameter", name)
        for name, buffer in module.named_buffers():
            if id(buffer) not in self.numbers:
                self._new(buffer, "buffer", name)

    # Functions

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:  # fmt: skip
        kwargs = kwargs or {}
        if self.inside or not self.scopes:
            return function(*args, **kwargs)
        target = resolve_name(function) or f"torch.{getattr(function, '__name__', function)}"
        name = target.removesuffix(".__get__").rpartition(".")[2]
        if name in _TO_PYTHON:
            self._refuse_numbers(name, args)
            return function(*args, **kwargs)
        if name in ("requires_grad_", "grad", "backward", "register_hook", "__repr__", "__format__"):
            return function(*args, **kwargs)
        if changes(name, kwargs) and args and isinstance(args[0], torch.Tensor):
            return self._changed(function, target, args, kwargs)
        result = function(*args, **kwargs)
        if not _holds_tensor(result):
            return result
        read = mapped((args, kwargs), self._read)
        same = isinstance(result, torch.Tensor) and id(result) in self.numbers
        if same and name not in ("dropout", "feature_dropout", "alpha_dropout", "dropout1d", "dropout2d", "dropout3d"):
            return result
        if same:  # what is handed through here is not in training: it needs a name of its own
            result = self._another(result)
        made = self._made(result, () if name in _LIKE else read)
        self.scopes[-1].items.append(Call(target, read[0], read[1], made, here()))
        return result

    def _refuse_numbers(self, name: str, args: Any) -> None:
        for each in leaves(args):
            found = self.numbers.get(id(each)) if isinstance(each, torch.Tensor) else None
            if found is not None and self.known[found.number].hangs:
                raise NumbersError(f"{self.where()}: what runs hangs on the numbers of the inputs (`{name.strip('_')}` "
                                     "of a tensor), which a spec cannot say")  # fmt: skip

    def _changed(self, function: Callable[..., Any], target: str, args: Any, kwargs: Any) -> Any:
        """A call that changes its first argument: what comes of it is another tensor."""
        first = args[0]
        read = mapped((args, kwargs), self._read)
        known = self.known[read[0][0].number]
        if known.origin != "call":
            what = {"input": "an input", "constant": "a tensor of its own"}.get(known.origin, f"its {known.origin}")
            raise ImportingError(f"{self.where()}: {what} is changed in place, which a spec cannot say")
        others = self._sharing(first)
        result = function(*args, **kwargs)
        for number, (tensor, before) in others.items():
            if not torch.equal(tensor, before):
                self.stale[number] = str(here())
        made = self._new(first, "call", hangs=any(self.known[each.number].hangs for each in refs(read)))
        self.scopes[-1].items.append(Call(target, read[0], read[1], made, here()))
        return result

    # Modules

    def called(self, call: Callable[..., Any], module: nn.Module, args: Any, kwargs: Any) -> Any:
        path = self._path(module)
        if self.inside or path is None:
            return call(module, *args, **kwargs)
        read = mapped((args, kwargs), self._read)
        run = watched(module, call, lambda: self._refuse_hook(module, path))
        entry = entry_for(module)
        if entry is not None and self.scopes:
            return self._one(module, path, entry.target, run, read, args, kwargs)
        scope = Scope(path, type(module).__name__, read[0], read[1], _forward_names(module))
        scope.spot = here() if self.scopes else None
        if self.scopes:
            self.scopes[-1].items.append(scope)
        self.scopes.append(scope)
        if entry is not None:  # the whole model is one layer
            result = self._one(module, path, entry.target, run, read, args, kwargs)
        else:
            result = run(*args, **kwargs)
        scope.result = mapped(result, self._read)
        self.scopes.pop()
        self.whole = scope
        return result

    def derived(self, forward: Callable[..., Any], target: str, module: nn.Module, args: Any, kwargs: Any) -> Any:
        """The `forward` of a class of torch.nn that the module's own `forward` calls: a layer without a level."""
        here_ = self.scopes[-1].path if self.scopes else None
        if self.inside or here_ is None or here_ not in self.paths.get(id(module), ()) or is_parametrized(module):
            return forward(module, *args, **kwargs)
        read = mapped((args, kwargs), self._read)
        return self._one(module, here_, target, lambda *a, **k: forward(module, *a, **k), read, args, kwargs)

    def _path(self, module: nn.Module) -> str | None:
        """Where it stands; of several places, the one within what calls it."""
        found = self.paths.get(id(module))
        if found is None or len(found) == 1 or not self.scopes:
            return found[0] if found else None
        around = self.scopes[-1].path
        return max(found, key=lambda path: len(around) if not around or path.startswith(f"{around}.") else -1)

    def _one(
        self, module: nn.Module, path: str, target: str, run: Callable[..., Any], read: Any, args: Any, kwargs: Any
    ) -> Any:
        changed = bool(getattr(module, "inplace", False)) and bool(args)
        if changed and self.known[read[0][0].number].origin == "input":
            raise ImportingError(f"{self.where()}: {path} changes an input in place, which a spec cannot say")
        others = self._sharing(args[0]) if changed else {}
        self.inside += 1
        try:
            result = run(*args, **kwargs)
        finally:
            self.inside -= 1
        for number, (tensor, before) in others.items():
            if not torch.equal(tensor, before):
                self.stale[number] = str(here())
        if not changed:
            result = mapped_same(result, lambda each: self._another(each) if id(each) in self.numbers else each)
        made = self._made(result, read)
        self.scopes[-1].items.append(Call(target, read[0], read[1], made, here(), path))
        return result

    def _refuse_hook(self, module: nn.Module, path: str) -> None:
        raise ImportingError(f"{path or type(module).__name__}: a hook changes what the module reads or gives, which a "
                             "spec cannot say")  # fmt: skip


def changes(name: str, kwargs: Mapping[str, Any]) -> bool:
    """Whether a function changes its first argument, by its name."""
    plain = name.endswith("_") and not name.endswith("__")
    return plain or name == "__setitem__" or (name.startswith("__i") and name not in ("__invert__", "__index__")) or (
        kwargs.get("inplace") is True
    )  # fmt: skip


def mapped_same(value: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """A module's result with its tensors changed; structures that hold none stay the very objects."""
    if isinstance(value, torch.Tensor):
        return change(value)
    if type(value) in (list, tuple):
        return type(value)(mapped_same(each, change) for each in value)
    return value


def _holds_tensor(value: Any) -> bool:
    if isinstance(value, torch.Tensor):
        return True
    if isinstance(value, (list, tuple)):
        return any(map(_holds_tensor, value))
    if isinstance(value, dict):
        return any(map(_holds_tensor, value.values()))
    return isinstance(value, slice) and _holds_tensor((value.start, value.stop, value.step))


def _forward_names(module: nn.Module) -> list[str]:
    import inspect

    try:
        parameters = inspect.signature(module.forward).parameters.values()
    except (TypeError, ValueError):
        return []
    return [each.name for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
