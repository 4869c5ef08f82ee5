"""Packed sequences: what is packed, run through a recurrent layer and padded again is `lengths` beside the input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from builder.exchange.importing.errors import ImportingError
from builder.exchange.importing.records import Call
from builder.exchange.importing.steps import Step
from builder.exchange.importing.values import Ref

if TYPE_CHECKING:
    from builder.exchange.importing.lowering import Lowering


def packed(lowering: Lowering, call: Call, args: list[Any], kwargs: dict[str, Any]) -> list[Step]:
    """`pack_padded_sequence`: its data stand for what was packed, before it was sorted."""
    data, lengths = args[0], args[1]
    source, own = lowering.sorted_from.get(data, data), lowering.sorted_from.get(lengths, lengths)
    lowering.packed[call.result[0]] = (source, own)
    return []


def sorted_lengths(lowering: Lowering, call: Call, args: list[Any], kwargs: dict[str, Any]) -> None:
    """Lengths sorted for packing: of which they are."""
    values = call.result["values"] if isinstance(call.result, dict) else call.result[0]
    lowering.sorted_from[values] = args[0]


def picked(lowering: Lowering, call: Call, args: list[Any], kwargs: dict[str, Any]) -> list[Step] | None:
    """Sequences put in another order for packing, and back."""
    if args[0] in lowering.padded:
        return lowering.alias(call, args[0])
    lowering.sorted_from[call.result] = args[0]
    return None


def padded(lowering: Lowering, call: Call, args: list[Any], kwargs: dict[str, Any]) -> list[Step]:
    """`pad_packed_sequence`: what the recurrent layer gives."""
    found = call.result[0]
    if args[0] not in lowering.ran:
        raise ImportingError("it pads what no recurrent layer gave, which a spec cannot say")
    if lowering.shape(found)[:2] != lowering.shape(lowering.ran[args[0]])[:2]:
        raise ImportingError("it pads to another length than that of the input, which a spec cannot say")
    lowering.aliases[found] = args[0]
    lowering.padded.add(args[0])
    return []


def fed(lowering: Lowering, value: Any, result: Any) -> dict[str, Any] | None:
    """What a recurrent layer reads that is handed a packed sequence; None for another."""
    first = value[0] if isinstance(value, (list, tuple)) and value else None
    if not isinstance(first, Ref) or first not in lowering.packed:
        return None
    source, lengths = lowering.packed[first]
    lowering.ran[result[0][0]] = source
    return {"input": source, "lengths": lengths}
