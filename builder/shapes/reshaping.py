"""Other shapes for the same numbers: flatten, view, permute and their like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from builder.shapes.call import Call, Made, Misfit, TensorType, shape_text
from builder.shapes.conditions import Conditions, needs_at_least, needs_equal, needs_multiple
from builder.shapes.reading import argument, free_argument, place, places, sizes, tensor
from builder.shapes.rule import Rule
from builder.shapes.sizes import Free, Size, bounds, product


def flatten(call: Call) -> Made:
    """Flatten and flatten: the dims from `start_dim` to `end_dim` become one."""
    given = tensor(call, 0, "input")
    dims = len(given.shape)
    start = place(call, argument(call, "start_dim"), dims, "start_dim")
    end = place(call, argument(call, "end_dim"), dims, "end_dim")
    if start > end:
        message = f"{call.entry.name} needs start_dim before end_dim, but they are dims {start} and {end} of {given}"
        raise Misfit(message, argument="start_dim")
    joined = product(given.shape[start : end + 1])
    return _made(given, (*given.shape[:start], joined, *given.shape[end + 1 :]))


def unflatten(call: Call) -> Made:
    """Unflatten and unflatten: one dim becomes several; one of them may be -1."""
    given = tensor(call, 0, "input")
    name = "unflattened_size" if call.entry.role == "module" else "sizes"
    dim = place(call, argument(call, "dim"), len(given.shape))
    parts, conditions = _filled(call, given.shape[dim], _module_sizes(call, name), name, given)
    return _made(given, (*given.shape[:dim], *parts, *given.shape[dim + 1 :]), conditions)


def reshape(call: Call) -> Made | None:
    """reshape and view: any shape with as many numbers; one size may be -1. view with a dtype is torch's to judge."""
    if call.entry.name == "view" and "size" not in call.arguments:
        return None
    given = tensor(call, 0, "input")
    name = "size" if call.entry.accepts("size") else "shape"
    shape, conditions = _filled(call, product(given.shape), sizes(call, name), name, given)
    return _made(given, shape, conditions)


def squeeze(call: Call) -> Made:
    """Dims of 1 go: all of them, or those in `dim`. A free size must not be 1 where that would change the shape."""
    given = tensor(call, 0, "input")
    chosen = range(len(given.shape)) if "dim" not in call.arguments else places(call, len(given.shape), "dim")
    kept = [size for index, size in enumerate(given.shape) if index not in chosen or size != 1]
    unsure = [given.shape[index] for index in chosen if given.shape and isinstance(given.shape[index], Free)]
    never = Misfit(f"{call.entry.name} reads {given}")  # not raised: the sizes below can all be 2 or more
    conditions = tuple(each for size in unsure for each in needs_at_least(size, 2, never))
    return _made(given, kept, conditions)


def unsqueeze(call: Call) -> Made:
    """A new dim of 1 at `dim`."""
    given = tensor(call, 0, "input")
    dim = place(call, argument(call, "dim"), len(given.shape) + 1)
    return _made(given, (*given.shape[:dim], 1, *given.shape[dim:]))


def permute(call: Call) -> Made:
    """The dims in another order."""
    given = tensor(call, 0, "input")
    order = places(call, len(given.shape), "dims")
    if len(order) != len(given.shape):
        message = f"permute needs each of the {len(given.shape)} dims of {given} once, but dims has {len(order)}"
        raise Misfit(message, argument="dims")
    return _made(given, [given.shape[index] for index in order])


def transpose(call: Call) -> Made:
    """Two dims change places; `t` is the transpose of a matrix, `mT` that of the last two."""
    given = tensor(call, 0, "input")
    first = place(call, argument(call, "dim0", "axis0"), len(given.shape), "dim0")
    second = place(call, argument(call, "dim1", "axis1"), len(given.shape), "dim1")
    shape = list(given.shape)
    if shape:
        shape[first], shape[second] = shape[second], shape[first]
    return _made(given, shape)


def matrix_transpose(call: Call) -> Made:
    given = tensor(call, 0, "input")
    if len(given.shape) > 2:
        raise Misfit(f"t reads a matrix, but its input is {given}", fix="transpose, with dim0 and dim1")
    return _made(given, given.shape[::-1])


def movedim(call: Call) -> Made:
    """Dims go from `source` to `destination`, the others keep their order."""
    given = tensor(call, 0, "input")
    source, destination = places(call, len(given.shape), "source"), places(call, len(given.shape), "destination")
    if len(source) != len(destination):
        message = f"{call.entry.name} needs as many dims in destination as in source, but they have"
        raise Misfit(f"{message} {len(destination)} and {len(source)}", argument="destination")
    rest = iter(index for index in range(len(given.shape)) if index not in source)
    order = [source[destination.index(to)] if to in destination else next(rest) for to in range(len(given.shape))]
    return _made(given, [given.shape[index] for index in order])


def keeps_shape(call: Call) -> Made:
    """flip and roll: the dims are checked, the shape stays."""
    given = tensor(call, 0, "input")
    if argument(call, "dims") not in (None, []):
        places(call, len(given.shape), "dims")
    return Made(result=given)


def _made(given: TensorType, shape: Sequence[Size], conditions: Conditions = ()) -> Made:
    return Made(result=TensorType(tuple(shape), given.dtype), conditions=conditions)


def _module_sizes(call: Call, name: str) -> tuple[Size, ...]:
    found = sizes(call, name)
    for size in found:
        if isinstance(size, Free) and call.entry.role == "module":
            raise free_argument(call, name, size)
    return found


def _filled(
    call: Call, total: Size, wanted: tuple[Size, ...], name: str, given: TensorType
) -> tuple[tuple[Size, ...], Conditions]:
    """The wanted sizes with -1 worked out, so that they hold `total` numbers."""
    known = product(size for size in wanted if size != -1)
    written = shape_text(wanted)
    notes = (f"{given} holds {total} numbers" if name != "unflattened_size" else f"the dim has {total}",)
    misfit = Misfit(f"{call.entry.name} cannot make {written} of {given}", argument=name, notes=notes)
    if wanted.count(-1) > 1 or any(bounds(size)[1] < -1 for size in wanted):
        raise Misfit(f"{call.entry.name} can work out one size (-1), but {name} is {written}", argument=name)
    if -1 not in wanted:
        return wanted, needs_equal(known, total, misfit)
    if known == 0:
        raise misfit
    conditions = needs_multiple(total, known, misfit)
    filled = tuple(total // known if size == -1 else size for size in wanted)
    return filled, conditions


RULES: Mapping[str, Rule] = {
    "Flatten": flatten,
    "Unflatten": unflatten,
    "flatten": flatten,
    "flip": keeps_shape,
    "movedim": movedim,
    "moveaxis": movedim,
    "permute": permute,
    "reshape": reshape,
    "roll": keeps_shape,
    "squeeze": squeeze,
    "swapaxes": transpose,
    "swapdims": transpose,
    "t": matrix_transpose,
    "transpose": transpose,
    "unflatten": unflatten,
    "unsqueeze": unsqueeze,
    "view": reshape,
}
