"""Several tensors become one, number by number or end to end: add, maximum, where, cat, stack."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from builder.shapes.broadcasting import broadcast
from builder.shapes.call import Call, Made, Misfit, TensorType
from builder.shapes.conditions import Conditions, needs_equal
from builder.shapes.dtypes import category, promoted, result_dtype, with_float
from builder.shapes.reading import argument, operand, place, sequence, tensor
from builder.shapes.rule import Rule
from builder.shapes.sizes import Free, Size

Operand: TypeAlias = "TensorType | float"


def arithmetic(call: Call) -> Made | None:
    """add, sub, mul and their like: shapes are broadcast, dtypes promoted; an operand may be a number."""
    return _combined(call, lambda dtype: dtype)


def division(call: Call) -> Made | None:
    """div: whole numbers give float32, unless `rounding_mode` is written."""
    rounded = isinstance(call.arguments.get("rounding_mode"), str)
    return _combined(call, (lambda dtype: dtype) if rounded else with_float)


def floating(call: Call) -> Made | None:
    """atan2 and its like: whole numbers give float32."""
    return _combined(call, with_float)


def comparison(call: Call) -> Made | None:
    """eq, gt and their like: bool."""
    return _combined(call, lambda _: "bool")


def where(call: Call) -> Made | None:
    """where(condition, input, other): broadcast; the condition is bool."""
    if len(call.reads) + len(call.keyword_reads) + len({"self", "input", "other"} & set(call.arguments)) < 3:
        return None
    condition = tensor(call, 0, "condition")
    if condition.dtype not in ("bool", "uint8"):
        raise Misfit(f"where reads a condition of bool, but it is {condition.dtype}", code="dtype")
    given = _operands(call, ("input", "other"), 1)
    if given is None:
        return None
    shape, conditions = broadcast("where", [condition, *(each for each in given if isinstance(each, TensorType))])
    return Made(result=TensorType(shape, result_dtype(given)), conditions=conditions)


def masked_fill(call: Call) -> Made | None:
    """masked_fill(self, mask, value): the mask is bool and is broadcast; the dtype stays."""
    given, mask = tensor(call, 0, "self"), tensor(call, 1, "mask")
    if mask.dtype != "bool":
        raise Misfit(f"masked_fill reads a mask of bool, but it is {mask.dtype}", code="dtype")
    shape, conditions = broadcast("masked_fill", [given, mask])
    return Made(result=TensorType(shape, given.dtype), conditions=conditions)


def cat(call: Call) -> Made:
    """cat: end to end along `dim`; all other dims agree."""
    given = sequence(call)
    kept = [each for each in given if each.shape != (0,)] or given
    if not kept[0].shape:
        raise Misfit(f"{call.entry.name} reads tensors with at least one dim, but the first is a single number")
    dim = place(call, argument(call, "dim", "axis"), len(kept[0].shape))
    total: Size = 0
    conditions: Conditions = ()
    for each in kept:
        conditions += _agree(call, kept[0], each, dim)
        total = total + each.shape[dim]
    shape = (*kept[0].shape[:dim], total, *kept[0].shape[dim + 1 :])
    return Made(result=TensorType(shape, _promoted(given)), conditions=conditions)


def stack(call: Call) -> Made:
    """stack: a new dim at `dim`; all shapes are the same."""
    given = sequence(call)
    conditions = tuple(condition for each in given for condition in _agree(call, given[0], each, None))
    dim = place(call, argument(call, "dim"), len(given[0].shape) + 1)
    shape = (*given[0].shape[:dim], len(given), *given[0].shape[dim:])
    return Made(result=TensorType(shape, _promoted(given)), conditions=conditions)


def _agree(call: Call, first: TensorType, other: TensorType, but: int | None) -> Conditions:
    where_ = "" if but is None else f" in all dims but dim {but}"
    message = f"{call.entry.name} reads tensors that agree{where_}, but they are {first} and {other}"
    if len(first.shape) != len(other.shape):
        raise Misfit(message)
    conditions: Conditions = ()
    for index, (a, b) in enumerate(zip(first.shape, other.shape, strict=True)):
        if index != but and a != b:
            conditions += needs_equal(a, b, Misfit(message, notes=(f"dim {index} has {a} and {b}",)))
    return conditions


def _promoted(tensors: list[TensorType]) -> str:
    dtype = tensors[0].dtype
    for each in tensors[1:]:
        dtype = promoted(dtype, each.dtype)
    return dtype


def _combined(call: Call, dtype_of: Callable[[str], str]) -> Made | None:
    names = call.entry.argument_names[:2]  # of max and min the second is another signature's
    given = _operands(call, names, 0)
    if given is None:
        return None
    tensors = [each for each in given if isinstance(each, TensorType)]
    shape, conditions = broadcast(call.entry.name, tensors)
    dtype = result_dtype(given)
    _demand_arithmetic(call, given)
    return Made(result=TensorType(shape, dtype_of(dtype)), conditions=conditions)


def _demand_arithmetic(call: Call, given: list[Operand]) -> None:
    """torch takes no truth value away, and divides or raises nothing where all are truth values."""
    truths = [category(each.dtype) == 0 if isinstance(each, TensorType) else isinstance(each, bool) for each in given]
    if call.entry.name == "pow" and isinstance(given[1], bool):
        return
    if (call.entry.name in _NO_TRUTH and any(truths)) or (call.entry.name in _NOT_ALL_TRUTH and all(truths)):
        raise Misfit(f"{call.entry.name} reads numbers, but one of its inputs is bool", code="dtype")


def _operands(call: Call, names: tuple[str, ...], start: int) -> list[Operand] | None:
    """Tensors and numbers in order; None where one is something else (an array that becomes a tensor).

    A number in the first one's place is called `self`, and what is fed comes behind it.
    """
    found: list[Operand] = []
    for index, name in enumerate(names, start):
        before = int(name != names[0] and "self" in call.arguments)
        value: object = operand(call, index - before, name)
        if name == names[0] and "self" in call.arguments:
            value = call.arguments["self"]
        if value is None:
            value = call.arguments.get(name)
        if value is None:
            raise Misfit(f"{call.entry.name} needs {name}, a tensor or a number", argument=name, code="argument")
        if isinstance(value, Free):
            value = 1  # a whole number, as far as dtypes go
        if not isinstance(value, (TensorType, int, float)):
            return None
        found.append(value)
    return found


_ARITHMETIC = (
    "add", "sub", "subtract", "mul", "multiply", "pow", "maximum", "minimum", "fmax", "fmin",
    "floor_divide", "fmod", "remainder",
)  # fmt: skip
_NO_TRUTH = ("sub", "subtract")
_NOT_ALL_TRUTH = ("floor_divide", "fmod", "pow", "remainder")
_COMPARISON = (
    "eq", "ne", "gt", "ge", "lt", "le", "greater", "greater_equal", "less", "less_equal", "not_equal", "logical_and",
    "logical_or", "logical_xor",
)  # fmt: skip
RULES: Mapping[str, Rule] = {
    **dict.fromkeys(_ARITHMETIC, arithmetic),
    **dict.fromkeys(_COMPARISON, comparison),
    "arctan2": floating,
    "atan2": floating,
    "cat": cat,
    "concat": cat,
    "concatenate": cat,
    "div": division,
    "divide": division,
    "masked_fill": masked_fill,
    "stack": stack,
    "true_divide": floating,
    "where": where,
}
