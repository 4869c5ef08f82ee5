"""Which blocks a picture has: as many as can be taken in, those alike that follow one another as one stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from render.blocks3d.choosing import closed_regions, deepest
from render.blocks3d.units import Unit, units_of
from render.copies import range_said
from render.folding.names import wishes
from render.folding.tree import Tree

if TYPE_CHECKING:
    import networkx

ONE_ROW: Final = 12  # blocks; plain layers of a model that fits in a row are each shown
ONE_PAGE: Final = 32  # blocks; where there are more, the innermost groups are closed, then those around them


def chosen(
    graph: networkx.DiGraph[str], level: str, expand: Sequence[str], collapse: Sequence[str], *, compact: bool
) -> list[Unit]:
    """The blocks of a picture, before they have places. ValueError for a level or a name that is not there."""
    everything = level == "full"
    tree = Tree(graph, compact=compact and not everything)
    wanted = wishes(tree, expand, collapse)
    depth = deepest(tree)
    while True:
        units = units_of(tree, closed_regions(tree, level, wanted, depth), everything=everything)
        if everything:
            return units
        units = merged(units, frozenset(tree.regions))
        if level == "overview" or len(units) <= ONE_PAGE or depth == 0:
            return units
        depth -= 1


def merged(units: list[Unit], regions: frozenset[str]) -> list[Unit]:
    """The units with those alike in one: groups and blocks always, plain layers where there are too many of them."""
    result = _merged(units, regions)
    return result if len(result) <= ONE_ROW else _merged(result, frozenset(each.name for each in result))


def _merged(units: list[Unit], which: frozenset[str]) -> list[Unit]:
    readers: dict[str, int] = {}
    for each in units:
        for source in each.sources:
            readers[source] = readers.get(source, 0) + 1
    stands_for: dict[str, str] = {}  # a unit that is drawn in another's stack -> that one
    result: dict[str, Unit] = {}
    before: Unit | None = None
    for each in units:
        each = replace(each, sources=tuple(dict.fromkeys(stands_for.get(name, name) for name in each.sources)))
        if before is not None and each.name in which and before.name in which and _joins(before, each, readers):
            before = _stack(before, each)
            stands_for[each.name] = before.name
            readers[before.name] = readers.get(each.name, 0)
        else:
            before = each
        result[before.name] = before
    return list(result.values())


def _joins(before: Unit, each: Unit, readers: dict[str, int]) -> bool:
    chained = before.name in each.sources and readers[before.name] == 1
    known = set(each.sources) <= {before.name, *before.sources}
    alike = (before.kind, before.shape, before.extent) == (each.kind, each.shape, each.extent)
    return chained and known and alike and not each.sign and before.kind != "input" and _same_words(before, each)


def _same_words(one: Unit, other: Unit) -> bool:
    """Whether they are told the same, but for their names; what stands behind the last of several blocks is not its."""
    told = one.words.after == other.words.after or (one.window is None and not one.words.after)
    return (one.words.title, one.words.facts) == (other.words.title, other.words.facts) and told


def _stack(before: Unit, each: Unit) -> Unit:
    words = replace(each.words, label=range_said(before.named[0], each.named[1]))
    return replace(before, words=words, copies=before.copies + each.copies, named=(before.named[0], each.named[1]))
