"""Results whose size hangs on numbers, which are known only when the model runs: nonzero, unique, masked_select.

The language gives every result a shape before anything runs, so they are refused, with what to do instead. Where the
deciding argument is written in the spec its numbers are known, and torch is asked.
"""

from __future__ import annotations

from collections.abc import Mapping

from builder.shapes.call import Call, Made, Misfit
from builder.shapes.constants import DECIDING
from builder.shapes.rule import Rule

_INSTEAD = {
    "masked_select": "`where` or `masked_fill` keep the shape",
    "repeat_interleave": "write `repeats` as a number or an array, or give `output_size`",
    "tensor_split": "write `indices` or `sections`",
}


def counted(call: Call) -> Made | None:
    """Always hangs on the numbers of what is read."""
    raise _misfit(call, "its input")


def decided(call: Call) -> Made | None:
    """Hangs on the numbers of one argument, if that is a tensor."""
    name = DECIDING[call.entry.name]
    fed = name in call.keyword_reads or len(call.reads) > 1
    if fed and call.arguments.get("output_size") is None:
        raise _misfit(call, f"`{name}`")
    return None


def _misfit(call: Call, what: str) -> Misfit:
    message = f"what {call.entry.name} makes hangs on the numbers in {what}, which are known only when the model runs"
    return Misfit(message, fix=_INSTEAD.get(call.entry.name))


RULES: Mapping[str, Rule] = {
    **dict.fromkeys(("argwhere", "bincount", "nonzero", "unique", "unique_consecutive"), counted),
    **dict.fromkeys(DECIDING, decided),
}
