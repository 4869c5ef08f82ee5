"""`x[...]` and `x[...] = y` as layers."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from builder.exchange.importing.errors import ImportingError
from builder.exchange.importing.records import Call
from builder.exchange.importing.steps import Step, Writer
from builder.exchange.importing.values import Ref, Vary

if TYPE_CHECKING:
    from builder.exchange.importing.lowering import Lowering


def indexed(lowering: Lowering, call: Call, tensor: Ref, index: Any) -> list[Step]:
    """A pick of one place is `select`; anything else a value."""
    shape = lowering.shape(tensor)
    parts = _plain(lowering, list(index) if isinstance(index, tuple) else [index], shape)
    places = [at for at, each in enumerate(parts) if isinstance(each, int) and not isinstance(each, bool)]
    others = [each for at, each in enumerate(parts) if at not in places]
    if all(each == slice(None) for each in others) and not places and ... not in others:
        return lowering.alias(call, tensor)
    writer = Writer()
    node = ast.Subscript(writer.of(tensor), _node(parts, writer), ast.Load())
    step = lowering.value(call, node, writer)
    plain = all(each == slice(None) or each is ... for each in others)
    if len(places) == 1 and plain and sum(each is ... for each in others) <= 1:
        dots = [at for at, each in enumerate(parts) if each is ...]
        dim = places[0] if not dots or dots[0] > places[0] else places[0] - len(parts)
        step.type, step.feed, step.arguments = "select", [tensor], {"dim": dim, "index": parts[places[0]]}
    return [step]


def _plain(lowering: Lowering, parts: list[Any], shape: Sequence[Any]) -> list[Any]:
    """The parts with slices that take all of a dim as `:`, and without those at the end."""
    at = 0
    found: list[Any] = []
    for number, each in enumerate(parts):
        if each is ...:
            at = len(shape) - sum(part is not None for part in parts[number + 1 :])
            found.append(each)
            continue
        if isinstance(each, Ref) and lowering.known[each.number].dtype in ("bool", "uint8"):
            raise ImportingError("it picks by a tensor of truth values, so that the size of what is picked hangs on "
                                 "numbers, which a spec cannot say")  # fmt: skip
        if isinstance(each, slice) and _takes_all(each, shape[at]):
            each = slice(None)
        found.append(each)
        at += each is not None
    dots = any(each is ... for each in found)  # what stands behind them counts from the end
    while len(found) > 1 and not dots and isinstance(found[-1], slice) and found[-1] == slice(None):
        found.pop()
    return found


def _takes_all(part: slice, size: Any) -> bool:
    whole = part.stop is None or part.stop == size or (
        isinstance(part.stop, int) and isinstance(size, int) and part.stop >= size)  # fmt: skip
    return part.start in (None, 0) and whole and part.step in (None, 1)


def _node(parts: Sequence[Any], writer: Writer) -> ast.expr:
    nodes = [_part(each, writer) for each in parts]
    return nodes[0] if len(nodes) == 1 else ast.Tuple(nodes, ast.Load())


def _part(value: Any, writer: Writer) -> ast.expr:
    if isinstance(value, slice):
        start = None if value.start == 0 and value.step in (None, 1) else value.start
        ends = [None if each is None else writer.of(each) for each in (start, value.stop, value.step)]
        return ast.Slice(*ends)
    if isinstance(value, (list, tuple)) and any(isinstance(each, Ref) for each in value):
        raise ImportingError("it picks by a list of tensors, which a spec cannot say")
    return writer.of(value)


def set_at(lowering: Lowering, call: Call, tensor: Ref, index: Any, value: Any) -> list[Step]:
    """A tensor with some of its places set: `masked_fill`, `select_scatter` or `slice_scatter`."""
    if isinstance(index, Ref) and lowering.known[index.number].dtype == "bool":
        if isinstance(value, (int, float)):
            arguments = {"self": tensor, "mask": index, "value": value}
            return [lowering.placed(call, "masked_fill", arguments, ["self", "mask"])]
        raise ImportingError("it sets places by a tensor of truth values to another tensor, which a spec cannot say")
    parts = _plain(lowering, list(index) if isinstance(index, tuple) else [index], lowering.shape(tensor))
    if any(isinstance(each, Ref) or each is None for each in parts):
        raise ImportingError("it sets places by a tensor of indices, which a spec cannot say")
    shape = lowering.shape(tensor)
    while ... in parts:
        dots = parts.index(...)
        parts[dots : dots + 1] = [slice(None)] * (len(shape) - len(parts) + 1)
    if all(each == slice(None) for each in parts) and isinstance(value, Ref) and lowering.shape(value) == shape:
        return lowering.alias(call, value)
    return _scattered(lowering, call, tensor, parts, value)


def _scattered(lowering: Lowering, call: Call, tensor: Ref, parts: Sequence[Any], value: Any) -> list[Step]:
    shape = lowering.shape(tensor)
    limited = [(dim, each) for dim, each in enumerate(parts) if each != slice(None)]
    if len(limited) != 1 or not isinstance(value, Ref):
        raise ImportingError("it sets places of a tensor by an index, which a spec cannot say")
    dim, part = limited[0]
    rest = [size for at, size in enumerate(shape) if at != dim]
    if isinstance(part, int) and list(lowering.shape(value)) == rest:
        return [lowering.placed(call, "select_scatter", {"input": tensor, "src": value, "dim": dim, "index": part},
                                ["input", "src"])]  # fmt: skip
    sizes = lowering.shape(value)
    if isinstance(part, slice) and len(sizes) == len(shape):
        ends = {key: getattr(part, end) for key, end in (("start", "start"), ("end", "stop"), ("step", "step"))
                if getattr(part, end) is not None}  # fmt: skip
        return [lowering.placed(call, "slice_scatter", {"input": tensor, "src": value, "dim": dim, **ends},
                                ["input", "src"])]  # fmt: skip
    raise ImportingError("it sets places of a tensor by an index, which a spec cannot say")


__all__ = ["Vary", "indexed", "set_at"]
