"""Which parts are alike, so that one may stand for several, and which have the same structure, whatever their sizes."""

from __future__ import annotations

from collections.abc import Hashable
from itertools import groupby

from builder.graph import Node
from render.compaction import Cast
from render.folding.names import Wishes
from render.folding.tree import Item, Tree

# Arguments that follow from what is read, and that no box tells: a copy that reads more channels is still a copy.
_FOLLOWING = frozenset({"in_channels", "num_features", "normalized_shape", "num_channels"})


class Likeness:
    """Numbers that two items share where they are alike, and others that they share where they have one structure.

    Alike: the same types with the same arguments. One structure: the same types, whatever their arguments, with any
    number of copies that are alike.
    """

    def __init__(self, tree: Tree, wishes: Wishes) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._tree, self._wishes = tree, wishes
        self._alike: dict[str, int] = {}
        self._structure: dict[str, int] = {}
        for name in reversed(tree.regions):  # inner ones first
            if name:
                self._alike[name] = self._number(self._alike_key(name))
                self._structure[name] = self._number(self._structure_key(name))

    def alike(self, item: Item) -> int:
        if isinstance(item, str):
            return self._alike[item]
        return self._number(tuple(self._node_key(each) for each in item.members))

    def structure(self, item: Item) -> int:
        if isinstance(item, str):
            return self._structure[item]
        return self._number(("box", *((each.type, *_from_beside(each, self._tree)) for each in item.members)))

    def _alike_key(self, region: str) -> Hashable:
        own = self._tree.regions[region]
        asked = self._asked(region), region in self._wishes.closed
        items = tuple(self.alike(each) for each in self._tree.items[region])
        return own.type, bool(own.copies), own.frozen, asked, self._tree.marks.get(region), items

    def _structure_key(self, region: str) -> Hashable:
        """Copies that are alike count once, however many there are."""
        items = self._tree.items[region]
        copies = groupby(items, key=lambda each: (self.structure(each), self.alike(each)))
        return "group", self._tree.regions[region].type, tuple(structure for (structure, _), _ in copies)

    def _node_key(self, each: Node) -> Hashable:
        owner = each.module if each.module not in (None, each.name, each.region) else ""
        said = {
            name: value
            for name, value in each.arguments.items()
            if name not in _FOLLOWING and not (name == "p" and each.kind == "dropout")
        }
        mark = self._tree.marks.get(each.name)
        return each.type, each.role, owner, each.frozen, repr(said), each.expression, mark, self._asked(each.name)

    def _asked(self, name: str) -> str:
        """What a person asked to see stands for itself alone."""
        return name if name in self._wishes.open or name in self._wishes.around else ""

    def _number(self, key: Hashable) -> int:
        return self._numbers.setdefault(key, len(self._numbers))


def is_layer(item: Item) -> bool:
    """Whether the item is a box, and not a parameter that some box reads."""
    return isinstance(item, Cast) and item.head.role not in ("parameter", "buffer")


def _from_beside(each: Node, tree: Tree) -> tuple[bool, ...]:
    return tuple(tree.nodes[read.source].region == each.region for read in tree.reads[each.name])
