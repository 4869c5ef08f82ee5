"""Layers that a walk could not make, kept for a picture of what is known: where they stand and what they would read.

Nothing is told here: what is wrong has been told, and what cannot be found out without a fault is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from builder.elaboration.frame import Frame
from builder.elaboration.sight import Seen
from builder.graph import Node
from dsl.catalogue import Entry
from dsl.expressions import holds_expression
from dsl.records import Layer, Place


@dataclass(frozen=True, slots=True)
class Astray:
    """node: with the type and the arguments as they are written, and no shape. after: how many nodes were made before
    it. place: of its layer."""

    node: Node
    after: int
    place: Place


def astray(
    layer: Layer, name: str, entry: Entry | None, frame: Frame, first: Any, before: Seen | None, after: int
) -> Astray:
    """A layer under this name, as far as its text says what it is. entry: of its type, where that is known."""
    node = Node(
        name=name, type=layer.type or _other_type(layer), target="", role="value" if layer.value else "module",
        kind=entry.kind if entry is not None else "other", region=frame.region.name,
        reads=list(_reads(layer, frame, first, before)), arguments=_plain(layer),
    )  # fmt: skip
    return Astray(node, after, layer.place)


def _other_type(layer: Layer) -> str:
    if layer.value is not None:
        return "value"
    return f"share {layer.share}" if layer.share is not None else "group"


def _plain(layer: Layer) -> dict[str, Any]:
    """The arguments that need no working out."""
    if layer.value is not None:
        return {"value": str(layer.value).removeprefix("${").removesuffix("}").strip()}
    return {key: value for key, value in layer.arguments.items() if _is_plain(value)}


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return isinstance(value, bool | int | float) or (isinstance(value, str) and not holds_expression(value))


def _reads(layer: Layer, frame: Frame, first: Any, before: Seen | None) -> Iterator[Any]:
    """References to what it would read, each once, so far as that is in sight."""
    if layer.value is not None:
        named = [frame.scope.get(word) for word in re.findall(r"[^\W\d]\w*", str(layer.value))]
    else:
        written = first if layer.input is None else layer.input
        named = [before] if written is None else [_named(word, frame) for word in _words(written)]
    told = []
    for seen in named:
        if seen is not None and seen.reference and seen.reference not in told:
            told.append(seen.reference)
    yield from told


def _words(written: Any) -> Iterator[str]:
    if isinstance(written, str):
        yield written
    elif isinstance(written, list | Mapping):
        for each in written.values() if isinstance(written, Mapping) else written:
            yield from _words(each)


def _named(word: str, frame: Frame) -> Seen | None:
    """`stem`, or `stem.0.weight`: the nearest that is in sight."""
    while word and word not in frame.scope:
        word = word.rpartition(".")[0]
    return frame.scope.get(word)
