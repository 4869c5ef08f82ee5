"""The way through a graph, from the outermost group inwards, that settles what is drawn open, closed, or once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

from render.compaction import Cast
from render.folding.likeness import Likeness, is_layer
from render.folding.names import Wishes
from render.folding.plan import Frame, Plan, Standing
from render.folding.runs import Run, runs
from render.folding.tree import Item, Tree

Level: TypeAlias = Literal["overview", "block", "full"]
_Manner: TypeAlias = Literal["open", "closed", "whole", "single"]


@dataclass(frozen=True, slots=True)
class _Called:
    """The names that a part goes by, of the first of its copies and of the last."""

    first: str
    last: str
    copies: int = 1

    @classmethod
    def of(cls, run: Run) -> _Called:
        """Of a run's first pattern and its last."""
        return cls(_name(run.first[0]), _name(run.copies[-1][-1]), len(run.copies))


class Walk:
    """Fills a plan. Of each structure that was drawn open once, `opened` has the number."""

    def __init__(self, tree: Tree, level: Level, wishes: Wishes) -> None:
        self.plan = Plan(tree)
        self._tree, self._level, self._wishes = tree, level, wishes
        self._likeness = Likeness(tree, wishes)
        self._opened: set[int] = set()
        if level == "full":
            self._fill_whole("", "")
        else:
            self._fill("", "")

    def _fill_whole(self, region: str, frame: str) -> None:
        """Every layer of every copy, but for what is asked to be closed."""
        for item in self._tree.items[region]:
            if isinstance(item, Cast):
                self._box(item, frame)
            elif item in self._wishes.closed:
                self._closed(item, frame, _Called(item, item))
            else:
                self._fill_whole(item, self._frame(item, frame, _Called(item, item)))

    def _fill(self, region: str, frame: str) -> None:
        for run in self._runs(region):
            self._gather(run)
            names = _Called.of(run)
            if len(run.first) == 1:
                self._place(run.first[0], frame, names)
            else:
                inside = self._pattern(run, frame)
                for item in run.first:
                    self._place(item, inside, _Called(_name(item), _name(item)))

    def _runs(self, region: str) -> list[Run]:
        items, repeated = self._tree.items[region], bool(self._tree.regions[region].copies)
        return list(runs(items, self._tree, self._likeness.alike, repeated=repeated))

    def _gather(self, run: Run) -> None:
        """Note whose place the first copy takes, and where the others have other shapes."""
        first, *others = ([node for item in copy for node in self._tree.nodes_of(item)] for copy in run.copies)
        for copy in others:
            for node, twin in zip(first, copy, strict=True):
                self.plan.twins[twin.name] = node.name
                if twin.shape != node.shape:
                    self.plan.varying.add(node.name)

    def _place(self, item: Item, frame: str, called: _Called) -> None:
        if isinstance(item, Cast):
            self._box(item, frame, called)
            return
        manner = self._manner(item)
        if manner == "single":
            self._single(item, frame, called)
        elif manner == "closed":
            self._closed(item, frame, called)
        elif manner == "whole":
            self._fill_whole(item, self._frame(item, frame, called))
        elif not self._merged(item, frame, called):
            nameless = called.copies == 1 and self._is_nameless(item)
            self._fill(item, frame if nameless else self._frame(item, frame, called))

    def _manner(self, region: str) -> _Manner:
        if region in self._wishes.closed:
            return "closed"
        if region in self._wishes.open:
            return "whole"
        if region in self._wishes.around:
            return "open"
        if self._lone(region) is not None and not self._tree.is_changed(region):
            return "single"
        if self._level == "overview":
            return "open" if self._holds_stages(region) else "closed"
        if self._is_part(region):
            return "open"
        structure = self._likeness.structure(region)
        if structure in self._opened and region not in self._tree.differing:
            return "closed"
        self._opened.add(structure)
        return "open"

    def _is_part(self, region: str) -> bool:
        """Whether a group is written inside of a block: it is seen where the block is, and nowhere else."""
        own = self._tree.regions[region]
        around = (self._tree.regions[each].type for each in self._tree.around(region))
        return not own.type and not own.copies and own.module == region and any(around)

    def _is_nameless(self, region: str) -> bool:
        """Whether a group is known by its position alone, and stands for no copy."""
        own, parent = self._tree.regions[region], self._tree.regions[self._tree.parents[region]]
        if region in self._tree.marks:
            return False
        return not own.type and not own.copies and not parent.copies and region.rpartition(".")[2].isdigit()

    def _merged(self, region: str, frame: str, called: _Called) -> bool:
        """A group of nothing but copies is drawn as the copy, under the group's name."""
        items = self._tree.items[region]
        inner = items[0]
        if region in self._tree.marks:
            return False
        if not isinstance(inner, str) or self._tree.regions[region].type or self._asked(region) or self._asked(inner):
            return False
        run, *more = self._runs(region)
        if more or len(run.first) > 1 or (called.copies > 1 and len(run.copies) > 1):
            return False
        self._gather(run)
        self._place(inner, frame, _Called(called.first, called.last, called.copies * len(run.copies)))
        return True

    def _asked(self, region: str) -> bool:
        return region in self._wishes.open or region in self._wishes.around

    def _holds_stages(self, region: str) -> bool:
        """Whether the group wraps the model's stages: more than half of its layers, in two groups or more."""
        inner = self._tree.regions_in(region)
        stages = sum(self.copies_in(each) for each in inner)
        most = 2 * len(self._tree.inside[region]) > len(self._tree.nodes)
        return most and stages > 1 and self.copies_in(region) == 1

    def copies_in(self, region: str) -> int:
        """How many copies a group holds, and nothing else; 1 where it is something of its own."""
        items = self._tree.items[region]
        types = {self._tree.regions[each].type if isinstance(each, str) else "" for each in items}
        if self._tree.regions[region].type or len(types) != 1 or types == {""}:
            return 1
        if len(items) == 1:
            return 1
        return len(items) if self._fed_in_turn(items) else 1

    def _fed_in_turn(self, items: list[Item]) -> bool:
        inside = [{each.name for each in self._tree.nodes_of(item)} for item in items]
        return all(
            any(read.source in before for name in later for read in self._tree.reads[name])
            for before, later in pairwise(inside)
        )

    def _lone(self, region: str) -> Cast | None:
        """The only box that a region would hold, its parameters aside."""
        layers = [each for each in self._tree.items[region] if isinstance(each, str) or is_layer(each)]
        if len(layers) != 1:
            return None
        return self._lone(layers[0]) if isinstance(layers[0], str) else layers[0]

    def _single(self, region: str, frame: str, called: _Called) -> None:
        """A region of one layer is drawn as that layer, under the region's name; its parameters belong to it."""
        lone = self._lone(region)
        if lone is not None and len(lone.members) == len(self._tree.inside[region]):
            self._box(lone, frame, called)
        else:
            self._closed(region, frame, called)

    def _box(self, cast: Cast, frame: str, called: _Called | None = None) -> None:
        called = called or _Called(cast.head.name, cast.head.name)
        self.plan.boxes.append(
            Standing(
                name=cast.head.name, members=cast.members, frame=frame, sign=cast.sign,
                called=called.first, last=called.last, copies=called.copies,
            )
        )  # fmt: skip

    def _closed(self, region: str, frame: str, called: _Called) -> None:
        self.plan.boxes.append(
            Standing(
                name=called.first, members=tuple(self._tree.inside[region]), frame=frame, region=called.first,
                called=called.first, last=called.last, copies=called.copies * self.copies_in(region),
                turns=called.copies,
            )
        )  # fmt: skip

    def _frame(self, region: str, frame: str, called: _Called) -> str:
        self.plan.frames.append(
            Frame(
                name=called.first, parent=frame, region=region,
                called=called.first, last=called.last, copies=called.copies,
            )
        )  # fmt: skip
        return called.first

    def _pattern(self, run: Run, frame: str) -> str:
        """A frame around a pattern of layers, which has no name in the spec."""
        called = _Called.of(run)
        name = f"{called.first}–{called.last}"
        self.plan.frames.append(
            Frame(name=name, parent=frame, region="", called=called.first, last=called.last, copies=called.copies)
        )
        return name


def _name(item: Item) -> str:
    return item if isinstance(item, str) else item.head.name
