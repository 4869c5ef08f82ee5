"""How much room each part of the structure takes, and where in it the inner ones stand.

Two axes: `main` runs the way the arrows go (down a page, to the right on a slide), `cross` across it. Every part has a
line through it along `main` on which it is entered and left; `before` and `after` are its extents to both sides of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from render.diagram import Arrow, Diagram
from render.letters import text_width
from render.places.boxes import DOT, SMALL, STACKED, Band, Look, band_of, closed, look_of
from render.places.structure import Branch, Framed, Lane, Parallel, Part, Series, Single, Tangle, Wire, hanging_end

PLAIN, LABELLED = 17.0, 27.0  # room for an arrow without and with its label
LANE, LANES_APART = 13.0, 9.0
FORK = 9.0  # from a box to the place below it where its arrow forks
SIDE, BOTTOM = 12.0, 12.0  # between a frame and what is in it
BESIDE = 16.0  # between branches
_WIRE = 6.0
_UNDER_BADGE = 5.0  # more room above a badge
_LABEL_OFF = 6.0  # a label's distance from its arrow


@dataclass(eq=False, slots=True)
class Measured:
    """A part with its size. inner: what stands in it, with its place along both axes.

    forks, merges (of a Parallel): where along `main` arrows turn to the branches and back; None for not at all.
    labels: for arrows with a label, where along both axes it stands.
    """

    part: Part | Series | Wire
    length: float
    before: float
    after: float
    inner: list[tuple[float, float, Measured]] = field(default_factory=list)
    look: Look | None = None
    band: Band | None = None
    fork: float | None = None
    merge: float | None = None
    labels: list[tuple[int, float, float]] = field(default_factory=list)
    lanes: list[tuple[Lane, float | None, float]] = field(default_factory=list)  # junction along main; cross
    tangle: object = None


Untangle: TypeAlias = "Callable[[Measurer, Tangle], Measured]"


class Measurer:
    """A diagram drawn with boxes of one width. across: the arrows go to the right, not down."""

    def __init__(self, diagram: Diagram, width: float, across: bool, untangle: Untangle) -> None:
        self.diagram = diagram
        self.width = width
        self.across = across
        self._untangle = untangle
        self._told: set[int] = set()  # the arrows whose labels have a place

    def part(self, part: Part) -> Measured:
        if isinstance(part, Single):
            return self._single(part)
        if isinstance(part, Framed):
            return self._framed(part)
        if isinstance(part, Parallel):
            return self.parallel(part, after_dot=False, before_circle=0.0)
        return self._untangle(self, part)

    def series(self, series: Series) -> Measured:
        """One part after the other, with room for the arrows between, and lanes for what leaps over them."""
        whole = Measured(series, 0.0, 0.0, 0.0)
        leaving = {lane.first for lane in series.lanes if self._forks(series, lane)}
        main = 0.0
        for index in range(len(series.parts)):
            measured = self._neighbourly(series, index)
            if index:
                main += self._joint(whole, series, index, main, forks=index - 1 in leaving)
            whole.inner.append((main, 0.0, measured))
            whole.before = max(whole.before, measured.before)
            whole.after = max(whole.after, measured.after)
            main += measured.length
        whole.length = main
        self._give_lanes(whole, series)
        return whole

    def _neighbourly(self, series: Series, index: int) -> Measured:
        """A parallel begins in the dot before it and ends in the circle behind it, where these are there."""
        part = series.parts[index]
        if not isinstance(part, Parallel):
            return self.part(part)
        before = series.parts[index - 1] if index else None
        behind = series.parts[index + 1] if index + 1 < len(series.parts) else None
        radius = look_of(behind.box, self.width).width / 2 if _is(behind, "circle") else 0.0  # type: ignore[union-attr]
        return self.parallel(part, after_dot=_is(before, "dot"), before_circle=radius)

    def _joint(self, whole: Measured, series: Series, index: int, main: float, *, forks: bool) -> float:
        """The room before a part. A label stands beside the one arrow there."""
        before, behind = series.parts[index - 1], series.parts[index]
        if isinstance(behind, Parallel):
            return 0.0 if _is(before, "dot") else FORK
        start = FORK if forks and not _is(before, "dot") else 0.0
        start += _UNDER_BADGE if _copies(behind) > 1 and not self.across else 0.0
        if isinstance(before, Parallel):
            return 0.0 if _is(behind, "circle") else PLAIN
        labels = self._labelled(series.joints[index - 1])
        if not labels or isinstance(before, Tangle) or isinstance(behind, Tangle):  # a tangle places its labels itself
            return start + (PLAIN if not _is(before, "dot") or start else PLAIN - 2)
        room = self.label_room(self.diagram.arrows[labels[0]])
        self.put_label(whole, labels[0], main + start + room / 2 - (_UNDER_BADGE if _copies(behind) > 1 else 0), 0.0)
        return start + room

    def label_room(self, arrow: Arrow) -> float:
        """Along the arrow, which for arrows to the right is the label's width."""
        return text_width(arrow.label, SMALL) + 22 if self.across else LABELLED

    def _labelled(self, arrows: Iterable[int]) -> list[int]:
        """Those with a label that has no place yet: each is told once, as near to its source as there is room."""
        return [each for each in arrows if self.diagram.arrows[each].label and each not in self._told]

    def put_label(self, whole: Measured, arrow: int, main: float, cross: float) -> None:
        self._told.add(arrow)
        whole.labels.append((arrow, main, cross))
        if not self.across:
            reach = cross + _LABEL_OFF + text_width(self.diagram.arrows[arrow].label, SMALL)
            whole.after = max(whole.after, reach)
        else:
            whole.before = max(whole.before, -cross + 16)

    def _give_lanes(self, whole: Measured, series: Series) -> None:
        """Short ones first, nearest to the parts that they pass. Those with one source share a lane."""
        taken: list[tuple[int, int, float]] = []
        for lanes in self._by_source(series.lanes):
            cross = max(self._least(whole, series, each) for each in lanes)
            first, last = lanes[0].first, lanes[-1].last
            for low, high, place in taken:
                if low < last and first < high:
                    cross = max(cross, place + LANES_APART)
            taken.append((first, last, cross))
            whole.lanes += [(each, self._junction(whole, series, each), cross) for each in lanes]
            whole.after = max(whole.after, cross + 2)

    def _by_source(self, lanes: list[Lane]) -> list[list[Lane]]:
        groups: dict[str, list[Lane]] = {}
        for each in sorted(lanes, key=lambda lane: (lane.last, lane.arrow)):
            groups.setdefault(self.diagram.arrows[each.arrow].source, []).append(each)
        return sorted(groups.values(), key=lambda each: (each[-1].last - each[0].first, each[0].first, each[0].arrow))

    def _least(self, whole: Measured, series: Series, lane: Lane) -> float:
        """How far out a lane has to run, past parts and labels."""
        hanging = self._hanging(whole, lane)
        start = lane.first + (self._junction(whole, series, lane) is not None or hanging is not None)
        passed = [each.after for _, _, each in whole.inner[start : lane.last + 1]]
        return max(max(passed) + LANE, hanging or 0.0, self._label_reach(whole, lane) + 8)

    def _forks(self, series: Series, lane: Lane) -> bool:
        """Whether what goes on to the next part is the same tensor: then a skip leaves that arrow, not the box."""
        arrows = self.diagram.arrows
        onwards = {arrows[each].source for each in series.joints[lane.first]}
        return not _is(series.parts[lane.first], "dot") and arrows[lane.arrow].source in onwards

    def _junction(self, whole: Measured, series: Series, lane: Lane) -> float | None:
        if not self._forks(series, lane):
            return None
        main, _, first = whole.inner[lane.first]
        # An arrow that forks to branches anyway does so at one place.
        forked = isinstance(series.parts[lane.first + 1], Parallel)
        return main + first.length + (FORK if forked else FORK - 3)

    def _hanging(self, whole: Measured, lane: Lane) -> float | None:
        """The place across of a branch that goes on in a lane alone, which may go straight on."""
        first = whole.inner[lane.first][2]
        if not isinstance(first.part, Parallel):
            return None
        end = self.diagram.arrows[lane.arrow].source
        found = zip(first.part.branches, first.inner, strict=True)
        return next(place for branch, (_, place, _) in found if end in branch.what.boxes())

    def _label_reach(self, whole: Measured, lane: Lane) -> float:
        """As far as labels reach in the joints that a lane passes."""
        if self.across:
            return 0.0
        low = whole.inner[lane.first][0]
        high = whole.inner[lane.last][0] + whole.inner[lane.last][2].length
        return max(
            (
                cross + _LABEL_OFF + text_width(self.diagram.arrows[arrow].label, SMALL)
                for arrow, main, cross in whole.labels
                if low <= main <= high
            ),
            default=0.0,
        )

    def _single(self, part: Single) -> Measured:
        look = look_of(part.box, self.width)
        length, side = (look.width, look.height) if self.across else (look.height, look.width)
        behind = STACKED if closed(part.box) else 0.0  # the second edge is no part of what the arrows aim at
        half = (side - behind) / 2
        return Measured(part, length, half, half + behind, look=look)

    def _framed(self, part: Framed) -> Measured:
        inside = self.series(part.inside)
        if self.across:
            band = band_of(part.cluster, 1e6, 1e6)
            wide = max((text_width(each.text, each.size, bold=each.bold) for each in band.lines), default=0.0) + 20
            length = max(inside.length + 2 * SIDE, wide)
            place = (length - inside.length) / 2
            crowded = any(_copies(each) > 1 for each in part.inside.parts)
            band = replace(band, height=band.height + (_UNDER_BADGE + 3 if crowded else 0))
            before, after = inside.before + band.height, inside.after + BOTTOM
        else:
            before, after = inside.before + SIDE, inside.after + SIDE
            band = band_of(part.cluster, before, after)
            place, length = band.height, band.height + inside.length + BOTTOM
        return Measured(part, length, before, after, [(place, 0.0, inside)], band=band)

    def parallel(self, part: Parallel, *, after_dot: bool, before_circle: float) -> Measured:
        """Branches side by side. after_dot: the fork is in the dot before; before_circle: the merge is in the circle
        behind, which has this radius."""
        measured = [self._branch(each) for each in part.branches]
        forked = any(each.enters for each in part.branches)
        merged = any(each.leaves for each in part.branches)
        top = self._room(part, "enters") if forked else 0.0
        bottom = self._room(part, "leaves") if merged else 0.0
        longest = max(each.length for each in measured)
        whole = Measured(part, top + longest + bottom, 0.0, 0.0)
        whole.fork = (-DOT if after_dot else 0.0) if forked else None
        whole.merge = whole.length + before_circle if merged else None
        for place, branch, each in zip(_places(part, measured, self.diagram), part.branches, measured, strict=True):
            late = forked and not branch.enters and branch.leaves
            main = top + (longest - each.length if late else 0.0)
            if isinstance(branch.what, Wire):
                each.length = longest
                main = top
            whole.inner.append((main, place, each))
            whole.before = max(whole.before, each.before - place)
            whole.after = max(whole.after, each.after + place)
            self._label_branch(whole, branch, main, main + each.length, place, top, bottom)
        return whole

    def _label_branch(
        self, whole: Measured, branch: Branch, start: float, end: float, place: float, top: float, bottom: float
    ) -> None:
        for arrow in self._labelled(branch.enters):
            self.put_label(whole, arrow, start - top / 2 + 1, place)
        for arrow in self._labelled(branch.leaves):
            self.put_label(whole, arrow, end + bottom / 2, place)

    def _room(self, part: Parallel, side: str) -> float:
        passing = {each for branch in part.branches if isinstance(branch.what, Wire) for each in branch.enters}
        arrows = {each for branch in part.branches for each in getattr(branch, side)}
        arrows -= passing if side == "leaves" else set()
        return max((self.label_room(self.diagram.arrows[each]) for each in self._labelled(arrows)), default=PLAIN)

    def _branch(self, branch: Branch) -> Measured:
        if isinstance(branch.what, Wire):
            return Measured(branch.what, 0.0, _WIRE, _WIRE)
        measured = self.series(branch.what)
        for arrow in {*branch.enters, *branch.leaves}:
            label = self.diagram.arrows[arrow].label
            if label and not self.across:
                measured.after = max(measured.after, _LABEL_OFF + text_width(label, SMALL))
        return measured


def _copies(part: Part) -> int:
    return part.box.copies if isinstance(part, Single) else part.cluster.copies if isinstance(part, Framed) else 1


def _is(part: object, form: str) -> bool:
    return isinstance(part, Single) and part.box.form == form


def _places(part: Parallel, measured: list[Measured], diagram: Diagram) -> list[float]:
    """Where each branch's line stands across. What is on the main path keeps it straight where it is an arrow alone,
    between what stands beside it, or one of two branches that are not alike; all else is centred."""
    spine = [_on_spine(each, diagram) for each in part.branches]
    order = list(range(len(measured)))
    main = next((index for index in order if isinstance(part.branches[index].what, Wire)), None)
    if main is not None:
        order.remove(main)
        order.insert(len(order) // 2, main)
    elif len(order) == 2 and any(spine) and measured[0].length != measured[1].length:
        main = spine.index(True)
        order.sort(key=lambda index: index != main)
    hanging = hanging_end(part)
    order.sort(key=lambda index: bool(hanging) and not part.branches[index].leaves)
    places = [0.0] * len(order)
    edge = 0.0
    for index in order:
        places[index] = edge + measured[index].before
        edge += measured[index].before + measured[index].after + BESIDE
    middle = _middle(places, measured, edge - BESIDE) if main is None else places[main]
    return [each - middle for each in places]


def _middle(places: list[float], measured: list[Measured], breadth: float) -> float:
    """The middle, or the line of a branch that is near to it."""
    near = min(range(len(places)), key=lambda index: abs(places[index] - breadth / 2))
    close = len(places) % 2 and abs(places[near] - breadth / 2) < measured[near].before
    return places[near] if close else breadth / 2


def _on_spine(branch: Branch, diagram: Diagram) -> bool:
    return any(diagram.arrows[each].role == "spine" for each in (*branch.enters, *branch.leaves))
