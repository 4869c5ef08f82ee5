"""Shapes in the comments and docstrings of generated source, of one instance of a class or of several at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from builder.codegen.structure import Structure
from builder.graph import Node, Region
from builder.shapes.call import shape_text

# A shape with its dtype, and the words of a choice: (shape, dtype, options).
Typed = tuple[Any, Any, Any]


def typed(node: Node) -> Typed:
    return node.shape, node.dtype, node.options


def typed_reference(structure: Structure, reference: Any) -> Typed:
    """Of what a reference names; of a structure of them its shape alone."""
    if isinstance(reference, list):
        return [typed_reference(structure, each)[0] for each in reference], None, None
    if not isinstance(reference.get("from"), str):
        return {key: typed_reference(structure, each)[0] for key, each in reference.items()}, None, None
    node = structure.nodes[reference["from"]]
    if "parameter" in reference:
        return (node.parameters | node.buffers).get(reference["parameter"]), None, None
    shape, dtype = node.shape, node.dtype
    for pick in reference.get("pick", ()):
        shape = shape[pick] if isinstance(shape, list | dict) and not _is_flat(shape) else None
        dtype = dtype[pick] if isinstance(dtype, list | dict) else dtype
    return shape, dtype, node.options


def comment(all_typed: Sequence[Typed], sizes: Mapping[tuple[Any, ...], str]) -> str:
    """What the instances have in common: "(N, channels, ?, ?)". sizes: names for sizes that differ from one to the
    next."""
    shapes, dtypes, options = zip(*all_typed, strict=True)
    if options[0]:
        return "one of " + ", ".join(options[0])
    shape, dtype = _common(shapes, sizes), dtypes[0] if all(each == dtypes[0] for each in dtypes) else None
    if isinstance(shape, dict):
        return ", ".join(f"{key}: {_text(each)}" for key, each in shape.items())
    if not isinstance(shape, list):
        return "any shape"
    if shape and not _is_flat(shape):
        return ", ".join(_text(each) for each in shape)
    return shape_text(shape) if dtype in ("float32", None) else f"{dtype} {shape_text(shape)}"


def _common(shapes: Sequence[Any], sizes: Mapping[tuple[Any, ...], str]) -> Any:
    first = shapes[0]
    if all(each == first for each in shapes):
        return first
    if all(isinstance(each, list) and len(each) == len(first) for each in shapes):
        return [_common(each, sizes) for each in zip(*shapes, strict=True)]
    if all(isinstance(each, dict) and each.keys() == first.keys() for each in shapes):
        return {key: _common([each[key] for each in shapes], sizes) for key in first}
    if all(isinstance(each, int | str) for each in shapes):
        return sizes.get(tuple(map(str, shapes)), "?")
    return None


def _is_flat(shape: Any) -> bool:
    return isinstance(shape, list) and all(isinstance(size, int | str) for size in shape)


def _text(each: Any) -> str:
    if _is_flat(each):
        return shape_text(each)
    return "(" + ", ".join(_text(part) for part in each) + ")" if isinstance(each, list) else "..."


def first_reads(structure: Structure, region: Region) -> list[Any]:
    """What a chain reads, as references."""
    return [*region.reads.values()][:1] or [reference_of(structure, key) for key in structure.needs[region.name]][:1]


def reference_of(structure: Structure, feed: Any) -> Any:
    """A key as a reference; a reference as it is."""
    if not isinstance(feed, tuple):
        return feed
    first, *picks = feed
    if str(first).startswith("#"):
        region, _, name = str(first)[1:].rpartition(":")
        fed = structure.regions[region].reads[name]
        for pick in picks:
            fed = {**fed, "pick": [*fed.get("pick", ()), pick]} if "from" in fed else fed[pick]
        return fed
    if str(first).startswith("@"):
        path = str(first)[1:]
        owner, _, name = path.rpartition(".")
        return {"from": path} if path in structure.nodes else {"from": owner, "parameter": name}
    return {"from": first, "pick": picks}
