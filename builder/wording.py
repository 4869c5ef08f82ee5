"""Shapes and differences between models, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from builder.differences import Change, Comparison, Difference
from builder.shapes.call import shape_text

_SIGNS: Final = {"added": "+", "removed": "-", "changed": "~"}
_MOST_KEYS: Final = 3  # told of those that are other ones


def written_shape(shape: Any) -> str:
    """A shape, or those of several results, as they are told."""
    if isinstance(shape, dict):
        return ", ".join(f"{key} {written_shape(each)}" for key, each in shape.items())
    if not isinstance(shape, list):
        return "?"
    if any(isinstance(each, list | dict) for each in shape):
        return ", ".join("none" if each is None else written_shape(each) for each in shape)
    return shape_text(shape)


def lines(found: Comparison) -> Iterator[str]:
    """A line for each thing that is different, totals last."""
    for what, changes in (("input ", found.inputs), ("", found.layers), ("output ", found.outputs)):
        for each in changes:
            yield f"{_SIGNS[each.kind]} {what}{each.name or 'model'}{_type(each, what)}{_details(each)}"
    if found.keys:
        listed = ", ".join(f"{old} -> {new}" for old, new in found.keys[:_MOST_KEYS])
        more = len(found.keys) - _MOST_KEYS
        yield f"  keys in the state dict: {listed}" + (f" and {more} more" if more > 0 else "")
    for total in found.totals:
        yield f"  {difference_said(total, '->')}"


def difference_said(difference: Difference, arrow: str) -> str:
    """What it is, how it was, an arrow, how it is now."""
    old, new = (words_of(each, difference.what) for each in (difference.old, difference.new))
    return f"{difference.what} {old} {arrow} {new}"


def words_of(value: Any, what: str = "") -> str:
    """A value as a difference tells it. what: what it is a value of."""
    if what == "shape":
        return written_shape(value)
    if value is None or value == {} or value == "":
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:,}" if what.endswith(("parameters", "adds")) else str(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(words_of, value)) + "]"
    return value if isinstance(value, str) else json.dumps(value)


def _type(change: Change, what: str) -> str:
    several = f" of {change.layers} layers" if change.kind != "changed" and change.layers > 1 else ""
    return "" if what else f" ({change.type}{several})"


def _details(change: Change) -> str:
    if change.kind == "changed":
        return ": " + ", ".join(difference_said(each, "->") for each in change.differences)
    count = f", {change.parameters:,} parameters" if change.parameters else ""
    return f": {written_shape(change.shape)}{count}" if change.shape is not None else count
