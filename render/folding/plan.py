"""What a picture shows of a graph: which boxes, which groups around them, and which box each node stands in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from builder.graph import Node
from render.folding.tree import Reference, Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A box to be.

    members: the layers it is drawn for, those of the first copy. frame: what it stands in. sign: of a merge.
    region: the group or block that it stands for whole, its insides not drawn; else "".
    called, last: the names that it goes by: of the first of its copies, and of the last.
    copies: how many like it, one after another; turns: how many times all its members stand there.
    stretch: it stands for several different layers, one after another.
    """

    name: str
    members: tuple[Node, ...]
    frame: str
    called: str
    last: str
    sign: str = ""
    region: str = ""
    copies: int = 1
    turns: int = 1
    stretch: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A group or block that is drawn open, with boxes in it; of several copies, the first.

    region: what is drawn. called, last: the names that it goes by; "" for a pattern of plain layers that repeats.
    """

    name: str
    parent: str
    region: str
    called: str
    last: str
    copies: int = 1


@dataclass
class Plan:
    """boxes: in the order of the spec. frames: outer ones first. twins: node of a later copy -> the same of the first.

    varying: nodes of a first copy whose shape is another one in some later copy.
    """

    tree: Tree
    boxes: list[Standing] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    twins: dict[str, str] = field(default_factory=dict)
    varying: set[str] = field(default_factory=set)

    @cached_property
    def box_of(self) -> dict[str, Standing]:
        """Of every node, the box that it stands in."""
        found = {each.name: box for box in self.boxes for each in box.members}
        for name in self.twins:
            found[name] = found[self.first_of(name)]
        return found

    @cached_property
    def standing(self) -> dict[str, list[Node]]:
        """Of every box by name, the nodes that it stands for, those of the first copy first."""
        found: dict[str, list[Node]] = {box.name: list(box.members) for box in self.boxes}
        for name in self.tree.nodes:
            if name in self.twins:
                found[self.box_of[name].name].append(self.tree.nodes[name])
        return found

    def copies(self, box: Standing) -> list[list[Node]]:
        """Of every layer that a box is drawn for, the layer and the same of the later copies."""
        return [[each, *self._later.get(each.name, [])] for each in box.members]

    @cached_property
    def _later(self) -> dict[str, list[Node]]:
        found: dict[str, list[Node]] = {}
        for name in self.tree.nodes:
            if name in self.twins:
                found.setdefault(self.first_of(name), []).append(self.tree.nodes[name])
        return found

    def first_of(self, name: str) -> str:
        """The node itself, or the one that is drawn in its place."""
        while name in self.twins:
            name = self.twins[name]
        return name

    @cached_property
    def brings(self) -> dict[str, list[Reference]]:
        """Of every box by name, what it reads from other boxes, in order."""
        return {box.name: list(self._brought(box)) for box in self.boxes}

    def gives(self, box: Standing) -> list[Node]:
        """The nodes of a box that other boxes read, of the last of its copies."""
        return [each for each in self.standing[box.name] if self._read_elsewhere(self.tree.readers[each.name], box)]

    def _brought(self, box: Standing) -> Iterator[Reference]:
        for each in box.members:
            yield from (read for read in self.tree.reads[each.name] if self.box_of[read.source] is not box)

    def _read_elsewhere(self, readers: Iterable[str], box: Standing) -> bool:
        return any(self.box_of[each] is not box for each in readers)
