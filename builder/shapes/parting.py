"""Parts of a tensor and copies of it: chunk, split, unbind, narrow, select, expand, repeat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeGuard

from builder.shapes.call import Call, Made, Misfit, TensorType, shape_text
from builder.shapes.conditions import Conditions, needs_at_least, needs_equal, needs_multiple
from builder.shapes.effort import demand_few
from builder.shapes.reading import argument, fixed, operand, place, sizes, tensor, whole
from builder.shapes.rule import Rule
from builder.shapes.sizes import Free, Size


def chunk(call: Call) -> Made:
    """chunk: at most `chunks` parts of one size, the last maybe smaller. A free size must be a multiple of `chunks`."""
    given, dim, size = _split_dim(call)
    count = whole(call, "chunks", 1)
    if isinstance(size, Free):
        misfit = Misfit(f"chunk cuts {size} into {count} parts, which does not come out even")
        demand_few(call, count)
        return _parts(given, dim, [size // count] * count, needs_multiple(size, count, misfit))
    each = max(-(-size // count), 1)
    return _parts(given, dim, _cut(call, size, each))


def split(call: Call) -> Made:
    """split: parts of one size (the last maybe smaller), or of the sizes listed."""
    given, dim, size = _split_dim(call)
    name = next(n for n in ("split_size_or_sections", "split_size") if call.entry.accepts(n))
    wanted = argument(call, name)
    if isinstance(wanted, (list, tuple)):
        listed = sizes(call, name)
        total: Size = 0
        for part in listed:
            total = total + part
        message = f"split has parts of {total} in all, but dim {dim} of {given} has {size}"
        return _parts(given, dim, listed, needs_equal(total, size, Misfit(message, argument=name)))
    return _parts(given, dim, _cut(call, fixed(call, size, f"size in dim {dim}"), whole(call, name, 1)))


def unbind(call: Call) -> Made:
    """unbind: one result for each place along `dim`, without that dim."""
    given, dim, size = _split_dim(call)
    each = TensorType((*given.shape[:dim], *given.shape[dim + 1 :]), given.dtype)
    count = fixed(call, size, f"size in dim {dim}")
    demand_few(call, count)
    return Made(result=(each,) * count)


def narrow(call: Call) -> Made | None:
    """narrow: `length` places from `start` on; a start that is a tensor is known when the model runs."""
    given, dim, size = _split_dim(call)
    start, length = argument(call, "start"), argument(call, "length")
    if _is_size(length) and isinstance(operand(call, 1, "start"), TensorType):
        message = f"narrow takes {length} of dim {dim}, but {given} has {size} there"
        return _parts_one(given, dim, length, needs_at_least(size - length, 0, Misfit(message, argument="length")))
    if not _is_size(start) or not _is_size(length):
        return None
    message = f"narrow takes {length} from {start} on in dim {dim}, but {given} has {size} there"
    misfit = Misfit(message, argument="length")
    conditions = needs_at_least(length, 0, misfit)
    if isinstance(start, int) and start < 0:
        conditions += needs_at_least(size + start, 0, misfit) + needs_at_least(-start - length, 0, misfit)
    else:
        conditions += needs_at_least(start, 0, misfit) + needs_at_least(size - start - length, 0, misfit)
    return _parts_one(given, dim, length, conditions)


def select(call: Call) -> Made:
    """select: one place along `dim`, which goes."""
    given, dim, size = _split_dim(call)
    index = argument(call, "index")
    if not _is_size(index):
        raise Misfit("select needs index, a whole number", argument="index", code="argument")
    misfit = Misfit(f"select takes place {index} in dim {dim}, but {given} has {size} there", argument="index")
    negative = isinstance(index, int) and index < 0
    conditions = needs_at_least(size + index if negative else size - index - 1, 0, misfit)
    return Made(result=TensorType((*given.shape[:dim], *given.shape[dim + 1 :]), given.dtype), conditions=conditions)


def expand(call: Call) -> Made:
    """expand: dims of 1 are stretched; -1 keeps a dim; new dims come first."""
    given, wanted = tensor(call, 0, "self"), sizes(call, "size")
    added = len(wanted) - len(given.shape)
    message = f"expand cannot stretch {given} to {shape_text(wanted)}"
    if added < 0 or any(size == -1 for size in wanted[:added]):
        raise Misfit(message, argument="size")
    conditions: Conditions = ()
    made: list[Size] = list(wanted[:added])
    for size, to in zip(given.shape, wanted[added:], strict=True):
        if to != -1 and size != 1 and size != to:
            conditions += needs_equal(size, to, Misfit(message, argument="size"))
        made.append(size if to == -1 else to)
    return Made(result=TensorType(tuple(made), given.dtype), conditions=conditions)


def expand_as(call: Call) -> Made:
    """expand_as: to the shape of the other tensor."""
    given, other = tensor(call, 0, "self"), tensor(call, 1, "other")
    message = f"expand_as cannot stretch {given} to {other}"
    if len(other.shape) < len(given.shape):
        raise Misfit(message)
    pairs = zip(given.shape, other.shape[len(other.shape) - len(given.shape) :], strict=True)
    conditions = tuple(c for a, b in pairs if a not in (1, b) for c in needs_equal(a, b, Misfit(message)))
    return Made(result=TensorType(other.shape, given.dtype), conditions=conditions)


def repeat(call: Call) -> Made:
    """repeat and tile: copies along each dim; `repeat` needs a number for every dim, `tile` fills up with 1."""
    given = tensor(call, 0, call.entry.parameters[0].name)
    name = "repeats" if call.entry.name == "repeat" else "dims"
    counts = sizes(call, name)
    if len(counts) < len(given.shape):
        if name == "repeats":
            message = f"repeat needs a number for each of the {len(given.shape)} dims of {given}, but has {len(counts)}"
            raise Misfit(message, argument=name)
        counts = (1,) * (len(given.shape) - len(counts)) + counts
    shape = (1,) * (len(counts) - len(given.shape)) + given.shape
    made = tuple(size * count for size, count in zip(shape, counts, strict=True))
    return Made(result=TensorType(made, given.dtype))


def triangle(call: Call) -> Made:
    """tril and triu: of the last two dims."""
    given = tensor(call, 0, "input")
    if len(given.shape) < 2:
        raise Misfit(f"{call.entry.name} reads at least two dims, but its input is {given}")
    return Made(result=given)


def _split_dim(call: Call) -> tuple[TensorType, int, Size]:
    given = tensor(call, 0, call.entry.parameters[0].name)
    if not given.shape:
        raise Misfit(f"{call.entry.name} reads a tensor with at least one dim, but its input is a single number")
    dim = place(call, argument(call, "dim"), len(given.shape))
    return given, dim, given.shape[dim]


def _cut(call: Call, size: int, each: int) -> list[Size]:
    demand_few(call, -(-size // each))
    return [min(each, size - start) for start in range(0, max(size, 1), each)]


def _parts(given: TensorType, dim: int, lengths: Sequence[Size], conditions: Conditions = ()) -> Made:
    before, after = given.shape[:dim], given.shape[dim + 1 :]
    result = tuple(TensorType((*before, length, *after), given.dtype) for length in lengths)
    return Made(result=result, conditions=conditions)


def _parts_one(given: TensorType, dim: int, length: Size, conditions: Conditions) -> Made:
    shape = (*given.shape[:dim], length, *given.shape[dim + 1 :])
    return Made(result=TensorType(shape, given.dtype), conditions=conditions)


def _is_size(value: object) -> TypeGuard[Size]:
    return isinstance(value, (int, Free)) and not isinstance(value, bool)


RULES: Mapping[str, Rule] = {
    "chunk": chunk,
    "expand": expand,
    "expand_as": expand_as,
    "narrow": narrow,
    "repeat": repeat,
    "select": select,
    "split": split,
    "tile": repeat,
    "tril": triangle,
    "triu": triangle,
    "unbind": unbind,
}
