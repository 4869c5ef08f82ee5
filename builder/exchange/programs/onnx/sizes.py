"""Operators on shapes: sizes are worked out as numbers, so that they stay sizes and free ones stay free."""

from __future__ import annotations

import operator
from typing import Any, Final

import torch
from torch import Tensor

from builder.exchange.programs.onnx.graph import Converting, Rule, Sizes, product

_SIGNS: Final = {"Add": operator.add, "Sub": operator.sub, "Mul": operator.mul, "Div": operator.floordiv,
                 "Mod": operator.mod}  # fmt: skip


def on_sizes(c: Converting) -> Any:
    """What a node gives whose inputs are sizes or numbers that are known; None where it is none of those."""
    values = [c.value(at) for at in range(len(c.node.input)) if c.has(at)]
    rule = _RULES.get(c.node.op_type)
    if rule is None or not any(isinstance(each, Sizes) for each in values):
        return None
    if not all(isinstance(each, Sizes) or _is_whole(each) for each in values):
        return None
    return rule(c)


def shape_of(c: Converting) -> Sizes | Tensor:
    value = c.value(0)
    if isinstance(value, Tensor):
        return torch.tensor(value.shape)
    if isinstance(value, Sizes):
        return Sizes(() if value.scalar else (len(value.items),))
    rank = c.rank(0)
    start, end = c.attribute("start", 0), c.attribute("end", rank)
    return Sizes(tuple(_size(c, value, at) for at in range(rank)[start:end]))


def _size(c: Converting, value: Any, at: int) -> Any:
    """The size of a dim: the number that it always is, else what it is when the model runs."""
    known = c.dims(0)
    return known[at] if known and isinstance(known[at], int) else c.call("size", value, at)


def _is_whole(value: Any) -> bool:
    return isinstance(value, Tensor) and not value.dtype.is_floating_point and value.dim() <= 1


def _items(c: Converting, at: int) -> Sizes:
    value = c.value(at)
    if isinstance(value, Sizes):
        return value
    return Sizes(tuple(int(each) for each in value.reshape(-1).tolist()), scalar=value.dim() == 0)


def _arithmetic(c: Converting) -> Sizes:
    first, second = _items(c, 0), _items(c, 1)
    count = max(len(first.items), len(second.items))
    ones, others = (each.items * count if len(each.items) == 1 else each.items for each in (first, second))
    sign = _SIGNS[c.node.op_type]
    found = [sign(a, b) if isinstance(a, int) and isinstance(b, int) else c.call(sign, a, b)
             for a, b in zip(ones, others, strict=True)]  # fmt: skip
    return Sizes(tuple(found), first.scalar and second.scalar)


def _gather(c: Converting) -> Sizes:
    items, index = _items(c, 0).items, c.known(1)
    if index is None:
        raise c.unsaid("a size by a number that is worked out")
    if index.dim() == 0:
        return Sizes((items[int(index)],), scalar=True)
    return Sizes(tuple(items[int(each)] for each in index.reshape(-1).tolist()))


def _slice(c: Converting) -> Sizes:
    starts, ends = c.numbers(1), c.numbers(2)
    step = c.numbers(4, [1])[0]
    return Sizes(_items(c, 0).items[slice(starts[0], ends[0] if abs(ends[0]) < 2**31 else None, step)])


def _concat(c: Converting) -> Sizes:
    return Sizes(tuple(each for at in range(len(c.node.input)) for each in _items(c, at).items))


def _vector(c: Converting) -> Sizes:
    return Sizes(_items(c, 0).items)


def _scalar(c: Converting) -> Sizes:
    return Sizes(_items(c, 0).items, scalar=True)


def _same(c: Converting) -> Sizes:
    return _items(c, 0)


def _reshape(c: Converting) -> Sizes:
    return Sizes(_items(c, 0).items, scalar=not c.numbers(1))


def _product(c: Converting) -> Sizes:
    return Sizes((product(_items(c, 0).items, c),), scalar=not c.attribute("keepdims", 1))


_RULES: Final[dict[str, Rule]] = {
    **dict.fromkeys(_SIGNS, _arithmetic), "Gather": _gather, "Slice": _slice, "Concat": _concat, "Unsqueeze": _vector,
    "Squeeze": _scalar, "Cast": _same, "Identity": _same, "Reshape": _reshape, "ReduceProd": _product,
}  # fmt: skip
