"""Numbers picked by index, and shapes taken from another tensor: gather, index_select, view_as; Unfold's windows."""

from __future__ import annotations

from collections.abc import Mapping

from builder.shapes.call import Call, Made, Misfit, TensorType
from builder.shapes.conditions import Conditions, needs_at_least, needs_equal
from builder.shapes.reading import argument, demand_dims, fixed, numbers, place, tensor, whole
from builder.shapes.rule import Rule
from builder.shapes.sizes import Size, product


def gather(call: Call) -> Made | None:
    """gather: along `dim`, the result has the shape of `index`; single numbers are torch's to judge."""
    given, index = tensor(call, 0, "input"), tensor(call, 1, "index")
    if not given.shape or not index.shape:
        return None
    _demand_index(call, index, ("int64", "int32"))
    dim = place(call, argument(call, "dim"), len(given.shape))
    message = f"gather needs an index no larger than its input but in dim {dim}, but they are {index} and {given}"
    if len(index.shape) != len(given.shape):
        raise Misfit(message)
    conditions: Conditions = ()
    for each, (size, count) in enumerate(zip(given.shape, index.shape, strict=True)):
        conditions += needs_at_least(size - count, 0, Misfit(message)) if each != dim else ()
    return Made(result=TensorType(index.shape, given.dtype), conditions=conditions)


def index_select(call: Call) -> Made:
    """index_select: the places in a one-dim `index` along `dim`."""
    given, index = tensor(call, 0, "input"), tensor(call, 1, "index")
    _demand_index(call, index, ("int64", "int32"))
    if len(index.shape) > 1:
        raise Misfit(f"index_select reads an index of one dim, but it is {index}")
    dim = place(call, argument(call, "dim"), len(given.shape))
    if not given.shape:
        return Made(result=given)
    count: Size = index.shape[0] if index.shape else 1
    return Made(result=TensorType((*given.shape[:dim], count, *given.shape[dim + 1 :]), given.dtype))


def shape_of_other(call: Call) -> Made:
    """view_as and reshape_as: the other's shape, with as many numbers."""
    given, other = tensor(call, 0, "self"), tensor(call, 1, "other")
    misfit = Misfit(f"{call.entry.name} cannot make {other} of {given}")
    conditions = needs_equal(product(given.shape), product(other.shape), misfit)
    return Made(result=TensorType(other.shape, given.dtype), conditions=conditions)


def windows(call: Call) -> Made:
    """unfold of a tensor: windows of `size` along `dimension`, each of them in a new last dim."""
    given = tensor(call, 0, "self")
    dim, step = place(call, argument(call, "dimension"), len(given.shape), "dimension"), whole(call, "step", 1)
    size = whole(call, "size", 0)
    length = given.shape[dim] if given.shape else 1
    misfit = Misfit(f"unfold takes {size} of dim {dim}, but its input {given} has {length} there", argument="size")
    conditions = needs_at_least(length - size, 0, misfit)
    if not given.shape:
        return Made(result=TensorType((size,), given.dtype), conditions=conditions)
    count = (length - size) // step + 1
    shape = (*given.shape[:dim], count, *given.shape[dim + 1 :], size)
    return Made(result=TensorType(shape, given.dtype), conditions=conditions)


def unfold_image(call: Call) -> Made:
    """Unfold: (N, C, H, W) or (C, H, W) -> (N, C times the window, windows)."""
    given = tensor(call, 0, "input")
    demand_dims(call, given, (3, 4), "(N, C, H, W) or (C, H, W)")
    kernel, dilation = numbers(call, "kernel_size", 2, 1), numbers(call, "dilation", 2, 1)
    padding, stride = numbers(call, "padding", 2, 0), numbers(call, "stride", 2, 1)
    windows: Size = 1
    conditions: Conditions = ()
    for index, size in enumerate(given.shape[-2:]):
        over = size + 2 * padding[index] - dilation[index] * (kernel[index] - 1) - 1
        message = f"{call.entry.name} has a window of {kernel[index]}, which does not fit an input of {given}"
        conditions += needs_at_least(over, 0, Misfit(message, argument="kernel_size"))
        windows = windows * (over // stride[index] + 1)
    channels = fixed(call, given.shape[-3], "number of channels") * kernel[0] * kernel[1]
    return Made(result=TensorType((*given.shape[:-3], channels, windows), given.dtype), conditions=conditions)


def _demand_index(call: Call, index: TensorType, dtypes: tuple[str, ...]) -> None:
    if index.dtype not in dtypes:
        message = f"{call.entry.name} reads an index of {' or '.join(dtypes)}, but it is {index.dtype}"
        raise Misfit(message, code="dtype")


RULES: Mapping[str, Rule] = {
    "Unfold": unfold_image,
    "gather": gather,
    "index_select": index_select,
    "reshape_as": shape_of_other,
    "unfold": unfold_image,
    "view_as": shape_of_other,
}

# Methods that mean something else than the function of their name.
METHODS: Mapping[str, Rule] = {"unfold": windows}
