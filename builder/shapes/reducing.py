"""Many numbers become few: sum, mean, max, norm along some dims or over all; and running sums, which keep the shape."""

from __future__ import annotations

from collections.abc import Mapping

from builder.shapes.call import Call, Made, Misfit, TensorType, Value
from builder.shapes.conditions import needs_at_least
from builder.shapes.dtypes import category, summed
from builder.shapes.merging import arithmetic
from builder.shapes.reading import argument, demand_floating, place, tensor
from builder.shapes.rule import Rule
from builder.shapes.sizes import Free, Size


def averaged(call: Call) -> Made:
    """mean, var, std, norm, logsumexp: floating-point numbers only."""
    given = tensor(call, 0, "input")
    written = call.arguments.get("dtype")
    if isinstance(written, str):
        given = TensorType(given.shape, written)
    demand_floating(call, given)
    return Made(result=TensorType(_reduced(call, given), given.dtype))


def both_averaged(call: Call) -> Made:
    """var_mean and std_mean: two results."""
    made = averaged(call)
    return Made(result=(made.result, made.result))


def added_up(call: Call) -> Made:
    """sum, prod, nansum: whole numbers give int64, unless `dtype` is written."""
    given = tensor(call, 0, "input")
    return Made(result=TensorType(_reduced(call, given), _written_dtype(call, summed(given.dtype))))


def logsumexp(call: Call) -> Made:
    given = tensor(call, 0, "input")
    dtype = given.dtype if category(given.dtype) >= 2 else "float32"
    return Made(result=TensorType(_reduced(call, given), dtype))


def extreme(call: Call) -> Made:
    """amax and amin: one result, of the input's dtype."""
    given = tensor(call, 0, "input")
    return Made(result=TensorType(_reduced(call, given), given.dtype))


def extreme_with_place(call: Call) -> Made | None:
    """max, min, median, mode: of all, or along `dim` with the places; max and min of two tensors are merged."""
    if call.entry.name in ("max", "min") and (len(call.reads) > 1 or "other" in call.keyword_reads):
        return arithmetic(call)
    given = tensor(call, 0, "input")
    if "dim" not in call.arguments and call.entry.name != "mode":
        return Made(result=TensorType((), given.dtype))
    shape = _reduced(call, given)
    return Made(result=_with_places(shape, given.dtype))


def place_of_extreme(call: Call) -> Made:
    """argmax and argmin: int64."""
    return Made(result=TensorType(_reduced(call, tensor(call, 0, "input")), "int64"))


def truth(call: Call) -> Made:
    """any and all: bool."""
    given = tensor(call, 0, "input")
    dtype = "uint8" if given.dtype == "uint8" else "bool"
    return Made(result=TensorType(_reduced(call, given), dtype))


def running_sum(call: Call) -> Made:
    """cumsum and cumprod: the shape stays."""
    given = tensor(call, 0, "input")
    place(call, argument(call, "dim"), len(given.shape))
    return Made(result=TensorType(given.shape, _written_dtype(call, summed(given.dtype))))


def running_extreme(call: Call) -> Made:
    """cummax and cummin: values and places."""
    given = tensor(call, 0, "input")
    place(call, argument(call, "dim"), len(given.shape))
    return Made(result=_with_places(given.shape, given.dtype))


def sort(call: Call) -> Made:
    """sort: values and places; argsort: places."""
    given = tensor(call, 0, "input")
    place(call, argument(call, "dim"), len(given.shape))
    if call.entry.name == "argsort":
        return Made(result=TensorType(given.shape, "int64"))
    return Made(result=_with_places(given.shape, given.dtype))


def topk(call: Call) -> Made:
    """topk: the `k` largest along `dim`, values and places."""
    given, count = tensor(call, 0, "input"), argument(call, "k")
    dim = place(call, argument(call, "dim"), len(given.shape))
    if not isinstance(count, (int, Free)) or isinstance(count, bool):
        raise Misfit("topk needs k, a whole number", argument="k", code="argument")
    size = given.shape[dim] if given.shape else 1
    misfit = Misfit(f"topk picks {count} of dim {dim}, but its input {given} has {size} there", argument="k")
    conditions = needs_at_least(size - count, 0, misfit)
    shape = (*given.shape[:dim], count, *given.shape[dim + 1 :]) if given.shape else ()
    return Made(result=_with_places(shape, given.dtype), conditions=conditions)


def _with_places(shape: tuple[Size, ...], dtype: str) -> dict[str, Value]:
    return {"values": TensorType(shape, dtype), "indices": TensorType(shape, "int64")}


def _written_dtype(call: Call, otherwise: str) -> str:
    written = call.arguments.get("dtype")
    return written if isinstance(written, str) else otherwise


def _reduced(call: Call, given: TensorType) -> tuple[Size, ...]:
    """The shape without the dims in `dim`, or with 1 in their place; without `dim` all go."""
    dims, chosen = len(given.shape), argument(call, "dim", "axis")
    listed = chosen if isinstance(chosen, (list, tuple)) else [] if chosen is None else [chosen]
    picked = {place(call, each, dims) for each in listed} or set(range(dims))
    if len(listed) > len(picked):
        raise Misfit(f"{call.entry.name} has one dim twice in dim", argument="dim")
    if argument(call, "keepdim") is True:
        return tuple(1 if index in picked else size for index, size in enumerate(given.shape))
    return tuple(size for index, size in enumerate(given.shape) if index not in picked)


RULES: Mapping[str, Rule] = {
    "all": truth,
    "amax": extreme,
    "amin": extreme,
    "any": truth,
    "argmax": place_of_extreme,
    "argmin": place_of_extreme,
    "argsort": sort,
    "cummax": running_extreme,
    "cummin": running_extreme,
    "cumprod": running_sum,
    "cumsum": running_sum,
    "logsumexp": logsumexp,
    "max": extreme_with_place,
    "mean": averaged,
    "median": extreme_with_place,
    "min": extreme_with_place,
    "mode": extreme_with_place,
    "nansum": added_up,
    "norm": averaged,
    "prod": added_up,
    "sort": sort,
    "std": averaged,
    "std_mean": both_averaged,
    "sum": added_up,
    "topk": topk,
    "var": averaged,
    "var_mean": both_averaged,
}
