"""Parts of a tensor written anew: slice_scatter, select_scatter, diagonal_scatter. The shape stays."""

from __future__ import annotations

from collections.abc import Mapping

from builder.shapes.call import Call, Made, Misfit, TensorType
from builder.shapes.reading import argument, has_shape, place, tensor
from builder.shapes.rule import Rule
from builder.shapes.sizes import Size


def select_scatter(call: Call) -> Made:
    """`src` has the shape of the input without `dim`."""
    given, dim = _place(call)
    index, size = argument(call, "index"), given.shape[dim]
    inside = not isinstance(index, int) or not isinstance(size, int) or -size <= index < size
    if not inside:
        raise Misfit(f"select_scatter writes place {index} of dim {dim}, but {given} has {size}", argument="index")
    return _written(call, given, (*given.shape[:dim], *given.shape[dim + 1 :]))


def slice_scatter(call: Call) -> Made | None:
    """`src` has the shape of the slice; of a dim whose size is free torch cannot tell, so it must be sliced whole."""
    given, dim = _place(call)
    size, bounds = given.shape[dim], [argument(call, name) for name in ("start", "end", "step")]
    if not all(each is None or isinstance(each, int) for each in bounds):
        return None
    start, end, step = (each if isinstance(each, int) else None for each in bounds)
    if not isinstance(size, int):
        message = f"slice_scatter writes dim {dim}, which has the free size {size}"
        raise Misfit(message, argument="dim", code="free", fix=f"give {size} a number in the model's inputs")
    length = len(range(*slice(start, end, step).indices(size)))
    return _written(call, given, (*given.shape[:dim], length, *given.shape[dim + 1 :]))


def diagonal_scatter(call: Call) -> Made | None:
    """`src` has the shape of the diagonal; where a free size decides how long that is, both must be one size."""
    given, offset = tensor(call, 0, "input"), argument(call, "offset")
    if len(given.shape) < 2:
        raise Misfit(f"diagonal_scatter reads at least two dims, but its input is {given}")
    first, second = (place(call, argument(call, name), len(given.shape), name) for name in ("dim1", "dim2"))
    rows, columns = given.shape[first], given.shape[second]
    rest = tuple(size for index, size in enumerate(given.shape) if index not in (first, second))
    if isinstance(rows, int) and isinstance(columns, int) and isinstance(offset, int):
        length: Size = max(min(rows + min(offset, 0), columns - max(offset, 0)), 0)
    elif rows == columns and isinstance(offset, int):
        length = rows - abs(offset)
    else:
        free = rows if not isinstance(rows, int) else columns
        message = f"how long the diagonal of {given} is hangs on the free size {free}"
        raise Misfit(message, code="free", fix=f"give {free} a number in the model's inputs")
    return _written(call, given, (*rest, length))


def _place(call: Call) -> tuple[TensorType, int]:
    given = tensor(call, 0, "input")
    if not given.shape:
        raise Misfit(f"{call.entry.name} reads at least one dim, but its input is a single number")
    return given, place(call, argument(call, "dim"), len(given.shape))


def _written(call: Call, given: TensorType, wanted: tuple[Size, ...]) -> Made:
    return Made(result=given, conditions=has_shape(call, 1, "src", wanted))


RULES: Mapping[str, Rule] = {
    "diagonal_scatter": diagonal_scatter,
    "select_scatter": select_scatter,
    "slice_scatter": slice_scatter,
}
