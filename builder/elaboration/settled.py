"""What a type makes of plain arguments and tensors is the same wherever they stand: it is worked out once.

Most layers of a large spec are alike, and a spec that is checked again after a change has most of what it had. Only
what was sound is kept, so that every fault is told at its own place.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from builder.elaboration.frame import Feed
from builder.graph import Size as Told
from builder.shapes.call import Made, TensorType, Value
from builder.shapes.rules import has_rule
from dsl.catalogue import Entry
from dsl.expressions import holds_expression
from dsl.records import Layer

_MOST: Final = 10_000  # kept at once


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Settled:
    """What is told of a layer by its type, its arguments and what it reads alone: the fields of its node of these
    names, and the types of what it owns. All of it stands in many nodes, and is only read."""

    made: Made
    arguments: dict[str, Any]
    input_shapes: list[Any]
    shape: Any
    dtype: Any
    parameters: dict[str, list[int]]
    buffers: dict[str, list[int]]
    multiply_adds: Told
    owned: dict[str, TensorType]

    @property
    def value(self) -> Value:
        return self.made.result

    @property
    def conditions(self) -> Sequence[str]:
        return [each.text for each in self.made.conditions]


_KNOWN: Final[dict[Hashable, Settled]] = {}


def known(call: Hashable) -> Settled | None:
    return _KNOWN.get(call)


def keep(call: Hashable, settled: Settled) -> None:
    if len(_KNOWN) >= _MOST:
        _KNOWN.clear()
    _KNOWN[call] = settled


def plain_call(entry: Entry, layer: Layer, feed: Feed) -> Hashable | None:
    """What a layer's node hangs on, where that is its type, arguments without expressions and tensors fed by place;
    None where it may be more than that (what is in sight, the highest number of an input, a layer from Python)."""
    if layer.args is not None or feed.named or feed.values or not feed.placed or entry.name == "Embedding":
        return None
    values = [seen.value for seen in feed.placed]
    if not has_rule(entry) or not all(value is None or isinstance(value, TensorType) for value in values):
        return None
    arguments = plain_arguments(layer)
    return (entry.target, feed.array, *values, arguments) if arguments is not None else None


def plain_arguments(layer: Layer) -> Hashable | None:
    """The arguments of a layer, as a key of a dict; None where they hang on what stands around the layer."""
    arguments: list[Hashable] = []
    for key, value in layer.arguments.items():
        plain = _plain(value)
        if plain is None:
            return None
        arguments += (key, plain)
    return tuple(arguments)


def _plain(value: Any) -> Hashable | None:
    """A value with its kind, as True is 1 and 1.0 to a dict; None for one that hangs on more."""
    if isinstance(value, list):
        inner = tuple(map(_plain, value))
        return None if None in inner else (list, inner)
    if isinstance(value, dict) or holds_expression(value):
        return None
    return value.__class__, value
