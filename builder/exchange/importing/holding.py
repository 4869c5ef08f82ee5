"""What the state dict has keys of finds its place: parameters that the code uses directly, and those that it does not
use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import torch
from torch import nn

from builder.exchange.importing.constants import made_constant
from builder.exchange.importing.errors import ImportingError
from builder.exchange.importing.leaves import entry_for
from builder.exchange.importing.lowering import Lowered
from builder.exchange.importing.steps import Step
from builder.exchange.importing.values import Known, Ref

# What modules of torch.nn call their parameters and buffers.
_OF_LAYERS: Final = re.compile(
    r"weight|bias|running_\w+|num_batches_tracked|in_proj_\w+|[qkv]_proj_weight|bias_[kv]|out_proj\.\w+|"
    r"(weight|bias)_(ih|hh|hr)(_l\d+(_reverse)?)?"
)


@dataclass(slots=True)
class Holding:
    """owned: tensors that a module which is called has: which step, under which name. ties: keys of the state dict
    whose tensor is that of an earlier key."""

    owned: dict[Ref, tuple[Step, str]] = field(default_factory=dict)
    ties: dict[str, str] = field(default_factory=dict)


def held(module: nn.Module, whole: Lowered, known: list[Known]) -> Holding:
    """Put `Parameter` and `Buffer` steps into the scopes. Raises ImportingError where one is used before there can be
    a place for it."""
    found = Holding()
    covered = _covered(whole, module)
    paths = _paths(module)
    for ref, user in _direct(whole, known):
        if ref in found.owned or ref.number < 0:
            continue
        each = known[ref.number]
        if each.origin == "constant":
            _before(whole, user, made_constant(ref, each, user.spot))
            known[ref.number].origin = "call"
            continue
        names = paths[id(each.tensor)]
        order = list(steps(whole))
        before = [name for name in names if name in covered and order.index(covered[name]) < order.index(user)]
        if before:
            found.owned[ref] = (covered[before[0]], before[0].rpartition(".")[2])
            continue
        path = _nearest(names, _scope_of(whole, user).scope.path)
        _placed(whole, user, _stored(ref, each, path, module))
        covered[path] = user
    _unused(module, whole, covered)
    found.ties = _ties(module, whole, paths)
    return found


def _ties(module: nn.Module, whole: Lowered, paths: dict[int, list[str]]) -> dict[str, str]:
    """Of several keys with one tensor, the first in the order of the spec has it."""
    several = {name: names for names in paths.values() if len(names) > 1 for name in names}
    first: dict[str, str] = {}
    found: dict[str, str] = {}
    for step in steps(whole):
        for key in _keys(module, step) if step.path is not None and not step.again else ():
            if key in several:
                holder = first.setdefault(several[key][0], key)
                if holder != key:
                    found[key] = holder
    return found


def _keys(module: nn.Module, step: Step) -> list[str]:
    """The keys that a step has in the state dict."""
    path = str(step.path)
    if step.type in ("Parameter", "Buffer"):
        return [path]
    own = module.get_submodule(path)
    names = [name for name, _ in own.named_parameters(remove_duplicate=False)]
    if entry_for(own) is None:
        names = [name for name in names if _OF_LAYERS.fullmatch(name)]
    return [f"{path}.{name}" if path else name for name in names]


def steps(scope: Lowered) -> Iterator[Step]:
    for each in scope.items:
        if isinstance(each, Lowered):
            yield from steps(each)
        else:
            yield each


def scopes(scope: Lowered) -> Iterator[Lowered]:
    yield scope
    for each in scope.items:
        if isinstance(each, Lowered):
            yield from scopes(each)


def _covered(whole: Lowered, module: nn.Module) -> dict[str, Step]:
    """Of each key of the state dict, the step of the module that has it."""
    found: dict[str, Step] = {}
    modules = dict(module.named_modules(remove_duplicate=False))
    for each in steps(whole):
        if each.path is not None and not each.again and each.path in modules:
            own = modules[each.path]
            names = [name for name, _ in (*own.named_parameters(remove_duplicate=False), *own.named_buffers())]
            if entry_for(own) is None:  # it is a layer with more around it: what else it holds is not that layer's
                names = [name for name in names if _OF_LAYERS.fullmatch(name)]
            found |= {f"{each.path}.{name}" if each.path else name: each for name in names}
    return found


def _paths(module: nn.Module) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for name, each in (*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False)):
        found.setdefault(id(each), []).append(name)
    return found


def _nearest(names: list[str], around: str) -> str:
    return max(names, key=lambda name: len(around) if not around or name.startswith(f"{around}.") else -1)


def _direct(whole: Lowered, known: list[Known]) -> list[tuple[Ref, Step]]:
    """Parameters, buffers and constants that steps read, each with its first reader."""
    found: dict[Ref, Step] = {}
    for each in steps(whole):
        for ref in each.reads():
            if known[ref.number].origin in ("parameter", "buffer", "constant"):
                found.setdefault(ref, each)
    return list(found.items())


def _scope_of(whole: Lowered, step: Step) -> Lowered:
    return next(scope for scope in scopes(whole) if step in scope.items)


def _stored(ref: Ref, each: Known, path: str, module: nn.Module) -> Step:
    if each.origin == "buffer" and path not in module.state_dict():
        return made_constant(ref, each, None, path)
    return _keeping(ref, each.origin == "parameter", path, each.tensor)


def _keeping(ref: Ref, parameter: bool, path: str, tensor: torch.Tensor | None) -> Step:
    assert tensor is not None
    dtype = str(tensor.dtype).removeprefix("torch.")
    arguments: dict[str, object] = {"shape": list(tensor.shape)}
    if not tensor.is_floating_point():
        arguments["dtype"] = dtype
    if not parameter:
        arguments["init"] = 0
    return Step("Parameter" if parameter else "Buffer", ref, arguments=arguments, path=path, keeps=True)


def _before(whole: Lowered, user: Step, new: Step) -> None:
    scope = _scope_of(whole, user)
    scope.items.insert(scope.items.index(user), new)


def _placed(whole: Lowered, user: Step, new: Step) -> None:
    """Into the innermost scope that its path lies in: right before what uses it, or first where that lies outside."""
    path = str(new.path)
    if new.path is None:
        _before(whole, user, new)
        return
    within = [each for each in scopes(whole) if not each.scope.path or path.startswith(f"{each.scope.path}.")]
    scope = max(within, key=lambda each: len(each.scope.path))
    at = next((n for n, each in enumerate(scope.items) if each is user or (isinstance(each, Lowered) and user in
               steps(each))), None)  # fmt: skip
    if at is None:
        order = list(_walk(whole))
        if order.index(user) < order.index(scope):
            raise ImportingError(f"{path} is used before {scope.scope.path}, which holds it, is called")
    direct = "." not in path.removeprefix(f"{scope.scope.path}." if scope.scope.path else "")
    first = next((n for n, each in enumerate(scope.items) if not isinstance(each, Step) or not each.is_stored()), 0)
    scope.items.insert(first if direct else at or 0, new)


def _walk(scope: Lowered) -> Iterator[Step | Lowered]:
    yield scope
    for each in scope.items:
        if isinstance(each, Lowered):
            yield from _walk(each)
        else:
            yield each


def _unused(module: nn.Module, whole: Lowered, covered: dict[str, Step]) -> None:
    """Keys of the state dict that nothing uses are tensors at the start of the scope that they lie in."""
    parameters = dict(module.named_parameters(remove_duplicate=False))
    buffers = dict(module.named_buffers(remove_duplicate=False))
    numbers = -1
    for key in reversed(list(module.state_dict())):
        if key in covered or key not in {**parameters, **buffers}:
            continue
        within = [each for each in scopes(whole) if not each.scope.path or key.startswith(f"{each.scope.path}.")]
        scope = max(within, key=lambda each: len(each.scope.path))
        new = _keeping(Ref(numbers), key in parameters, key, parameters.get(key, buffers.get(key)))
        numbers -= 1
        scope.items.insert(_after_siblings(scope, key), new)


def _after_siblings(scope: Lowered, key: str) -> int:
    """Where the numbers of a list that it belongs to stay in order; else first."""
    parts = key.removeprefix(f"{scope.scope.path}." if scope.scope.path else "").split(".")
    at = 0
    for number, each in enumerate(scope.items):
        path = each.scope.path if isinstance(each, Lowered) else each.path
        if path is None:
            continue
        other = path.removeprefix(f"{scope.scope.path}." if scope.scope.path else "").split(".")
        for mine, theirs in zip(parts, other, strict=False):
            if mine != theirs:
                if mine.isdigit() and theirs.isdigit() and int(theirs) < int(mine):
                    at = number + 1
                break
    return at
