"""Which nodes share a box: a layer and the activation, normalisation and dropout that follow it alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from builder.graph import Marked, Node, references
from render.words import SIGNS

_FOLLOWERS = ("activation", "normalisation", "dropout")
_ALONE = ("input", "output", "parameter")


@dataclass(frozen=True, slots=True)
class Cast:
    """The nodes that one box stands for, in order. sign: of a merge, which is drawn as a circle; else ""."""

    members: tuple[Node, ...]
    sign: str

    @property
    def head(self) -> Node:
        """The layer that the box is called after."""
        return self.members[0]


def cast_of(
    nodes: list[Node], marks: Mapping[str, Marked], gone: Iterable[tuple[str, str]], *, compact: bool
) -> list[Cast]:
    """Every node in one cast, in the order of the spec; each by itself unless `compact`.

    marks: of the graph. gone: arrows that are drawn besides the reads; what they leave is the end of its cast.
    """
    readers: dict[str, int] = Counter(source for source, _ in gone)
    for each in nodes:
        for source in references([each.reads, each.keyword_reads]):
            readers[source] = readers.get(source, 0) + 1
    chains: dict[str, list[Node]] = {}  # by the name of the chain's last node
    casts: list[list[Node]] = []
    for each in nodes:
        chain = _chain_to_join(each, chains, readers) if compact else None
        if chain is not None and not _may_share(marks.get(chain[0].name), marks.get(each.name)):
            chain = None
        if chain is None:
            chain = []
            casts.append(chain)
        chain.append(each)
        chains[each.name] = chain
    return [Cast(tuple(chain), _sign(chain[0])) for chain in casts]


def _chain_to_join(each: Node, chains: dict[str, list[Node]], readers: dict[str, int]) -> list[Node] | None:
    """The chain that the node follows alone; None where it has to stand by itself."""
    sources = list(references(each.reads))
    only = len(sources) == 1 and each.reads == [{"from": sources[0]}] and not each.keyword_reads
    if each.kind not in _FOLLOWERS or not only or readers[sources[0]] != 1:
        return None
    head = chains[sources[0]][0]
    fits = head.kind not in _ALONE and not _sign(head) and head.region == each.region
    return chains[sources[0]] if fits else None


def _may_share(one: Marked | None, other: Marked | None) -> bool:
    """Whether two layers may stand in one box: what is only changed may stand beside what is not."""
    kinds = {each.mark if each is not None else "" for each in (one, other)}
    return len(kinds) == 1 or kinds == {"", "changed"}


def _sign(node: Node) -> str:
    """The sign of a merge of several tensors; adding a number to one tensor is a layer like any other."""
    several = len(list(references([node.reads, node.keyword_reads]))) > 1
    return SIGNS.get(node.type.rpartition(".")[2], "") if several else ""
