"""How much a call may make while its shape is asked for. A spec of one line can ask for more than a machine holds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from builder.shapes.call import Call, Misfit, TensorType, Value
from builder.shapes.sizes import Free

MOST_TENSORS: Final = 10_000  # that one layer gives
_MOST_NUMBERS: Final = 2**20  # in what is run for real
# Of what a layer makes one by one, layers with their parameters or tensors, as many as can be made in no time.
_COUNTS: Final[Mapping[str, int]] = {
    "num_layers": 200, "num_encoder_layers": 200, "num_decoder_layers": 200, "sections": MOST_TENSORS,
}  # fmt: skip


def demand_counts(call: Call) -> None:
    """An argument that counts what is made one by one."""
    for name, most in _COUNTS.items():
        count = call.arguments.get(name)
        if isinstance(count, int) and count > most:
            raise Misfit(f"{call.entry.name} takes {most:,} {name} at most, not {count:,}", argument=name)


def demand_few(call: Call, count: int) -> None:
    """Each tensor of a result is written down, in the spec's shapes and in the model."""
    if count > MOST_TENSORS:
        raise Misfit(f"{call.entry.name} makes {count:,} tensors, and a layer may make {MOST_TENSORS:,} at most")


def demand_small(call: Call) -> None:
    """What has no meta form is run on numbers, which take memory and time."""
    read = list(_tensors([*call.reads, *call.keyword_reads.values()]))
    amounts = [_elements(each) for each in read] + [_amount(call, value) for value in call.arguments.values()]
    if read and read[0].shape:
        amounts.append(_made(call, read[0]))
    if max(amounts, default=0) > _MOST_NUMBERS:
        raise Misfit(
            f"what {call.entry.name} makes can be told only by running it, on {_MOST_NUMBERS:,} numbers at most"
        )


def _made(call: Call, given: TensorType) -> int:
    """How many numbers come out, of types that make more than they read."""
    length, kind = given.shape[0], call.entry.name
    if isinstance(length, Free):
        return 0
    if kind in ("cov", "corrcoef"):
        return length**2
    taken = call.get("r") if kind == "combinations" else None
    return math.comb(length + taken, taken) * taken if isinstance(taken, int) and 0 <= taken <= 2 * length else 0


def _amount(call: Call, value: object) -> int:
    """What a number, or a list of them, asks for."""
    value = value.get("tensor") if isinstance(value, Mapping) else value
    listed = value if isinstance(value, (list, tuple)) else [value]
    numbers = [max(each, 0) for each in listed if isinstance(each, int)]
    return sum(numbers) if call.entry.name == "repeat_interleave" else math.prod(numbers)


def _elements(given: TensorType) -> int:
    return math.prod(size for size in given.shape if isinstance(size, int))


def _tensors(values: Sequence[Value]) -> Iterator[TensorType]:
    for each in values:
        if isinstance(each, TensorType):
            yield each
        elif isinstance(each, (tuple, dict)):
            yield from _tensors(list(each.values()) if isinstance(each, dict) else each)
