"""What a group that is there in training only gives, where it hands through what it did not make itself.

In evaluation its result is its input, so that result needs a name of its own: it cannot be the tensor from elsewhere.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from builder.elaboration.frame import Frame
from builder.elaboration.ledger import Ledger
from builder.elaboration.sight import Seen, dtype_data, shape_data
from builder.graph import Node
from builder.shapes.call import Value
from dsl.records import Layer


def made_here(walk: Ledger, layer: Layer, seen: Seen, inner: Frame) -> Seen:
    """The same result, with a node inside the group for each part that comes from around it or is an input of it."""
    return replace(seen, reference=_made(walk, layer, seen.reference, seen.value, inner))


def _made(walk: Ledger, layer: Layer, reference: Any, value: Value, inner: Frame) -> Any:
    if isinstance(reference, list) and isinstance(value, tuple):
        pairs = zip(reference, value, strict=True)
        return [_made(walk, layer, each, part, inner) for each, part in pairs]
    if isinstance(reference, dict) and isinstance(value, dict) and "from" not in reference:
        return {key: _made(walk, layer, each, value[key], inner) for key, each in reference.items()}
    if str(reference["from"]).startswith(inner.prefix) and "input" not in reference:
        return reference
    return _handed(walk, layer, reference, value, inner)


def _handed(walk: Ledger, layer: Layer, reference: Any, value: Value, inner: Frame) -> Any:
    name = f"{inner.prefix}{inner.entries.count}"
    inner.entries.count += 1
    node = Node(
        name=name, type="value", target="", role="value", kind="arithmetic", region=inner.region.name,
        reads=[reference], expression="{0}", input_shapes=[shape_data(value)], shape=shape_data(value),
        dtype=dtype_data(value),
    )  # fmt: skip
    walk.write(node, layer, inner)
    return {"from": name}
