"""From a graph to Units: one for each tensor worth showing, with the words below it and the units that it reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from builder.graph import Node, Region
from render.blocks3d.extents import Extent, extent_of, first_of, free_names
from render.blocks3d.telling import Words, closed_words, layer_words, result_of, sign_of, window_of
from render.closed import closed_kind
from render.compaction import Cast
from render.diagram import DETAIL_LIMIT
from render.folding.tree import Tree
from render.words import batch_name, shape_said, short_word, shortened

_FOLLOWERS = ("activation", "normalisation", "dropout")
# Worth a block where they make another tensor of what they read, or one of several.
_SEEN_BY_CHANGE = ("pooling", "arithmetic", "other", "merge", *_FOLLOWERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One block of the picture, before it has a place.

    sign: of a merge, which is a circle. copies: how many alike it stands for. window: of a convolution or a pool, the
    shares of its input's height and depth that one step of its kernel sees. sources: the units that it reads, in
    order. names: the free sizes that its extent hangs on. named: what the first and the last of its copies are called.
    """

    name: str
    kind: str
    words: Words
    shape: str
    extent: Extent
    names: tuple[str, ...] = ()
    sign: str = ""
    copies: int = 1
    window: tuple[float, float] | None = None
    sources: tuple[str, ...] = ()
    named: tuple[str, str] = ("", "")


def units_of(tree: Tree, closed: set[str], *, everything: bool) -> list[Unit]:
    """The blocks, in the order of the spec. closed: regions that are one block each.

    everything: layers that make no new tensor are blocks too, and none is told in another's words.
    """
    groups = _groups(tree, closed)
    units = _Walk(tree, groups, everything=everything).units()
    if all(each.kind == "input" for each in units):  # there are no others: these are what the model does
        return _Walk(tree, groups, everything=True).units()
    return units


@dataclass(frozen=True, slots=True)
class _Group:
    """The casts of a block to be. named: the region or layer whose name it goes by. region: drawn closed, else None."""

    casts: tuple[Cast, ...]
    named: str
    region: Region | None

    @property
    def head(self) -> Node:
        return self.casts[0].members[0]

    @property
    def members(self) -> list[Node]:
        return [member for cast in self.casts for member in cast.members]


def _groups(tree: Tree, closed: set[str]) -> dict[str, _Group]:
    """The groups by closed region, or a cast each. A closed region with one layer is shown as that layer."""
    inside: dict[str, list[Cast]] = {}
    for cast in _casts(tree, ""):
        outermost = next((each for each in reversed(list(tree.around(cast.head.region))) if each in closed), "")
        inside.setdefault(outermost or cast.head.name, []).append(cast)
    groups: dict[str, _Group] = {}
    for key, held in inside.items():
        weighty = [cast for cast in held if cast.members[0].kind not in ("shape", "parameter")]
        if key in closed and (len(weighty) != 1 or weighty[0].sign):
            groups[key] = _Group(tuple(held), key, tree.regions[key])
        else:
            groups |= {cast.members[0].name: _Group((cast,), key, None) for cast in held}
    return groups


def _casts(tree: Tree, region: str) -> Iterator[Cast]:
    """All casts of a region, in the order of the spec."""
    for item in tree.items[region]:
        if isinstance(item, str):
            yield from _casts(tree, item)
        else:
            yield item


class _Walk:
    """A model's groups of casts from first to last, and what each of them comes to."""

    def __init__(self, tree: Tree, groups: dict[str, _Group], *, everything: bool) -> None:
        self.tree, self.groups, self.everything = tree, groups, everything
        self.batch = batch_name([each for each in tree.nodes.values() if each.role == "input"])
        self.channels_first = set(_before_their_length(tree))
        self.reads = self._reads()
        self.readers: dict[str, int] = {}
        for read in self.reads.values():
            for each in read:
                self.readers[each] = self.readers.get(each, 0) + 1
        self.made: dict[str, Unit] = {}
        self.gives: dict[str, tuple[str, ...]] = {}  # group -> itself where it is shown, else what it hands on
        self.alone: dict[str, bool] = {}  # whether what a group hands on has gone nowhere else on its way

    def units(self) -> list[Unit]:
        for key, group in self.groups.items():
            sources = tuple(dict.fromkeys(name for each in self.reads[key] for name in self.gives[each]))
            self.alone[key] = self._handed_on(key)
            told = self._told(group) if self.alone[key] and len(sources) == 1 else ()
            shown = not told and self._shown(group, sources)
            if told:
                self._tell(sources[0], told)
            if shown:
                self.made[key] = self._unit(key, group, sources)
            self.gives[key] = (key,) if shown else sources
        return list(self.made.values())

    def _handed_on(self, key: str) -> bool:
        """Whether it reads one thing, which nothing else reads on its way from the block that shows it."""
        if len(self.reads[key]) != 1:
            return False
        before = self.reads[key][0]
        return self.readers[before] == 1 and (before in self.made or self.alone[before])

    def _tell(self, producer: str, told: tuple[str, ...]) -> None:
        unit = self.made[producer]
        if self.groups[producer].region is not None and not unit.words.after:
            told = (f"then {told[0]}", *told[1:])  # it is not of the block
        self.made[producer] = replace(unit, words=unit.words.followed_by(told))

    def _reads(self) -> dict[str, list[str]]:
        owner = {member.name: key for key, group in self.groups.items() for member in group.members}
        found: dict[str, list[str]] = {}
        for key, group in self.groups.items():
            read = (owner[each.source] for member in group.members for each in self.tree.reads[member.name])
            found[key] = [each for each in dict.fromkeys(read) if each != key]
        return found

    def _told(self, group: _Group) -> tuple[str, ...]:
        """What its producer's words say of activation, normalisation and dropout that follow alone; () for others."""
        followers = [each for each in group.members if each.kind in _FOLLOWERS]
        if self.everything or any(each.kind not in ("shape", *_FOLLOWERS) for each in group.members):
            return ()
        if followers and group.region is not None and group.region.type:
            return (shortened(group.region.type, DETAIL_LIMIT),)
        return tuple(shortened(short_word(each), DETAIL_LIMIT) for each in followers)

    def _shown(self, group: _Group, sources: tuple[str, ...]) -> bool:
        """Whether its tensor is worth a block of its own."""
        head = group.head
        if group.region is not None:
            return True
        if self.everything or head.role in ("input", "output", "parameter", "buffer"):
            return head.role == "input" or (self.everything and head.role != "output")
        if head.kind == "shape":  # flattening shows in what follows; what makes an image is a picture of its own
            before = [self.made[each].extent.form for each in sources]
            return self._extent(head).form == "volume" and bool(before) and "volume" not in before
        if head.kind in _SEEN_BY_CHANGE:
            changed = (not sign_of(group.casts[0]) and _changes(head)) or head.kind == "normalisation"
            return len(sources) > 1 or (len(sources) == 1 and changed)
        return True

    def _unit(self, key: str, group: _Group, sources: tuple[str, ...]) -> Unit:
        head, last, region = group.head, group.members[-1], group.region
        words = closed_words(region, self.tree) if region else layer_words(group.casts[0], group.named)
        shape = first_of(last.shape if region is None else result_of(region, self.tree.nodes, last))
        first = not self.channels_first.isdisjoint({last.name, group.casts[-1].head.name})
        return Unit(
            name=key,
            kind=head.kind if region is None else closed_kind(group.members),
            words=words,
            shape=shape_said(shape, self.batch),
            extent=extent_of(shape, self.batch, channels_first=first),
            names=tuple(free_names(shape, self.batch)),
            sign=sign_of(group.casts[0]) if region is None else "",
            copies=max(region.copies, 1) if region is not None else 1,
            window=window_of(head) if region is None else None,
            sources=sources,
            named=(words.label, words.label),
        )

    def _extent(self, node: Node) -> Extent:
        return extent_of(first_of(node.shape), self.batch, channels_first=False)


def _before_their_length(tree: Tree) -> Iterator[str]:
    """The nodes whose channels stand before a length: what 1-d convolutions and pools make and read."""
    for node in tree.nodes.values():
        if node.kind in ("convolution", "pooling"):
            yield node.name
            yield from (each.source for each in tree.reads[node.name][:1])


def _changes(node: Node) -> bool:
    """Whether its result has other sizes than what it reads; sizes of 1 do not count."""
    before, after = (first_of(each) for each in (node.input_shapes[:1], node.shape))
    return [each for each in before or [] if each != 1] != [each for each in after or [] if each != 1]
