"""Functions that a spec says in another way than the model's code: reshapes, casts, indices, what is filled."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import torch

from builder.exchange.importing import packing
from builder.exchange.importing.constants import made_constant
from builder.exchange.importing.errors import ImportingError
from builder.exchange.importing.functions import plain_name
from builder.exchange.importing.indexing import indexed, set_at
from builder.exchange.importing.records import Call
from builder.exchange.importing.reshaping import said, transposed
from builder.exchange.importing.steps import Step
from builder.exchange.importing.values import Vary

if TYPE_CHECKING:
    from builder.exchange.importing.lowering import Lowering

# The same numbers in the same shape.
_SAME: Final = ("contiguous", "clone", "detach", "detach_", "alias", "lift_fresh", "positive", "requires_grad_", "cpu",
                "cuda", "data", "view_as_real_")  # fmt: skip
_RESHAPES: Final = ("view", "reshape", "view_as", "reshape_as", "flatten", "unflatten", "squeeze", "unsqueeze",
                    "_unsafe_view")  # fmt: skip

Special: TypeAlias = "Callable[[Lowering, Call, list[Any], dict[str, Any]], list[Step] | None]"


def _same(lowering: Lowering, call: Call, args: list[Any], kwargs: dict[str, Any]) -> list[Step] | None:
    if lowering.exactly and call.target.endswith(".contiguous"):
        return None
    return lowering.alias(call, args[0])


def _reshaped(lowering: Lowering, call: Call, args: list[Any], kwargs: dict[str, Any]) -> list[Step] | None:
    before, after = lowering.shape(args[0]), lowering.shape(call.result)
    if len(args) > 1 and isinstance(args[1], torch.dtype):
        return None
    found = said(before, after)
    if found is None:
        return lowering.alias(call, args[0])
    own = plain_name(call.target)
    if own in ("flatten", "unflatten", "squeeze", "unsqueeze"):
        return None
    name, arguments = found
    return [lowering.placed(call, name, {"input": args[0], **arguments}, ["input"])]


def _expanded(lowering: Lowering, call: Call, args: list[Any], kwargs: dict[str, Any]) -> list[Step] | None:
    before, after = lowering.shape(args[0]), lowering.shape(call.result)
    if before == after:
        return lowering.alias(call, args[0])
    extra = len(after) - len(before)
    sizes = [-1 if at >= extra and before[at - extra] == each else each for at, each in enumerate(after)]
    return [lowering.placed(call, "expand", {"self": args[0], "size": sizes}, ["self"])]


def _turned(lowering: Lowering, call: Call, args: list[Any], kwargs: dict[str, Any]) -> list[Step] | None:
    rank = len(lowering.shape(args[0]))
    if rank < 2:
        return lowering.alias(call, args[0])
    dims = {"dim0": -2, "dim1": -1} if call.target.endswith(("mT.__get__", "mH.__get__")) else {"dim0": 0, "dim1": 1}
    return [lowering.placed(call, "transpose", {"input": args[0], **dims}, ["input"])]


def _transposed(lowering: Lowering, call: Call, args: list[Any], kwargs: dict[str, Any]) -> list[Step] | None:
    rank = len(lowering.shape(args[0]))
    one, other = (*args[1:], *kwargs.values())
    if transposed(rank, one, other) == list(range(rank)):
        return lowering.alias(call, args[0])
    return None


def _cast(lowering: Lowering, call: Call, args: list[Any], kwargs: dict[str, Any]) -> list[Step] | None:
    before, after = lowering.known[args[0].number].dtype, lowering.known[call.result.number].dtype
    if before == after:
        return lowering.alias(call, args[0])
    step = Step("torch.Tensor.to", call.result, [args[0]], {}, {"dtype": after}, spot=call.spot, operator=False)
    step.text, step.operands = f"torch.Tensor.to(_0_, dtype='{after}')", [args[0]]
    return [step]


def _made_of_number(lowering: Lowering, call: Call, args: list[Any], kwargs: dict[str, Any]) -> list[Step] | None:
    """`torch.tensor(...)`: a number, or a buffer."""
    known = lowering.known[call.result.number]
    value = args[0] if args else kwargs.get("data")
    if isinstance(value, (bool, int, float, Vary)) and not known.hangs:
        arguments = {"size": [], "fill_value": value, "dtype": known.dtype}
        step = lowering.placed(call, "full", arguments, [])
        if isinstance(value, (bool, int, float)):
            lowering.literals[call.result] = _as(value, known.dtype)
        return [step]
    if known.tensor is None:
        raise ImportingError("it makes a tensor of thousands of numbers, which a spec does not hold")
    return [made_constant(call.result, known, call.spot)]


def _as(value: Any, dtype: str) -> Any:
    return float(value) if "float" in dtype else bool(value) if dtype == "bool" else int(value)


def _index(lowering: Lowering, call: Call, args: list[Any], kwargs: dict[str, Any]) -> list[Step] | None:
    return indexed(lowering, call, args[0], args[1])


def _set(lowering: Lowering, call: Call, args: list[Any], kwargs: dict[str, Any]) -> list[Step] | None:
    return set_at(lowering, call, args[0], args[1], args[2])


def _scaled(lowering: Lowering, call: Call, args: list[Any], kwargs: dict[str, Any]) -> list[Step] | None:
    """A scale that is the usual one is left out."""
    width = lowering.shape(args[0])[-1] if args else None
    scale = kwargs.get("scale")
    if isinstance(scale, float) and isinstance(width, int) and abs(scale * math.sqrt(width) - 1) < 1e-12:
        return [lowering.typed(call, call.target, args, {k: v for k, v in kwargs.items() if k != "scale"})]
    return None


def _unlike(lowering: Lowering, call: Call, args: list[Any], kwargs: dict[str, Any]) -> list[Step] | None:
    """`x.new_zeros(...)` and `x.fill_(...)` as functions that read nothing."""
    known = lowering.known[call.result.number]
    last = call.target.rpartition(".")[2]
    fill: Any = {"new_zeros": 0, "new_ones": 1, "zero_": 0, "zeros_like": 0, "ones_like": 1}.get(last)
    if last in ("new_full", "fill_", "full_like"):
        fill = args[-1] if len(args) > 1 else kwargs.get("fill_value", kwargs.get("value"))
    if not isinstance(fill, bool | int | float):
        return None
    if last.startswith("new") or last.endswith("_"):
        return [lowering.placed(call, "full", {"size": list(known.shape), "fill_value": _as(fill, known.dtype), **(
            {} if known.dtype in ("float32",) else {"dtype": known.dtype})}, [])]  # fmt: skip
    return None


def _empty(lowering: Lowering, call: Call, args: list[Any], kwargs: dict[str, Any]) -> list[Step] | None:
    """Memory that is filled afterwards: what it holds is nothing that anyone reads."""
    known = lowering.known[call.result.number]
    return [lowering.placed(call, "zeros", {"size": list(known.shape), **(
        {} if known.dtype == "float32" else {"dtype": known.dtype})}, [])]  # fmt: skip


def _copied(lowering: Lowering, call: Call, args: list[Any], kwargs: dict[str, Any]) -> list[Step] | None:
    if lowering.shape(args[0]) == lowering.shape(args[1]):
        return lowering.alias(call, args[1])
    return None


SPECIAL: Final[dict[str, Special]] = {
    **dict.fromkeys(_SAME, _same),
    **dict.fromkeys(_RESHAPES, _reshaped),
    **dict.fromkeys(("expand", "expand_as", "broadcast_to"), _expanded),
    **dict.fromkeys(("T", "mT", "H", "mH"), _turned),
    **dict.fromkeys(("transpose", "swapaxes"), _transposed),
    **dict.fromkeys(("to", "type_as", "type", "float", "double", "half", "bfloat16", "int", "long", "bool", "short"),
                    _cast),
    **dict.fromkeys(("tensor", "as_tensor", "scalar_tensor"), _made_of_number),
    **dict.fromkeys(("new_zeros", "new_ones", "new_full", "zero_", "fill_"), _unlike),
    **dict.fromkeys(("empty", "new_empty", "empty_like"), _empty),
    "__getitem__": _index,
    "__setitem__": _set,
    "scaled_dot_product_attention": _scaled,
    "copy_": _copied,
    "_pack_padded_sequence": packing.packed,
    "_pad_packed_sequence": packing.padded,
    "index_select": packing.picked,
    "sort": packing.sorted_lengths,
}  # fmt: skip
