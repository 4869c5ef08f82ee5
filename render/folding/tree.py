"""A graph as a tree of groups and blocks: what stands directly in each, and who reads whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from builder.graph import Node, Region, arrow_marks, marks, nodes, regions
from render.compaction import Cast, cast_of

if TYPE_CHECKING:
    import networkx

# What stands directly in a region: a box to be, or a region by its name.
Item: TypeAlias = Cast | str


@dataclass(frozen=True, slots=True)
class Reference:
    """One tensor that a node reads: whose it is, and which of several (`[1, 0]`, `["weight"]`)."""

    source: str
    pick: tuple[Any, ...]


class Tree:
    """regions: by name, outer ones first, those without a layer left out. parents: region -> the one around it.

    items: of each region, in the order of the spec. inside: all nodes of a region, at any depth.
    reads: of a node, in order. readers: the nodes that read a node. marks: of nodes and regions. differing: the regions
    that a mark lies in, but for those that are added or removed whole.
    """

    def __init__(self, graph: networkx.DiGraph[str], *, compact: bool) -> None:
        self.nodes = {each.name: each for each in nodes(graph)}
        all_regions = regions(graph)
        self.parents = _parents(all_regions)
        self.items: dict[str, list[Item]] = {"": []}
        self.inside: dict[str, list[Node]] = {"": []}
        self.marks = marks(graph)
        gone = [each for each in arrow_marks(graph) if each not in graph.edges]
        for cast in cast_of(list(self.nodes.values()), self.marks, gone, compact=compact):
            self._stand(cast)
        self.differing = set(self._differing())
        self.regions = {name: each for name, each in all_regions.items() if name in self.items}
        self.reads = {each.name: _reads(each) for each in self.nodes.values()}
        self.readers: dict[str, list[str]] = {name: [] for name in self.nodes}
        for name, read in self.reads.items():
            for reference in read:
                self.readers[reference.source].append(name)

    def nodes_of(self, item: Item) -> list[Node]:
        """All nodes of a box or of a region."""
        return self.inside[item] if isinstance(item, str) else list(item.members)

    def regions_in(self, region: str) -> list[str]:
        """The regions directly inside."""
        return [each for each in self.items[region] if isinstance(each, str)]

    def around(self, region: str) -> Iterator[str]:
        """The region and those around it, innermost first, without the model itself."""
        while region:
            yield region
            region = self.parents[region]

    def is_changed(self, region: str) -> bool:
        """Whether the region itself is marked, and not for all that is in it."""
        return region in self.marks and self.marks[region].mark not in ("added", "removed")

    def _differing(self) -> Iterator[str]:
        for name in self.marks:
            at = self.nodes[name].region if name in self.nodes else name
            yield from (each for each in self.around(at) if each not in self.marks or self.is_changed(each))

    def _stand(self, cast: Cast) -> None:
        region = cast.head.region
        self._open(region)
        self.items[region].append(cast)
        for each in [*self.around(region), ""]:
            self.inside[each] += cast.members

    def _open(self, region: str) -> None:
        """Let a region that is met for the first time stand in the one around it."""
        for each in reversed([name for name in self.around(region) if name not in self.items]):
            self.items[each], self.inside[each] = [], []
            self.items[self.parents[each]].append(each)


def reference_trees(tree: Any) -> Iterator[dict[str, Any]]:
    """The references of a tree of them, as they stand: `{"from": NODE, "pick": [...]}`."""
    if isinstance(tree, dict) and isinstance(tree.get("from"), str):
        yield tree
    elif isinstance(tree, dict | list):
        for each in tree.values() if isinstance(tree, dict) else tree:
            yield from reference_trees(each)


def _reads(node: Node) -> list[Reference]:
    trees = reference_trees([node.reads, node.keyword_reads])
    return [Reference(each["from"], tuple(each.get("pick", _parameter(each)))) for each in trees]


def _parameter(reference: Mapping[str, Any]) -> list[str]:
    return [reference["parameter"]] if "parameter" in reference else []


def _parents(all_regions: Mapping[str, Region]) -> dict[str, str]:
    """Every region but the model itself -> the one around it."""
    return {
        child: name for name, each in all_regions.items() for child in each.children if child in all_regions and child
    }
