"""Numbers around the edges: pad, and the modules ZeroPad, ConstantPad, ReflectionPad, ReplicationPad, CircularPad."""

from __future__ import annotations

from collections.abc import Mapping

from builder.shapes.call import Call, Made, Misfit, TensorType
from builder.shapes.conditions import Conditions, needs_at_least
from builder.shapes.reading import argument, demand_dims, numbers, sizes, tensor
from builder.shapes.rule import Rule
from builder.shapes.sizes import Size


def pad_module(call: Call) -> Made:
    """The Pad modules: `padding` is one width for all edges, or two for each dim, the last dim first."""
    given, dims = tensor(call, 0, "input"), int(call.entry.name[-2])
    mode = _MODES[call.entry.name[:-2]]
    if mode != "constant":
        letters = {1: "L", 2: "H, W", 3: "D, H, W"}[dims]
        demand_dims(call, given, (dims + 1, dims + 2), f"(N, C, {letters}) or (C, {letters})")
    return _padded(call, given, numbers(call, "padding", 2 * dims), mode)


def pad(call: Call) -> Made:
    """torch.nn.functional.pad: `pad` has two widths for each padded dim, the last dim first; below 0 cuts away."""
    given, widths, mode = tensor(call, 0, "input"), sizes(call, "pad"), argument(call, "mode")
    if len(widths) % 2:
        raise Misfit(f"pad needs two widths for each dim, but pad has {len(widths)}", argument="pad")
    dims = len(widths) // 2
    if mode != "constant" and not (1 <= dims <= 3 and len(given.shape) in (dims + 1, dims + 2)):
        message = f'pad with mode "{mode}" pads the last one, two or three dims of (N, C, ...) or (C, ...)'
        raise Misfit(f"{message}, but pad has {len(widths)} widths for an input of {given}", argument="pad")
    return _padded(call, given, widths, str(mode))


def _padded(call: Call, given: TensorType, widths: tuple[Size, ...], mode: str) -> Made:
    dims, name = len(widths) // 2, "pad" if call.entry.name == "pad" else "padding"
    if dims > len(given.shape):
        message = f"{call.entry.name} has widths for {dims} dims, but its input {given} has {len(given.shape)}"
        raise Misfit(message, argument=name)
    shape = list(given.shape)
    conditions: Conditions = ()
    for index in range(dims):
        before, after = widths[2 * index], widths[2 * index + 1]
        size = shape[-1 - index]
        conditions += _reaches(call, size, (before, after), mode, name)
        made = size + before + after
        message = f"{call.entry.name} leaves nothing of dim -{index + 1} of {given}"
        note = f"{size} + {before} + {after} = {made}"
        conditions += needs_at_least(made, 1, Misfit(message, argument=name, notes=(note,)))
        shape[-1 - index] = made
    return Made(result=TensorType(tuple(shape), given.dtype), conditions=conditions)


def _reaches(call: Call, size: Size, widths: tuple[Size, Size], mode: str, name: str) -> Conditions:
    """What is reflected must lie inside, without the edge itself; what is wrapped around, inside."""
    if mode not in ("reflect", "circular"):
        return ()
    conditions: Conditions = ()
    for width in widths:
        message = f"{call.entry.name} cannot take {width} numbers ({mode}) from a dim of {size}"
        limit = 1 if mode == "reflect" else 0
        conditions += needs_at_least(size - width, limit, Misfit(message, argument=name))
    return conditions


_MODES = {
    "CircularPad": "circular",
    "ConstantPad": "constant",
    "ReflectionPad": "reflect",
    "ReplicationPad": "replicate",
    "ZeroPad": "constant",
}
RULES: Mapping[str, Rule] = {
    **{f"{family}{dims}d": pad_module for family in _MODES for dims in (1, 2, 3)},
    "pad": pad,
}
