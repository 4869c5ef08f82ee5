"""What the picture says of a block, and what it takes from the nodes inside: words, colour, result, kernel window."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from builder.graph import Node, Region
from render.blocks3d.extents import size_of
from render.closed import type_of
from render.compaction import Cast
from render.diagram import DETAIL_LIMIT, TITLE_LIMIT
from render.folding.tree import Tree
from render.routes import picked
from render.words import NAME_LIMIT, details, name_said, region_said, short_word, shortened, title

_EXPRESSION_LIMIT: Final = 20  # characters of a `value`: longer ones are not read below a block


@dataclass(frozen=True, slots=True)
class Words:
    """title: in bold. label: the name in the spec, "" where it says no more than the place. facts: what else to know.

    after: activation, normalisation and dropout behind a block, which are told here.
    """

    title: str
    label: str = ""
    facts: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    def followed_by(self, said: tuple[str, ...]) -> Words:
        """With more that follows."""
        return replace(self, after=self.after + said)


def layer_words(cast: Cast, named: str) -> Words:
    """`Conv 11×11`, `96 ch · stride 4 · ReLU`: what a figure says of a layer. Padding shows in the sizes, and so do the
    features of a linear layer."""
    head, followers = cast.members[0], cast.members[1:]
    name = shortened(name_said(named), NAME_LIMIT)
    if sign_of(cast):
        return Words("", name, tuple(shortened(short_word(each), DETAIL_LIMIT) for each in followers))
    facts = [each for each in details(head) if not each.startswith("pad ") and head.kind != "linear"]
    if head.role == "value":
        facts = [each for each in facts if len(each) <= _EXPRESSION_LIMIT]
    if head.kind == "input":
        return Words("Input", "" if name == "input" else name, tuple(shortened(each, DETAIL_LIMIT) for each in facts))
    said = title(head)
    if said.startswith("Adaptive"):
        said, facts = said.removeprefix("Adaptive"), ["adaptive", *facts]
    facts += [short_word(each) for each in followers]
    return Words(shortened(said, TITLE_LIMIT), name, tuple(shortened(each, DETAIL_LIMIT) for each in facts))


def sign_of(cast: Cast) -> str:
    """The sign of a merge, which may be written as a `value`, too: `a + b + c`."""
    head = cast.members[0]
    for text, sign in (("+", "+"), ("*", "×")):
        if head.role == "value" and re.fullmatch(rf"{{\d+}}( [{text}] {{\d+}})+", head.expression):
            return sign
    return cast.sign


def closed_words(region: Region, tree: Tree) -> Words:
    """The block's name, and below it the region's; of a group, which has no other, its own name."""
    type_ = shortened(type_of(tree, region.name), TITLE_LIMIT)
    name = shortened(region_said(region.name) or region.name, NAME_LIMIT)
    return Words(type_, name) if type_ else Words(name)


def result_of(region: Region, every: Mapping[str, Node], last: Node) -> Any:
    """The shape of what a region gives, of several results the first; of one that does not say, its last layer's."""
    reference = region.results
    while isinstance(reference, list | dict) and reference and not _is_reference(reference):
        reference = next(iter(reference.values())) if isinstance(reference, dict) else reference[0]
    if not _is_reference(reference) or reference["from"] not in every:
        return last.shape
    return picked(every[reference["from"]], reference.get("pick", []))


def _is_reference(tree: Any) -> bool:
    """Whether it names one tensor, and is not a structure of such."""
    return isinstance(tree, dict) and isinstance(tree.get("from"), str)


def window_of(node: Node) -> tuple[float, float] | None:
    """The shares of the input's height and depth that one step sees; None for what has no window, or makes more."""
    sizes = _spatial(node)
    if not sizes or node.kind not in ("convolution", "pooling") or "transpose" in node.type.lower():
        return None
    if "output_size" in node.arguments:  # an adaptive pool: the input in as many parts
        parts = _numbers(node.arguments["output_size"], len(sizes))
        shares = [1 / each for each in parts]
    else:
        kernels, dilations = (_numbers(node.arguments.get(key, 1), len(sizes)) for key in ("kernel_size", "dilation"))
        shares = [
            ((kernel - 1) * dilation + 1) / size
            for kernel, dilation, size in zip(kernels, dilations, sizes, strict=True)
        ]
    shares = [min(each, 1.0) for each in shares][-2:]
    return shares[0], shares[1] if len(shares) > 1 else 1.0


def _spatial(node: Node) -> list[int]:
    """The sizes that a kernel moves along: all but batch and channels."""
    shape = node.input_shapes[0] if node.input_shapes else None
    match = re.search(r"([123])d$", node.type)
    if not isinstance(shape, list) or match is None or any(isinstance(each, list | dict) for each in shape):
        return []
    return [size_of(each) for each in shape[-int(match[1]) :]]


def _numbers(value: Any, count: int) -> list[int]:
    """A size for each dimension, where one stands for all; 1 for what is left open."""
    values = value if isinstance(value, list) else [value] * count
    return [each if isinstance(each, int) and each > 0 else 1 for each in (values * count)[:count]]
