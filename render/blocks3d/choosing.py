"""Which parts of a model are open in the 3-D view, and which are one block."""

from __future__ import annotations

from typing import get_args

from render.closed import type_of
from render.folding.names import Wishes
from render.folding.tree import Tree
from render.folding.walk import Level


def closed_regions(tree: Tree, level: str, wishes: Wishes, depth: int) -> set[str]:
    """The regions that are drawn as one block, wherever they stand.

    overview: every group and block of the model. block: blocks and copies that are alike; groups that are written in
    place are open down to `depth`, for they only give names. full: none. What is wished goes before. ValueError for a
    level that there is not.
    """
    if level not in get_args(Level):
        raise ValueError(f"no level is called {level!r}; there are {', '.join(get_args(Level))}")
    groups = [name for name in tree.regions if name]
    closed = {name for name in groups if _closed(name, tree, level)}
    if level == "block":
        closed |= {name for name in groups if len(list(tree.around(name))) > depth}
    return (closed - wishes.open - wishes.around) | wishes.closed


def deepest(tree: Tree) -> int:
    """How many regions there are around the innermost, itself among them."""
    return max(len(list(tree.around(name))) for name in tree.regions)


def _closed(name: str, tree: Tree, level: str) -> bool:
    if level != "block":
        return level == "overview"
    region = tree.regions[name]
    return bool(region.type) or (region.copies > 1 and (bool(type_of(tree, name)) or _like_groups(name, tree)))


def _like_groups(name: str, tree: Tree) -> bool:
    """Whether all copies are groups written in place: `when` may make some of them empty, which are not there."""
    inside = tree.regions_in(name)
    return len(inside) == tree.regions[name].copies and not any(tree.regions[each].type for each in inside)
