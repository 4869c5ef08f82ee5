"""Operators of ONNX on shapes, places and kinds, as functions of torch. Source: their definitions in the standard."""

from __future__ import annotations

import operator
from typing import Any, Final

import torch
from torch import Tensor

from builder.exchange.programs.onnx.graph import Converting, Rule, Sizes
from builder.exchange.programs.onnx.sizes import shape_of

# By the numbers that ONNX has for kinds of tensors.
DTYPES: Final = {1: torch.float32, 2: torch.uint8, 3: torch.int8, 5: torch.int16, 6: torch.int32, 7: torch.int64,
                  9: torch.bool, 10: torch.float16, 11: torch.float64, 16: torch.bfloat16}  # fmt: skip


def _reshape(c: Converting) -> Any:
    sizes = c.numbers(1) if c.has(1) else list(c.attribute("shape"))
    if not c.attribute("allowzero", 0):
        value = c.tensor(0)
        sizes = [c.call("size", value, at) if isinstance(each, int) and each == 0 else each
                 for at, each in enumerate(sizes)]  # fmt: skip
    return c.call(torch.reshape, c.tensor(0), sizes)


def _transpose(c: Converting) -> Any:
    return c.call(torch.permute, c.tensor(0), c.attribute("perm") or list(reversed(range(c.rank(0)))))


def _flatten(c: Converting) -> Any:
    axis = c.attribute("axis", 1)
    axis = axis + c.rank(0) if axis < 0 else axis
    if axis == 0:
        return c.call(torch.reshape, c.tensor(0), [1, -1])
    last = c.call(torch.flatten, c.tensor(0), start_dim=axis) if axis < c.rank(0) else c.call(
        torch.unsqueeze, c.tensor(0), -1
    )  # fmt: skip
    return last if axis == 1 else c.call(torch.flatten, last, end_dim=axis - 1)


def _squeeze(c: Converting) -> Any:
    axes = c.axes(1)
    if not axes:
        return c.call(torch.squeeze, c.tensor(0))
    return c.call(torch.squeeze, c.tensor(0), axes[0] if len(axes) == 1 else axes)


def _unsqueeze(c: Converting) -> Any:
    axes = c.axes(1) or []
    if isinstance(c.value(0), Sizes):
        return Sizes(c.value(0).items)
    rank = c.rank(0) + len(axes)
    found = c.tensor(0)
    for each in sorted(axis + rank if axis < 0 else axis for axis in axes):
        found = c.call(torch.unsqueeze, found, each)
    return found


def _concat(c: Converting) -> Any:
    parts = [c.read(c.value(at), name) if not _is_vector(c.value(at)) else c.held(name, c.value(at))
             for at, name in enumerate(c.node.input)]  # fmt: skip
    return c.call(torch.cat, parts, dim=c.attribute("axis"))


def _is_vector(value: Any) -> bool:
    return isinstance(value, Tensor) and value.dim() > 0


def _split(c: Converting) -> Any:
    axis = c.attribute("axis", 0)
    sizes = c.attribute("split") or c.numbers(1)
    if sizes is None:
        found = c.call(torch.chunk, c.tensor(0), len(c.node.output), dim=axis)
    else:
        found = c.call(torch.split, c.tensor(0), list(sizes), dim=axis)
    return tuple(c.call(operator.getitem, found, at) for at in range(len(c.node.output)))


def _slice(c: Converting) -> Any:
    starts = c.numbers(1) if c.has(1) else list(c.attribute("starts"))
    ends = c.numbers(2) if c.has(2) else list(c.attribute("ends"))
    axes = c.numbers(3) if c.has(3) else list(c.attribute("axes") or range(len(starts)))
    steps = c.numbers(4, [1] * len(starts))
    found = c.tensor(0)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        if isinstance(step, int) and step < 0:
            if step != -1 or start != -1 or not (isinstance(end, int) and end < -(2**31)):
                raise c.unsaid("a part in steps backwards")
            found = c.call(torch.flip, found, [axis])
            continue
        cut = slice(None if start == 0 else start, None if isinstance(end, int) and end >= 2**31 - 1 else end,
                    None if step == 1 else step)  # fmt: skip
        if cut != slice(None, None, None):
            axis = axis + c.rank(0) if axis < 0 else axis
            found = c.call(operator.getitem, found, (*[slice(None)] * axis, cut))
    return found


def _gather(c: Converting) -> Any:
    axis = c.attribute("axis", 0)
    axis = axis + c.rank(0) if axis < 0 else axis
    around = [slice(None)] * axis
    index = c.known(1)
    if index is not None and index.dim() == 0:
        return c.call(torch.select, c.tensor(0), axis, int(index))
    if index is not None and index.dim() == 1:
        cut = _as_slice(index.tolist())
        if cut is not None:
            return c.call(operator.getitem, c.tensor(0), (*around, cut))
        return c.call(torch.index_select, c.tensor(0), axis, c.held(c.node.input[1], index))
    source = c.value(0)
    source = c.held(c.node.input[0], source) if isinstance(source, Tensor) else source
    return c.call(operator.getitem, source, (*around, c.tensor(1)))


def _as_slice(items: list[int]) -> slice | None:
    """Places one behind the other as a part, `2:5`; None of any others."""
    step = items[1] - items[0] if len(items) > 1 else 1
    if len(items) == 1:
        return slice(items[0], items[0] + 1 if items[0] != -1 else None)
    whole = step > 0 and items[0] >= 0 and items == list(range(items[0], items[-1] + 1, step))
    return slice(items[0], items[-1] + 1, step if step > 1 else None) if whole else None


def _expand(c: Converting) -> Any:
    sizes = c.numbers(1)
    value = c.value(0)
    if isinstance(value, Tensor) and value.numel() == 1:
        return c.call(torch.full, sizes, value.item(), dtype=value.dtype)
    shape = c.dims(0)
    own = [None] * (len(sizes) - len(shape)) + list(shape) if shape is not None else [None] * len(sizes)
    wide = [
        -1 if isinstance(each, int) and each == 1 and has is not None else each
        for each, has in zip(sizes, own, strict=True)
    ]
    return c.call("expand", c.tensor(0), wide)


def _tile(c: Converting) -> Any:
    return c.call("repeat", c.tensor(0), c.numbers(1))


def _range(c: Converting) -> Any:
    start, end, step = (c.numbers(at)[0] if _is_size(c, at) else c.number(at) for at in range(3))
    words = {"step": step} if step != 1 else {}
    return c.call(torch.arange, start, end, **words) if start != 0 or words else c.call(torch.arange, end)


def _is_size(c: Converting, at: int) -> bool:
    return isinstance(c.value(at), Sizes)


def _full(c: Converting) -> Any:
    value = c.attribute("value", torch.zeros(1))
    return c.call(torch.full, c.numbers(0), value.item(), dtype=value.dtype)


def _cast(c: Converting) -> Any:
    kind = DTYPES.get(c.attribute("to"))
    if kind is None:
        raise c.unsaid(f"a tensor of ONNX's kind {c.attribute('to')}")
    value = c.value(0)
    if isinstance(value, Sizes):
        return value
    return c.call("to", c.tensor(0), kind)


def _where(c: Converting) -> Any:
    return c.call(torch.where, c.tensor(0), c.tensor(1), c.tensor(2))


def _trilu(c: Converting) -> Any:
    diagonal = c.number(1, 0)
    return c.call(torch.triu if c.attribute("upper", 1) else torch.tril, c.tensor(0), diagonal=diagonal)


def _cumulated(c: Converting) -> Any:
    if c.kinds.get(c.node.output[0]) not in (1, 7, 10, 11):
        raise c.unsaid("a running sum of whole numbers that are no int64")
    if c.attribute("exclusive", 0) or c.attribute("reverse", 0):
        raise c.unsaid("a running sum from the end, or without the element itself")
    return c.call(torch.cumsum, c.tensor(0), dim=int(c.number(1)))


def _einsum(c: Converting) -> Any:
    return c.call(torch.einsum, c.attribute("equation"), *(c.tensor(at) for at in range(len(c.node.input))))


def _elements(c: Converting) -> Any:
    return c.call(torch.gather, c.tensor(0), c.attribute("axis", 0), c.tensor(1))


SHAPES: Final[dict[str, Rule]] = {
    "Reshape": _reshape, "Transpose": _transpose, "Flatten": _flatten, "Squeeze": _squeeze, "Unsqueeze": _unsqueeze,
    "Concat": _concat, "Split": _split, "Slice": _slice, "Gather": _gather, "GatherElements": _elements, "Expand":
    _expand, "Tile": _tile, "Range": _range, "Shape": shape_of, "ConstantOfShape": _full, "Cast": _cast, "Where":
    _where, "Trilu": _trilu, "CumSum": _cumulated, "Einsum": _einsum,
}  # fmt: skip
