"""What rules ask of a call: arguments as numbers, operands by place or name, sizes where they must be fixed.

Every function objects with a `Misfit` in the user's own words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from builder.shapes.call import Call, Misfit, TensorType, Value, shape_text
from builder.shapes.conditions import Conditions, needs_equal
from builder.shapes.dtypes import category
from builder.shapes.sizes import Free, Size, names
from dsl.catalogue.entries import REQUIRED

Shapes: TypeAlias = Mapping[str, tuple[int, ...]]


def argument(call: Call, *spellings: str) -> object:
    """The argument under the first spelling that is written, else PyTorch's default, else None.

    Functions and methods of one name differ in how they spell an argument (`shape` of reshape, `size` of view).
    """
    for name in spellings:
        if name in call.arguments:
            return call.arguments[name]
    for name in spellings:
        if call.entry.accepts(name):
            default = call.entry.parameter(name).default
            return None if default is REQUIRED else default
    return None


def operand(call: Call, index: int, name: str) -> Value:
    """What is fed at this place, or by this name; None where nothing is."""
    if index < len(call.reads):
        return call.reads[index]
    return call.keyword_reads.get(name)


def tensor(call: Call, index: int, name: str) -> TensorType:
    """`operand` where a tensor is needed."""
    value = operand(call, index, name)
    if isinstance(value, TensorType):
        return value
    if value is None:
        raise Misfit(f"{call.entry.name} needs a tensor `{name}`, and nothing is fed to it", code="argument")
    raise Misfit(f"{call.entry.name} reads a tensor as `{name}`, but several results or a choice reach it")


def optional_tensor(call: Call, index: int, name: str) -> TensorType | None:
    return None if operand(call, index, name) is None else tensor(call, index, name)


def has_shape(call: Call, index: int, name: str, wanted: tuple[Size, ...]) -> Conditions:
    """A tensor that may be left out has this shape where it is fed."""
    fed = optional_tensor(call, index, name)
    if fed is None:
        return ()
    misfit = Misfit(f"{call.entry.name} reads {name} of {shape_text(wanted)}, but it is {fed}")
    if len(fed.shape) != len(wanted):
        raise misfit
    pairs = zip(fed.shape, wanted, strict=True)
    return tuple(each for a, b in pairs if a != b for each in needs_equal(a, b, misfit))


def sequence(call: Call, name: str = "tensors") -> list[TensorType]:
    """The tensors of a function that takes a sequence of them, at least one."""
    fed: object = call.reads
    if not call.reads:
        fed = call.keyword_reads.get(name, ())
    elif len(call.reads) == 1 and not isinstance(call.reads[0], TensorType):
        fed = call.reads[0]
    found = list(fed.values()) if isinstance(fed, dict) else list(fed) if isinstance(fed, (tuple, list)) else [fed]
    alone = fed is call.reads and len(call.reads) == 1  # torch takes no tensor in place of a list of one
    if alone or not found or not all(isinstance(each, TensorType) for each in found):
        raise Misfit(f"{call.entry.name} reads a list of tensors: input = [...]", code="argument")
    return [each for each in found if isinstance(each, TensorType)]


def whole(call: Call, name: str, least: int | None = None) -> int:
    """An argument that is one whole number."""
    value = argument(call, name)
    if isinstance(value, Free):
        raise free_argument(call, name, value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Misfit(f"{call.entry.name} needs {name}, a whole number", argument=name, code="argument")
    return _at_least(call, name, value, least)


def numbers(call: Call, name: str, count: int, least: int | None = None) -> tuple[int, ...]:
    """An argument that is one whole number for every dim, or a list with one for each."""
    value = argument(call, name)
    if isinstance(value, int) and not isinstance(value, bool):
        return (_at_least(call, name, value, least),) * count
    if isinstance(value, Free):
        raise free_argument(call, name, value)
    if not isinstance(value, (list, tuple)):
        raise Misfit(f"{call.entry.name} needs {name}", argument=name, code="argument")
    if len(value) == 1:
        value = [*value] * count
    if len(value) != count:
        message = f"{call.entry.name} needs {count} numbers in {name}, or one for all, but it has {len(value)}"
        raise Misfit(message, argument=name)
    return tuple(_at_least(call, name, _number(call, name, each), least) for each in value)


def sizes(call: Call, *spellings: str) -> tuple[Size, ...]:
    """An argument that is a list of sizes; one number is a list of one. Free sizes may stand in it."""
    value = argument(call, *spellings)
    if isinstance(value, (int, Free)):
        return (value,)
    if not isinstance(value, (list, tuple)) or not all(isinstance(each, (int, Free)) for each in value):
        raise Misfit(f"{call.entry.name} needs {spellings[0]}, a list of sizes", argument=spellings[0], code="argument")
    return tuple(value)


def _number(call: Call, name: str, value: object) -> int:
    if isinstance(value, Free):
        raise free_argument(call, name, value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Misfit(f"{call.entry.name} needs whole numbers in {name}", argument=name, code="argument")
    return value


def _at_least(call: Call, name: str, value: int, least: int | None) -> int:
    if least is not None and value < least:
        message = f"{call.entry.name} needs {name} to be at least {least}, but it is {value}"
        raise Misfit(message, argument=name, code="argument")
    return value


def free_argument(call: Call, name: str, size: Free) -> Misfit:
    return Misfit(
        f"{name} of {call.entry.name} must be a fixed number, but it hangs on the free size {names_text(size)}",
        argument=name,
        fix=f"give {names_text(size)} a number in the model's inputs",
        code="free",
    )


def names_text(size: Size) -> str:
    return " and ".join(sorted(names(size)))


def agreed(call: Call, name: str, found: Size, noun: str) -> tuple[int, dict[str, object]]:
    """A constructor argument that the input tells (`in_features`): its value, and `{name: value}` if it is left out.

    Misfit where what is written differs from the input, or where the input's size is free.
    """
    kind = call.entry.name
    if isinstance(found, Free):
        raise Misfit(
            f"{kind} needs a fixed number of {noun}, but its input has {found}",
            argument=name if name in call.arguments else None,
            fix=f"give {names_text(found)} a number in the model's inputs",
            code="free",
        )
    if name not in call.arguments:
        return found, {name: found}
    written = whole(call, name)
    if written != found:
        raise Misfit(
            f"{kind} expects {written} {noun}, but its input has {found}",
            argument=name,
            fix=f"{name} = {found}, or leave {name} out",
            replacement=f"{name} = {found}",
        )
    return found, {}


def fixed(call: Call, size: Size, noun: str) -> int:
    """A size that must be known before the model runs."""
    if isinstance(size, Free):
        message = f"{call.entry.name} needs a fixed {noun}, but it is {size}"
        raise Misfit(message, fix=f"give {names_text(size)} a number in the model's inputs", code="free")
    return size


def place(call: Call, dim: object, dims: int, name: str = "dim") -> int:
    """A dim counted from the front: -1 is the last."""
    if isinstance(dim, bool) or not isinstance(dim, int):
        raise Misfit(f"{call.entry.name} needs {name}, a whole number", argument=name, code="argument")
    if not -max(dims, 1) <= dim < max(dims, 1):
        raise Misfit(f"{call.entry.name} has {name} {dim}, but its input has {dims} dims", argument=name)
    return dim % max(dims, 1)


def places(call: Call, dims: int, *spellings: str) -> tuple[int, ...]:
    """An argument that is one dim or a list of different ones, counted from the front."""
    name = spellings[0]
    given = argument(call, *spellings)
    listed = given if isinstance(given, (list, tuple)) else [given]
    found = tuple(place(call, each, dims, name) for each in listed)
    if len(set(found)) < len(found):
        raise Misfit(f"{call.entry.name} has one dim twice in {name}", argument=name)
    return found


def weight_dtype(call: Call) -> str:
    """The dtype of a module's parameters: float32, unless its `dtype` says otherwise."""
    written = argument(call, "dtype")
    return written if isinstance(written, str) else "float32"


def demand_weights_dtype(call: Call, given: TensorType) -> None:
    """A module with weights reads only tensors of the weights' dtype."""
    wanted = weight_dtype(call)
    if given.dtype != wanted:
        fix = f'a layer {{ type = "to", dtype = "{wanted}" }} before it, if that is meant'
        raise Misfit(f"{call.entry.name} reads {wanted}, but its input is {given.dtype}", fix=fix, code="dtype")


def demand_floating(call: Call, given: TensorType, what: str = "its input") -> None:
    if category(given.dtype) < 2:
        raise Misfit(f"{call.entry.name} reads floating-point numbers, but {what} is {given.dtype}", code="dtype")


def demand_dims(call: Call, given: TensorType, allowed: tuple[int, ...], form: str) -> None:
    """`form` shows what is read: "(N, C, H, W) or (C, H, W)"."""
    if len(given.shape) not in allowed:
        raise Misfit(f"{call.entry.name} reads {form}, but its input is {shape_text(given.shape)}")
