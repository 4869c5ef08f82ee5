"""The pieces of a plan that is cut, set side by side: frames go on with their title, arrows by letters in circles."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from render.letters import cut as cut_text
from render.letters import text_width
from render.places.boxes import Band, Line
from render.places.paths import split, straight
from render.places.plan import Continuation, PlacedArrow, PlacedFrame, Plan
from render.scene import Point
from render.spans import Span, along, spans_of

GAP = 28.0  # between pieces
LETTER = 8.0  # radius of a continuation's circle
_STEP = 2 * LETTER + 4  # room for one row of circles
_CLEAR = 2 * LETTER + 3  # least distance of two circles in a row
_BAND, _FOOT, _SIDE = 23.0, 8.0, 12.0
_GOES_ON = 130.0  # the least breadth of a frame that goes on, for its title and a note
_FAR = 200.0  # more than circles and the titles of frames that go on take beyond a cut


@dataclass(frozen=True, slots=True)
class Cut:
    """main: where. crossings: the arrows that it parts. frames: those that it parts, outer ones first, by index."""

    main: float
    crossings: int
    frames: tuple[int, ...]
    across: bool


def needs(cut: Cut, *, head: bool) -> float:
    """The length that a cut adds to the piece before it, or (`head`) to the one behind it."""
    band = _SIDE if cut.across else _BAND
    return _STEP + 6 + len(cut.frames) * (band if head else _FOOT)


def assembled(plan: Plan, cuts: list[Cut], shelves: list[int], across: bool) -> Plan:
    """The pieces between the cuts, side by side, so many on each shelf."""
    return _Assembly(plan, cuts, across).whole(shelves)


class _Assembly:
    def __init__(self, plan: Plan, cuts: list[Cut], across: bool) -> None:
        self.plan, self.cuts, self.across = plan, cuts, across
        self.edges = [each.main for each in cuts]
        self.pieces = [_Piece() for _ in range(len(cuts) + 1)]
        self.letters = 0

    def whole(self, shelves: list[int]) -> Plan:
        for box in self.plan.boxes:
            self._piece(*self._start(box.x, box.y)).plan.boxes.append(box)
        for label in self.plan.labels:
            self._piece(*self._start(label.x, label.y)).plan.labels.append(label)
        self._part_arrows()
        for frame in sorted(self.plan.frames, key=lambda each: -each.depth):
            self._part_frame(frame)
        return self._side_by_side(shelves)

    def _start(self, x: float, y: float) -> Point:
        return along((x, y), self.across)

    def _piece(self, main: float, cross: float) -> _Piece:
        return self.pieces[bisect_right(self.edges, main)]

    def _part_arrows(self) -> None:
        """Arrows that cross a cut end in a circle before it and begin in one behind it."""
        crossing: list[list[PlacedArrow]] = [[] for _ in self.cuts]
        for arrow in self.plan.arrows:
            rest = arrow
            for index in self._crossed(arrow):
                before, behind = split(rest.points, self.edges[index], int(not self.across))
                own = replace(rest, points=before, headed=False)
                rest = replace(rest, points=behind, junction=False, piece=rest.piece + 1)
                self.pieces[index].plan.arrows.append(own)
                crossing[index].append(rest)
            last = self._crossed(arrow)
            self.pieces[last[-1] + 1 if last else self._index(arrow)].plan.arrows.append(rest)
        for index, arrows in enumerate(crossing):
            self._letter(index, arrows)

    def _index(self, arrow: PlacedArrow) -> int:
        return bisect_right(self.edges, min(along(each, self.across)[0] for each in arrow.points) + 0.01)

    def _crossed(self, arrow: PlacedArrow) -> range:
        mains = [along(each, self.across)[0] for each in arrow.points]
        return range(bisect_right(self.edges, min(mains)), bisect_right(self.edges, max(mains)))

    def _letter(self, index: int, arrows: list[PlacedArrow]) -> None:
        """The pairs of circles at one cut; those too near to each other stand in several rows."""
        main = self.edges[index]
        rows: list[float] = []
        lines: dict[tuple[str, int], list[PlacedArrow]] = {}  # arrows of one tensor at one place are one line
        for arrow in arrows:
            lines.setdefault((arrow.arrow.source, round(along(arrow.points[0], self.across)[1])), []).append(arrow)
        for line in sorted(lines.values(), key=lambda each: along(each[0].points[0], self.across)[1]):
            cross = along(line[0].points[0], self.across)[1]
            row = next((row for row, last in enumerate(rows) if cross - last >= _CLEAR), len(rows))
            rows[row : row + 1] = [cross]
            letter = _letters(self.letters)
            self.letters += 1
            away = 4 + LETTER + row * _STEP
            for piece, place, leaving in ((index, main + away, True), (index + 1, main - away, False)):
                x, y = along((place, cross), self.across)
                self.pieces[piece].plan.continuations.append(Continuation(letter, x, y, leaving))
                for arrow in line:
                    self._end(self.pieces[piece], arrow, place, cross, leaving=leaving)

    def _end(self, piece: _Piece, arrow: PlacedArrow, main: float, cross: float, *, leaving: bool) -> None:
        """An arrow drawn on to its circle."""
        place, own = next(
            (place, each)
            for place, each in enumerate(piece.plan.arrows)
            if each.index == arrow.index and each.piece == arrow.piece - leaving
        )
        edge = along((main - LETTER if leaving else main + LETTER, cross), self.across)
        if leaving:
            points = (*own.points, *straight(own.points[-1], edge))
        else:
            points = (edge, *straight(edge, own.points[0]), *own.points[1:])
        piece.plan.arrows[place] = replace(own, points=points)

    def _part_frame(self, frame: PlacedFrame) -> None:
        """A frame in every piece that it reaches into, around what of it is there."""
        start, low = along((frame.x, frame.y), self.across)
        end, high = along((frame.x + frame.width, frame.y + frame.height), self.across)
        first, last = bisect_right(self.edges, start), bisect_right(self.edges, end)
        if first == last:
            self.pieces[first].plan.frames.append(frame)
            return
        for index in range(first, last + 1):
            piece = self.pieces[index]
            top = start if index == first else self.edges[index - 1]
            bottom = end if index == last else self.edges[index]
            beyond = (top - (0.5 if index == first else _FAR), bottom + (0.5 if index == last else _FAR))
            inside = list(self._inside(piece, low, high, *beyond))
            inner_top = min((each.start for each in inside), default=top)
            inner_bottom = max((each.end for each in inside), default=bottom)
            left = min((each.low for each in inside), default=low)
            right = max((each.high for each in inside), default=high)
            # The title's room left of the arrow that comes in stays as it was.
            left, right = self._breadth(frame, low + _SIDE if index == first else left, right, low, high)
            if not self.across:
                right = max(right, self._title_end(frame, piece) if index == first else min(left + _GOES_ON, high))
            band = frame.band if index == first else self._continued(frame, piece, left)
            room = _SIDE if self.across else _BAND
            top = top if index == first else min(inner_top, top) - room
            bottom = bottom if index == last else max(inner_bottom, bottom) + _FOOT
            x, y = along((top, left), self.across)
            to_x, to_y = along((bottom, right), self.across)
            piece.plan.frames.append(
                replace(frame, band=band, x=x, y=y, width=to_x - x, height=to_y - y, continued=index - first)
            )

    def _inside(self, piece: _Piece, low: float, high: float, top: float, bottom: float) -> Iterator[Span]:
        """What stands in a frame's range across, and between two places along it."""
        for each in [*spans_of(piece.plan, self.across), *piece.circles(self.across)]:
            if low <= each.low and each.high <= high and top <= each.start and each.end <= bottom:
                yield each

    def _breadth(self, frame: PlacedFrame, left: float, right: float, low: float, high: float) -> Point:
        if self.across:
            return left - frame.band.height, right + _SIDE
        left, right = max(left - _SIDE, low), min(right + _SIDE, high)
        return left, min(right, high)

    def _title_end(self, frame: PlacedFrame, piece: _Piece) -> float:
        """How far right a frame has to reach for what stands there beside its title, and beside the arrow in it."""
        lines = frame.band.lines
        words = sum(text_width(each.text, each.size, bold=each.bold) for each in lines[:2]) + 40
        number = sum(text_width(each.text, each.size) + 24 for each in lines if each.anchor == "end")
        last = max(
            (each.x for each in piece.plan.continuations if each.leaving and each.x < frame.x + frame.width),
            default=0.0,
        )
        return min(max(frame.x + words, last + number if last > frame.x else 0.0), frame.x + frame.width)

    def _continued(self, frame: PlacedFrame, piece: _Piece, left: float) -> Band:
        """The title again; how much room it has is told by the first circle behind it."""
        crosses = [along((each.x, each.y), self.across)[1] for each in piece.plan.continuations if not each.leaving]
        room = min((each - left for each in crosses), default=150.0) - 20 if not self.across else 1e6
        title = frame.band.lines[0]
        name = cut_text(title.text, max(room, 40.0), title.size, bold=True)
        lines = [replace(title, text=name)]
        note = "continued"
        if self.across:
            lines.append(Line(title.x + text_width(name, title.size, bold=True) + 6, title.y, note))
        else:
            lines.append(Line(-title.x, title.y, note, anchor="end"))
        return Band(_BAND, tuple(lines))

    def _side_by_side(self, shelves: list[int]) -> Plan:
        whole = Plan()
        breadth = along_all = 0.0
        pieces = iter(self.pieces)
        for count in shelves:
            cross = length = 0.0
            for piece in islice(pieces, count):
                spans = [*spans_of(piece.plan, self.across), *piece.circles(self.across)]
                low, high = min(each.low for each in spans), max(each.high for each in spans)
                start, end = min(each.start for each in spans), max(each.end for each in spans)
                dx, dy = along((along_all - start, cross - low), self.across)
                _add(whole, piece.plan, dx, dy)
                cross += high - low + GAP
                length = max(length, end - start)
            breadth = max(breadth, cross - GAP)
            along_all += length + GAP
        whole.width, whole.height = along((along_all - GAP, breadth), self.across)
        return whole


class _Piece:
    def __init__(self) -> None:
        self.plan = Plan()

    def circles(self, across: bool) -> Iterator[Span]:
        for each in self.plan.continuations:
            main, cross = along((each.x, each.y), across)
            yield Span(main - LETTER, main + LETTER, cross - LETTER, cross + LETTER)


def _letters(index: int) -> str:
    """A to Z, then AA and so on."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _add(whole: Plan, plan: Plan, dx: float, dy: float) -> None:
    """All of one plan to another, moved."""
    whole.boxes += [replace(each, x=each.x + dx, y=each.y + dy) for each in plan.boxes]
    whole.frames += [replace(each, x=each.x + dx, y=each.y + dy) for each in plan.frames]
    whole.labels += [replace(each, x=each.x + dx, y=each.y + dy) for each in plan.labels]
    whole.continuations += [replace(each, x=each.x + dx, y=each.y + dy) for each in plan.continuations]
    for each in plan.arrows:
        whole.arrows.append(replace(each, points=tuple((x + dx, y + dy) for x, y in each.points)))
