"""Scene -> SVG text: one small document, whose parts have names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

from render.letters import FONT
from render.scene import Circle, Curve, Part, Point, Polygon, Rectangle, Scene, Shape, Text

_DASHES = "4 3"


def svg_text(scene: Scene, *, prefix: str = "") -> str:
    """An SVG document. prefix: before every id, for several pictures in one page."""
    width, height = _number(scene.width), _number(scene.height)
    title, description = f"{prefix}diagram:name", f"{prefix}diagram:outline"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="{FONT}" font-size="10" role="img" aria-labelledby={quoteattr(f"{title} {description}")}>',
        f"<title id={quoteattr(title)}>{escape(scene.title)}</title>",
        f"<desc id={quoteattr(description)}>{escape(scene.description)}</desc>",
        f'<rect width="{width}" height="{height}" fill="{scene.ground}"/>',
        *(_part(part, prefix) for part in scene.parts),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _part(part: Part, prefix: str) -> str:
    title = f"<title>{escape(part.title)}</title>" if part.title else ""
    shapes = "".join(_shape(each) for each in part.shapes)
    return f'<g id={quoteattr(prefix + part.name)} class="{part.role}">{title}{shapes}</g>'


def _shape(shape: Shape) -> str:
    if isinstance(shape, Text):
        return _text(shape)
    if isinstance(shape, Rectangle):
        return _rectangle(shape)
    if isinstance(shape, Circle):
        place = f'cx="{_number(shape.x)}" cy="{_number(shape.y)}" r="{_number(shape.radius)}"'
        return f"<circle {place}{_paint(shape.fill, shape.line, shape.line_width)}/>"
    if isinstance(shape, Polygon):
        return f'<path d="{_outline(shape.points)}"{_paint(shape.fill, shape.line, shape.line_width)}/>'
    dashes = f' stroke-dasharray="{_DASHES}"' if shape.dashed else ""
    return f'<path d="{path(shape)}"{_paint(None, shape.line, shape.line_width)}{dashes}/>'


def _rectangle(shape: Rectangle) -> str:
    place = (
        f'x="{_number(shape.x)}" y="{_number(shape.y)}" width="{_number(shape.width)}" height="{_number(shape.height)}"'
    )
    radius = f' rx="{_number(shape.radius)}"' if shape.radius else ""
    dashes = f' stroke-dasharray="{_DASHES}"' if shape.dashed and shape.line else ""
    return f"<rect {place}{radius}{_paint(shape.fill, shape.line, shape.line_width)}{dashes}/>"


def _text(shape: Text) -> str:
    size = f' font-size="{_number(shape.size)}"' if shape.size != 10 else ""
    weight = ' font-weight="bold"' if shape.bold else ""
    anchor = f' text-anchor="{shape.anchor}"' if shape.anchor != "start" else ""
    place = f'x="{_number(shape.x)}" y="{_number(shape.y)}"'
    return f'<text {place}{size}{weight}{anchor} fill="{shape.colour}">{escape(shape.text)}</text>'


def _paint(fill: str | None, line: str | None, width: float) -> str:
    stroke = f' stroke="{line}"' + (f' stroke-width="{_number(width)}"' if width != 1 else "") if line else ""
    return f' fill="{fill or "none"}"{stroke}'


def path(curve: Curve) -> str:
    """The path of a curve; straight pieces are told as such."""
    return "".join(_pieces(curve.points))


def _pieces(points: Sequence[Point]) -> Iterator[str]:
    yield f"M{_point(points[0])}"
    at = points[0]
    for index in range(1, len(points) - 2, 3):
        first, second, end = points[index : index + 3]
        if first == at and second == end:
            yield _line(at, end)
        else:
            yield f"C{_point(first)} {_point(second)} {_point(end)}"
        at = end


def _line(start: Point, end: Point) -> str:
    (x, y), (to_x, to_y) = ((_number(each) for each in point) for point in (start, end))
    if x == to_x:
        return "" if y == to_y else f"V{to_y}"
    return f"H{to_x}" if y == to_y else f"L{to_x},{to_y}"


def _outline(points: Sequence[Point]) -> str:
    return f"M{'L'.join(_point(each) for each in points)}Z"


def _point(point: Point) -> str:
    return f"{_number(point[0])},{_number(point[1])}"


def _number(value: float) -> str:
    """At most one decimal: a tenth of a point is finer than what is seen."""
    return f"{value:.1f}".removesuffix(".0").replace("-0", "-0") if abs(value) >= 0.05 else "0"
