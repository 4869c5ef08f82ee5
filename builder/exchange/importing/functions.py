"""A recorded call of a function, held against the catalogue: which type it is, and which argument is which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch

from builder.exchange.importing.values import Ref, Vary, mapped
from dsl.catalogue import Entry, Parameter
from dsl.catalogue.lookup import find_torch
from dsl.catalogue.types import mismatch

# What the language settles by itself, or what is about memory alone.
_SETTLED: Final = frozenset((
    "device", "layout", "pin_memory", "requires_grad", "memory_format", "non_blocking", "copy", "out", "generator",
    "_stacklevel", "training", "inplace", "names",
))  # fmt: skip
_OTHER_WORDS: Final = {"axis": "dim", "keepdims": "keepdim", "axes": "dim", "self": "input", "x": "input"}
# Python's names for what torch calls otherwise.
_PLAIN: Final = {
    "__and__": "bitwise_and", "__or__": "bitwise_or", "__xor__": "bitwise_xor", "__invert__": "bitwise_not",
    "__floordiv__": "floor_divide", "__pow__": "pow", "__mod__": "remainder", "__matmul__": "matmul",
    "__eq__": "eq", "__ne__": "ne", "__lt__": "lt", "__le__": "le", "__gt__": "gt", "__ge__": "ge", "__neg__": "neg",
    "__abs__": "abs", "__truediv__": "div", "__div__": "div", "__add__": "add", "__sub__": "sub", "__mul__": "mul",
    "__radd__": "add", "__rmul__": "mul", "__iadd__": "add", "__isub__": "sub", "__imul__": "mul",
    "__itruediv__": "div", "__idiv__": "div", "__iand__": "bitwise_and", "__ior__": "bitwise_or", "__ipow__": "pow",
    "true_divide": "div", "divide": "div", "multiply": "mul", "subtract": "sub", "absolute": "abs", "negative": "neg",
    "concat": "cat", "concatenate": "cat", "clip": "clamp", "swapaxes": "transpose", "swapdims": "transpose",
    "greater": "gt", "greater_equal": "ge", "less": "lt", "less_equal": "le", "not_equal": "ne", "type": "to",
    "moveaxis": "movedim", "spmm": "mm",
}  # fmt: skip


def plain_name(target: str) -> str:
    """The name of a function by itself: `torch.Tensor.add_` -> add."""
    name = target.rpartition(".")[2]
    name = _PLAIN.get(name, name)
    changing = name.endswith("_") and not name.endswith("__")
    return name.removesuffix("_") if changing else name


def entries_of(target: str) -> list[tuple[str, Entry]]:
    """The types that a call may be, as a spec names them: by the plain name where that leads to the same function."""
    name = plain_name(target)
    space = target.rpartition(".")[0]
    exact = find_torch(f"{space}.{name}") if space.startswith("torch") else None
    found = [(name, entry)] if (entry := find_torch(name)) is not None else []
    if exact is not None and found and exact.target != found[0][1].target:
        same = _arguments(exact) == _arguments(found[0][1])
        return found if same else [(exact.target, exact)]
    if exact is not None:
        return [(name if found else exact.target, exact)]
    if not found and (entry := find_torch(f"torch.Tensor.{name}") or find_torch(f"torch.{name}")) is not None:
        found = [(entry.target, entry)]
    return [each for each in found if each[1].role in ("function", "method")]


def _arguments(entry: Entry) -> list[str]:
    """The names of an entry's arguments but the first, which a method has as itself."""
    return [each.name for each in entry.parameters if each.name not in ("training", "inplace")][1:]


def bound(entry: Entry, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]] | None:
    """The arguments by name without those that are the default, and the tensors that the signature needs; None where no
    signature takes them."""
    for signature in (entry.parameters, *entry.overloads):
        found = _placed(signature, args, kwargs)
        if found is not None:
            defaults = {each.name: each.default for each in signature if not each.required}
            kept = {key: value for key, value in found.items()
                    if key == "training" or key not in defaults or value != defaults[key]}  # fmt: skip
            return kept, [each.name for each in signature if each.required and each.takes_tensor]
    return None


def _placed(signature: Sequence[Parameter], args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any] | None:
    rest, found = [argument(each) for each in args], {}
    for parameter in signature:
        if not rest:
            break
        if parameter.passing == "spread":
            found[parameter.name] = rest[0] if len(rest) == 1 and isinstance(rest[0], list) else rest
            rest = []
        elif _takes_run(parameter, rest):
            run = next((at for at, each in enumerate(rest) if not is_whole(each)), len(rest))
            found[parameter.name], rest = rest[:run], rest[run:]
        else:
            found[parameter.name] = rest.pop(0)
    if rest:
        return None
    names = {each.name: each for each in signature}
    for key, value in kwargs.items():
        if _is_settled(key, value) or (value is None and key not in names):
            continue
        word = key if key in names else _OTHER_WORDS.get(key, key)
        if word not in names and word == "input" and "self" in names:
            word = "self"
        if word not in names or word in found:
            return None
        found[word] = argument(value)
    found = {key: value for key, value in found.items() if not _is_settled(key, value)}
    missing = any(each.required and each.name not in found for each in signature)
    return None if missing or not all(_fits(names[key], value) for key, value in found.items()) else found


def _is_settled(key: str, value: Any) -> bool:
    """Whether an argument is the language's own affair. A function that is told to train, though the module is in
    evaluation, always does."""
    return key in _SETTLED and not (key == "training" and value is True)


def _takes_run(parameter: Parameter, rest: Sequence[Any]) -> bool:
    """Whether whole numbers that stand one behind the other are this argument: view(2, 3)."""
    kinds = parameter.type.split(" | ")
    lists = any(each.startswith("int[") for each in kinds)
    return lists and is_whole(rest[0]) and ("int" not in kinds or (len(rest) > 1 and all(map(is_whole, rest))))


def is_whole(value: Any) -> bool:
    return isinstance(value, Vary) or (isinstance(value, int) and not isinstance(value, bool))


def argument(value: Any) -> Any:
    """An argument as a spec can say it: tuples as lists, dtypes as words."""
    if isinstance(value, (list, tuple)):
        return [argument(each) for each in value]
    if isinstance(value, torch.dtype):
        return str(value).removeprefix("torch.")
    return value


def _fits(parameter: Parameter, value: Any) -> bool:
    kinds = parameter.type.split(" | ")
    if isinstance(value, Ref):
        return "tensor" in kinds
    if isinstance(value, list) and value and all(isinstance(each, Ref) for each in value):
        return "tensors" in kinds
    if holds_ref(value):
        return "any" in kinds
    others = " | ".join(each for each in kinds if each not in ("tensor", "tensors"))
    return bool(others) and mismatch(others, value) is None


def holds_ref(value: Any) -> bool:
    found: list[Ref] = []
    mapped(value, lambda each: found.append(each) if isinstance(each, Ref) else None)
    return bool(found)
