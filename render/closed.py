"""What is said of a box whose insides are not drawn: a title, a few facts, and the kind that gives it its colour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from builder.graph import Node, parameter_count
from render.amounts import weight
from render.folding.plan import Plan, Standing
from render.folding.tree import Tree
from render.routes import brought
from render.words import count_said, details, region_said, title

# Kinds worth counting, each as one and as several.
_COUNTED = {
    "convolution": ("convolution", "convolutions"),
    "linear": ("linear layer", "linear layers"),
    "recurrent": ("recurrent layer", "recurrent layers"),
    "attention": ("attention layer", "attention layers"),
    "embedding": ("embedding", "embeddings"),
}
_COLOURLESS = ("parameter", "shape", "input", "output")


def closed_title(plan: Plan, box: Standing) -> str:
    """The block's type or the group's name; `37 layers` of a stretch."""
    if box.stretch:
        return f"{count_said(len(box.members))} layers"
    return type_of(plan.tree, box.region) or region_said(box.region) or "group"


def closed_details(plan: Plan, box: Standing) -> Iterator[str]:
    """`shares a`; `12 × DenseLayer` or `2 convolutions`; `64 → 128 ch`. Of a stretch, its first and last layer."""
    if box.stretch:
        yield f"{_layer(box.members[0])} … {_layer(_last(box))}"
        return
    if shared := _shared(plan.tree, box.region):
        yield f"shares {region_said(shared)}"
    yield from _parts(plan, box)
    if sizes := _sizes(plan, box):
        yield sizes


def closed_kind(nodes: Sequence[Node]) -> str:
    """The kind whose colour a closed region has: attention or recurrent where there is some, for these are what such
    blocks are known by; else the one that holds most of the multiply-adds, of the parameters, of the layers."""
    known = {each.kind for each in nodes} & {"attention", "recurrent"}
    if known:
        return min(known)
    shares: dict[str, list[int]] = {}
    for each in nodes:
        if each.kind not in _COLOURLESS or each.role not in ("parameter", "buffer", "function", "input", "output"):
            share = shares.setdefault(each.kind, [0, 0, 0])
            for place, amount in enumerate((weight(each.multiply_adds), parameter_count(each), 1)):
                share[place] += amount
    return max(shares, key=lambda kind: shares[kind]) if shares else nodes[0].kind


def type_of(tree: Tree, region: str) -> str:
    """The block that a region is, or that its copies are; "" of a group written in place."""
    own, items = tree.regions[region].type, tree.items[region]
    types = {tree.regions[each].type if isinstance(each, str) else "" for each in items}
    if own or len(types) != 1:
        return own
    inner = items[0]
    return type_of(tree, inner) if isinstance(inner, str) and (len(items) == 1 or types != {""}) else ""


def _shared(tree: Tree, region: str) -> str:
    """The module that a call of a shared one calls."""
    module = tree.regions[region].module
    return module if module not in ("", region) else ""


def _parts(plan: Plan, box: Standing) -> Iterator[str]:
    inner = Counter(plan.tree.regions[each].type for each in plan.tree.regions_in(box.region))
    for type_, count in inner.most_common(1):
        if type_ and count > 1 and count == len(plan.tree.items[box.region]) and plan.tree.regions[box.region].type:
            yield f"{count} × {type_}"
            return
    kinds = Counter(each.kind for each in box.members if each.kind in _COUNTED)
    for kind, count in kinds.most_common(2):
        yield f"{count * box.turns} {_COUNTED[kind][count * box.turns > 1]}"


def _sizes(plan: Plan, box: Standing) -> str:
    """How many channels, or features, come in and go out; nothing where shapes of other kinds do."""
    image = any(each.kind in ("convolution", "pooling") for each in box.members)
    shapes = [brought(plan, box), *(each.shape for each in plan.gives(box)[-1:])]
    sizes = [_size(each, image=image) for each in shapes]
    if len(sizes) != 2 or sizes[1] is None:
        return ""
    if not _counts(plan, box):
        return f"{sizes[1]}{' ch' if image else ' features'}"
    if sizes[0] is None or len(shapes[0]) != len(shapes[1]):
        return ""
    if image:
        return f"{sizes[0]} ch" if sizes[0] == sizes[1] else f"{sizes[0]} → {sizes[1]} ch"
    return f"{sizes[0]} → {sizes[1]}"


def _counts(plan: Plan, box: Standing) -> bool:
    """Whether what comes in is made of features, and not of words' numbers."""
    reads = plan.brings[box.name]
    dtype = plan.tree.nodes[reads[0].source].dtype if reads else None
    return isinstance(dtype, str) and not dtype.startswith(("int", "uint", "bool"))


def _size(shape: Any, *, image: bool) -> Any:
    if not isinstance(shape, list) or len(shape) < 2 or any(isinstance(each, list | dict) for each in shape):
        return None
    if image:
        return shape[1] if len(shape) > 2 else None
    return shape[-1] if len(shape) < 4 else None


def _layer(node: Node) -> str:
    return " ".join([title(node), *list(details(node))[:1]])


def _last(box: Standing) -> Node:
    """The last layer that a person would name: activations and the like are told with what they follow."""
    named = [each for each in box.members if each.kind not in ("activation", "normalisation", "dropout")]
    return (named or box.members)[-1]
