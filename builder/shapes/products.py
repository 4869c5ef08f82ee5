"""Matrix products of tensors: matmul, mm, bmm, addmm, baddbmm."""

from __future__ import annotations

from collections.abc import Mapping

from builder.shapes.broadcasting import broadcast_shapes
from builder.shapes.call import Call, Made, Misfit, TensorType
from builder.shapes.conditions import Conditions, needs_equal
from builder.shapes.linear import rows
from builder.shapes.reading import tensor
from builder.shapes.rule import Rule
from builder.shapes.sizes import Free, Size, product


def matmul(call: Call) -> Made:
    """matmul: (..., n, k) @ (..., k, m) -> (..., n, m); one dim is a vector."""
    names = [each.name for each in call.entry.parameters[:2]]
    return multiplied(call, tensor(call, 0, names[0]), tensor(call, 1, names[1]))


def matrix_product(call: Call) -> Made:
    """mm: two dims each; bmm: three, with one batch size and no stretching."""
    dims = 2 if call.entry.name == "mm" else 3
    left, right = tensor(call, 0, "input"), tensor(call, 1, "mat2")
    _demand_dims(call, (left, right), dims)
    return multiplied(call, left, right, _batches_agree(call, left, right))


def added_product(call: Call) -> Made:
    """addmm and baddbmm: input + the product; the input is stretched to it."""
    dims, names = (2, ("mat1", "mat2")) if call.entry.name == "addmm" else (3, ("batch1", "batch2"))
    added, left, right = tensor(call, 0, "input"), tensor(call, 1, names[0]), tensor(call, 2, names[1])
    _demand_dims(call, (left, right), dims)
    made = multiplied(call, left, right, _batches_agree(call, left, right))
    _one_dtype(call, added, left)
    assert isinstance(made.result, TensorType)
    shape, conditions = broadcast_shapes(call.entry.name, made.result.shape, added.shape)
    if shape != made.result.shape:
        raise Misfit(f"{call.entry.name} stretches its input to {made.result}, but it is {added}")
    conditions = (*made.conditions, *conditions)
    return Made(result=made.result, multiply_adds=made.multiply_adds, conditions=conditions)


def multiplied(call: Call, left: TensorType, right: TensorType, conditions: Conditions = ()) -> Made:
    """left @ right as torch.matmul has it."""
    _one_dtype(call, left, right)
    message = f"{call.entry.name} cannot multiply {left} by {right}"
    if not left.shape or not right.shape:
        raise Misfit(message, notes=("a single number has no dim to multiply over",))
    rows_left, columns = left.shape[-2:-1], right.shape[-1:] if len(right.shape) > 1 else ()
    inner, other = left.shape[-1], right.shape[-2] if len(right.shape) > 1 else right.shape[-1]
    notes = (f"the first has {inner} columns, the second {other} rows",)
    conditions += needs_equal(inner, other, Misfit(message, notes=notes)) if inner != other else ()
    batch, more = broadcast_shapes(call.entry.name, left.shape[:-2], right.shape[:-2])
    return Made(
        result=TensorType((*batch, *rows_left, *columns), left.dtype),
        multiply_adds=_cost(left, batch, rows_left, inner, columns),
        conditions=(*conditions, *more),
    )


def _cost(
    left: TensorType, batch: tuple[Size, ...], rows_left: tuple[Size, ...], inner: Size, columns: tuple[Size, ...]
) -> Size:
    """For one sample: the leading dim is the batch's if there are three or more, or if it is free."""
    leading = (*batch, *rows_left)
    if batch or (len(left.shape) == 2 and isinstance(left.shape[0], Free)):
        return rows(leading) * inner * product(columns)
    return product(leading) * inner * product(columns)


def _demand_dims(call: Call, tensors: tuple[TensorType, TensorType], dims: int) -> None:
    if any(len(each.shape) != dims for each in tensors):
        form = "(n, k) and (k, m)" if dims == 2 else "(N, n, k) and (N, k, m)"
        fix = "matmul takes any number of dims"
        raise Misfit(f"{call.entry.name} reads {form}, but it is fed {tensors[0]} and {tensors[1]}", fix=fix)


def _batches_agree(call: Call, left: TensorType, right: TensorType) -> Conditions:
    if len(left.shape) == 2 or left.shape[0] == right.shape[0]:
        return ()
    message = f"{call.entry.name} needs one batch size, but it is fed {left} and {right}"
    return needs_equal(left.shape[0], right.shape[0], Misfit(message))


def _one_dtype(call: Call, left: TensorType, right: TensorType) -> None:
    if left.dtype != right.dtype:
        message = f"{call.entry.name} needs one dtype, but its inputs are {left.dtype} and {right.dtype}"
        raise Misfit(message, code="dtype")
    if left.dtype == "bool":
        raise Misfit(f"{call.entry.name} reads numbers, but its inputs are bool", code="dtype")


RULES: Mapping[str, Rule] = {
    "addmm": added_product,
    "baddbmm": added_product,
    "bmm": matrix_product,
    "matmul": matmul,
    "mm": matrix_product,
}
