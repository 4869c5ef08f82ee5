"""What is where on a Scene, and what of it is in the way of something else: for tests of pictures."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from render.letters import text_width
from render.scene import Circle, Curve, Part, Point, Polygon, Rectangle, Scene, Shape, Text
from render.theme import contrast

_TOUCH = 0.4  # points that shapes may share


@dataclass(frozen=True, slots=True)
class Area:
    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Area) -> bool:
        return (
            self.left + _TOUCH < other.right
            and other.left + _TOUCH < self.right
            and self.top + _TOUCH < other.bottom
            and other.top + _TOUCH < self.bottom
        )

    def within(self, other: Area) -> bool:
        return (
            other.left - _TOUCH <= self.left
            and self.right <= other.right + _TOUCH
            and other.top - _TOUCH <= self.top
            and self.bottom <= other.bottom + _TOUCH
        )

    def holds(self, point: Point) -> bool:
        return (
            self.left + _TOUCH < point[0] < self.right - _TOUCH and self.top + _TOUCH < point[1] < self.bottom - _TOUCH
        )


def text_area(text: Text) -> Area:
    """From the top of capitals to the baseline: 0.73 of DejaVu's size. Letters that go below count with their line."""
    width = text_width(text.text, text.size, bold=text.bold)
    left = text.x - {"start": 0.0, "middle": width / 2, "end": width}[text.anchor]
    return Area(left, text.y - 0.73 * text.size, left + width, text.y)


def area(shape: Shape) -> Area:
    if isinstance(shape, Text):
        return text_area(shape)
    if isinstance(shape, Rectangle):
        return Area(shape.x, shape.y, shape.x + shape.width, shape.y + shape.height)
    if isinstance(shape, Circle):
        return Area(shape.x - shape.radius, shape.y - shape.radius, shape.x + shape.radius, shape.y + shape.radius)
    points = list(along(shape)) if isinstance(shape, Curve) else shape.points
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return Area(min(xs), min(ys), max(xs), max(ys))


def outside(scene: Scene) -> list[str]:
    """Shapes that reach over the page's edge."""
    page = Area(0, 0, scene.width, scene.height)
    return [f"{part.name}: {shape}" for part in scene.parts for shape in part.shapes if not area(shape).within(page)]


def overlapping_texts(scene: Scene) -> list[tuple[str, str]]:
    words = sorted(((text_area(each), each.text) for each in _texts(scene)), key=lambda each: each[0].top)
    found = []
    for index, (one, text) in enumerate(words):
        for other, further in words[index + 1 :]:
            if other.top > one.bottom:
                break
            if one.overlaps(other):
                found.append((text, further))
    return found


def crossed_texts(scene: Scene) -> list[tuple[str, str]]:
    """Texts through which an arrow runs, and the arrow."""
    words = [(text_area(each), each.text) for each in _texts(scene)]
    return [
        (text, part.name)
        for part, points in _arrows(scene)
        for place, text in words
        if not _apart(points, place) and any(place.holds(each) for each in points)
    ]


def crossed_boxes(scene: Scene) -> list[tuple[str, str]]:
    """Boxes and merges through which an arrow runs, and the arrow. Its ends lie on the edges of its boxes."""
    boxes = [(box_area(part), part) for part in scene.parts if part.role in ("box", "merge")]
    return [
        (box.name, part.name)
        for part, points in _arrows(scene)
        for place, box in boxes
        if not _apart(points, place) and any(_is_in(each, place, box) for each in points)
    ]


def _is_in(point: Point, place: Area, box: Part) -> bool:
    if box.role == "box":
        return place.holds(point)
    middle = ((place.left + place.right) / 2, (place.top + place.bottom) / 2)
    return math.dist(point, middle) < (place.right - place.left) / 2 - _TOUCH


def box_area(part: Part) -> Area:
    """Of a box's own ground, which is the last of its rectangles that is as wide as the widest."""
    if part.role == "merge":
        return area(part.shapes[0])
    grounds = [each for each in part.shapes if isinstance(each, Rectangle)]
    widest = max(each.width for each in grounds)
    return area([each for each in grounds if each.width == widest][-1])


def overlapping_boxes(scene: Scene) -> list[tuple[str, str]]:
    boxes = sorted(
        ((box_area(part), part.name) for part in scene.parts if part.role in ("box", "merge")),
        key=lambda each: each[0].top,
    )
    found = []
    for index, (one, name) in enumerate(boxes):
        for other, further in boxes[index + 1 :]:
            if other.top > one.bottom:
                break
            if one.overlaps(other):
                found.append((name, further))
    return found


def texts_out_of_their_boxes(scene: Scene) -> list[str]:
    """Words of a box that stand over its edge. Badges and signs sit on edges on purpose, in a shape of their own."""
    found = []
    for part in scene.parts:
        if part.role == "box":
            place = box_area(part)
            found += [
                each.text
                for each in part.shapes
                if isinstance(each, Text) and each.anchor != "middle" and not text_area(each).within(place)
            ]
    return found


def contrasts(scene: Scene) -> Iterator[tuple[str, float]]:
    """Each text, and its contrast to the shape right below it."""
    below: list[tuple[Area, str]] = [(Area(0, 0, scene.width, scene.height), scene.ground)]
    for part in scene.parts:
        for shape in part.shapes:
            if isinstance(shape, Text):
                place = text_area(shape)
                middle = ((place.left + place.right) / 2, (place.top + place.bottom) / 2)
                ground = next(colour for each, colour in reversed(below) if each.holds(middle))
                yield shape.text, contrast(shape.colour, ground)
            elif isinstance(shape, Rectangle | Circle) and shape.fill:
                below.append((area(shape), shape.fill))


def _texts(scene: Scene) -> list[Text]:
    return [each for part in scene.parts for each in part.shapes if isinstance(each, Text)]


def _arrows(scene: Scene) -> Iterator[tuple[Part, list[Point]]]:
    """Each arrow with points along it, less than two apart, and the corners of its head."""
    for part in scene.parts:
        if part.role == "arrow":
            points = [each for shape in part.shapes if isinstance(shape, Curve) for each in along(shape)]
            points += [each for shape in part.shapes if isinstance(shape, Polygon) for each in shape.points]
            if points:
                yield part, points


def _apart(points: list[Point], place: Area) -> bool:
    """Whether no point can lie there, told by the extremes alone."""
    return (
        max(x for x, _ in points) < place.left
        or min(x for x, _ in points) > place.right
        or max(y for _, y in points) < place.top
        or min(y for _, y in points) > place.bottom
    )


def along(curve: Curve) -> Iterator[Point]:
    """Points on a curve, by the formula of a cubic Bézier."""
    points = curve.points
    for index in range(1, len(points) - 2, 3):
        corners = points[index - 1 : index + 3]
        length = sum(abs(a - b) for one, other in pairwise(corners) for a, b in zip(one, other, strict=True))
        steps = max(2, int(length / 2))
        for step in range(steps + 1):
            t = step / steps
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
            x, y = (sum(w * corner[axis] for w, corner in zip(weights, corners, strict=True)) for axis in (0, 1))
            yield x, y
