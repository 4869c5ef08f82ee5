"""A structure with its measures -> a plan: where everything stands, and the ways of the arrows."""

from __future__ import annotations

from dataclasses import dataclass, field

from render.diagram import Arrow, Box, Diagram
from render.places.boxes import Look
from render.places.measured import Measured
from render.places.measures import Measurer
from render.places.parts import Framed, Parallel, Single
from render.places.paths import rounded
from render.places.plan import PlacedArrow, PlacedBox, PlacedFrame, PlacedLabel, Plan
from render.places.structure import structure
from render.places.tangles import Course, Knot, untangled
from render.scene import Point

_Place = tuple[float, float]  # along main, along cross


def placed(diagram: Diagram, width: float, *, across: bool = False) -> Plan:
    """The plan of a diagram. width: of its boxes. across: arrows go to the right, not down."""
    measurer = Measurer(diagram, width, across, untangled)
    whole = measurer.series(structure(diagram))
    placing = _Placing(diagram, across)
    placing.put(whole, 0.0, whole.before, 0)
    return placing.plan(whole)


@dataclass(slots=True)
class _Stand:
    """Where a box stands: its start and end along main, its line across, and how far it reaches to both sides of it."""

    start: float
    end: float
    cross: float
    before: float
    after: float


@dataclass(slots=True)
class _Way:
    """What an arrow passes: turns (where along main, and to which place across), a lane, its courses
    through tangles."""

    turns: list[_Place] = field(default_factory=list)
    lane: tuple[float | None, float] | None = None
    hangs: bool = False  # it leaves the end of a branch that has no other way on
    courses: list[Course] = field(default_factory=list)


class _Placing:
    def __init__(self, diagram: Diagram, across: bool) -> None:
        self.diagram = diagram
        self.across = across
        self.stands: dict[str, _Stand] = {}
        self.looks: dict[str, Look] = {}
        self.ways = [_Way() for _ in diagram.arrows]
        self.frames: list[PlacedFrame] = []
        self.labels: list[PlacedLabel] = []

    def put(self, measured: Measured, main: float, cross: float, depth: int) -> None:
        """Everything in a part whose line begins at this place."""
        part = measured.part
        if isinstance(part, Single) and measured.look is not None:
            self.stands[part.box.name] = _Stand(main, main + measured.length, cross, measured.before, measured.after)
            self.looks[part.box.name] = measured.look
        elif isinstance(part, Framed) and measured.band is not None:
            self._frame(part, measured, main, cross, depth)
        elif isinstance(part, Parallel):
            self._turn(part, measured, main, cross)
        elif isinstance(measured.tangle, Knot):
            self._knot(measured.tangle, main, cross, depth)
        for lane, junction, place in measured.lanes:
            way = self.ways[lane.arrow]
            way.lane = (None if junction is None else main + junction, cross + place)
            way.hangs = isinstance(measured.inner[lane.first][2].part, Parallel)
        for arrow, at, place in measured.labels:
            self._label(arrow, main + at, cross + place)
        deeper = depth + isinstance(part, Framed)
        for at, place, inner in measured.inner:
            self.put(inner, main + at, cross + place, deeper)

    def _frame(self, part: Framed, measured: Measured, main: float, cross: float, depth: int) -> None:
        assert measured.band is not None
        x, y = self._point(main, cross - measured.before)
        width, height = self._size(measured.length, measured.before + measured.after)
        self.frames.append(PlacedFrame(part.cluster, measured.band, x, y, width, height, depth))

    def _turn(self, part: Parallel, measured: Measured, main: float, cross: float) -> None:
        for branch, (_, place, _) in zip(part.branches, measured.inner, strict=True):
            if measured.fork is not None:
                for arrow in branch.enters:
                    self.ways[arrow].turns.append((main + measured.fork, cross + place))
            if measured.merge is not None:
                for arrow in branch.leaves:
                    self.ways[arrow].turns.append((main + measured.merge, cross))

    def _knot(self, knot: Knot, main: float, cross: float, depth: int) -> None:
        for arrow, course in knot.courses.items():
            points = tuple((main + at, cross + place) for at, place in course.points)
            self.ways[arrow].courses.append(Course(points, course.from_source, course.to_target))
        for each in knot.frames:
            x, y = self._point(main + each.main, cross + each.cross)
            size = self._size(each.length, each.breadth)
            self.frames.append(PlacedFrame(each.cluster, each.band, x, y, *size, depth + each.depth))

    def _label(self, index: int, main: float, cross: float) -> None:
        x, y = self._point(main, cross)
        x, y = (x, y - 5) if self.across else (x + 6, y + 3.6)
        self.labels.append(PlacedLabel(index, self.diagram.arrows[index].label, x, y, self.across))

    def plan(self, whole: Measured) -> Plan:
        width, height = self._size(whole.length, whole.before + whole.after)
        arrows = [self._arrow(index, arrow) for index, arrow in enumerate(self.diagram.arrows)]
        boxes = [self._box(each) for each in self.diagram.boxes]
        return Plan(width, height, boxes, self.frames, arrows, self.labels)

    def _box(self, box: Box) -> PlacedBox:
        stand = self.stands[box.name]
        x, y = self._point(stand.start, stand.cross - stand.before)
        return PlacedBox(box, self.looks[box.name], x, y)

    def _arrow(self, index: int, arrow: Arrow) -> PlacedArrow:
        way = self.ways[index]
        source, target = self.stands[arrow.source], self.stands[arrow.target]
        if way.courses:
            points = self._through(way, source, target)
        else:
            corners = self._lane(way, source, target) if way.lane else self._turns(way.turns, source, target)
            points = rounded(corners)
        headed = bool(self.looks[arrow.target].lines)
        junction = bool(way.lane and way.lane[0] is not None)
        return PlacedArrow(arrow, index, tuple(self._point(*each) for each in points), headed, junction)

    def _through(self, way: _Way, source: _Stand, target: _Stand) -> tuple[_Place, ...]:
        """By straight pieces to the courses through tangles, along these, and on from them."""
        courses = sorted(way.courses, key=lambda each: each.points)
        points: list[_Place] = []
        at = source
        for course in courses:
            start = course.points[0]
            if not course.from_source:
                turns = [each for each in way.turns if at.end <= each[0] < start[0]]
                points += rounded(self._turns(turns, at, _Stand(*start[:1], *start, 0.0, 0.0)))[bool(points) :]
                points += course.points[1:]
            else:
                points += course.points
            at = _Stand(*course.points[-1][:1], *course.points[-1], 0.0, 0.0)
        if not courses[-1].to_target:
            turns = [each for each in way.turns if each[0] >= at.end]
            points += rounded(self._turns(turns, at, target))[1:]
        return tuple(points)

    def _lane(self, way: _Way, source: _Stand, target: _Stand) -> list[_Place]:
        assert way.lane is not None
        junction, cross = way.lane
        middle = (source.start + source.end) / 2
        into = (target.start + target.end) / 2
        if junction is None and way.hangs:
            start = (source.end + 8, source.cross)
            first = [(source.end, source.cross), start]
        else:
            start = (middle, source.cross + source.after) if junction is None else (junction, source.cross)
            first = [start]
        return [*first, (start[0], cross), (into, cross), (into, target.cross + target.after)]

    def _turns(self, turns: list[_Place], source: _Stand, target: _Stand) -> list[_Place]:
        corners = [(source.end, source.cross)]
        for main, cross in sorted(turns):
            if main < corners[0][0]:  # the fork is in the dot itself
                corners = [(main, source.cross)]
            if abs(cross - corners[-1][1]) > 0.01:
                corners += [(main, corners[-1][1]), (main, cross)]
        main, cross = corners[-1]
        if abs(cross - target.cross) > 0.01:
            middle = (main + target.start) / 2
            corners += [(middle, cross), (middle, target.cross)]
        elif main > target.start and len(corners) > 1:  # into the side of a circle
            side = target.after if corners[-2][1] > target.cross else -target.before
            corners[-1] = (main, target.cross + side)
            return corners
        return [*corners, (target.start, target.cross)]

    def _point(self, main: float, cross: float) -> Point:
        return (main, cross) if self.across else (cross, main)

    def _size(self, length: float, breadth: float) -> Point:
        return (length, breadth) if self.across else (breadth, length)
