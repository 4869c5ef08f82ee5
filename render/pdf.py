"""Scene -> a PDF file of one page, with this package's letters in it and text that can be searched and copied."""

from __future__ import annotations

import io
from functools import partial
from typing import Any

from render.letters import FONT_FILES
from render.scene import Circle, Curve, Polygon, Rectangle, Scene, Shape, Text

_NAMES = {False: "DejaVuSans", True: "DejaVuSans-Bold"}
_DASHES = (4, 3)


def pdf_file(scene: Scene) -> bytes:
    """The same bytes for the same scene. A point of the scene is one of the page."""
    from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped]

    _register_fonts()
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(scene.width, scene.height), invariant=1, pageCompression=1)
    canvas.setTitle(scene.title)
    canvas.setSubject(scene.description.split("\n")[0])
    canvas.setCreator("tomograph")
    canvas.setAuthor("")
    # y of a page grows upwards.
    canvas.translate(0, scene.height)
    ground = Rectangle(x=0, y=0, width=scene.width, height=scene.height, fill=scene.ground)
    for shape in (ground, *(each for part in scene.parts for each in part.shapes)):
        _draw(canvas, shape)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _register_fonts() -> None:
    """Known to reportlab by name, for the whole process; a second time does nothing."""
    from reportlab.pdfbase import pdfmetrics  # type: ignore[import-untyped]
    from reportlab.pdfbase.ttfonts import TTFont  # type: ignore[import-untyped]

    for bold, name in _NAMES.items():
        if name not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(name, str(FONT_FILES[bold])))


def _draw(canvas: Any, shape: Shape) -> None:
    if isinstance(shape, Text):
        _text(canvas, shape)
        return
    fill = None if isinstance(shape, Curve) else shape.fill
    _colours(canvas, fill, shape.line, shape.line_width)
    dashed = isinstance(shape, Rectangle | Curve) and shape.dashed
    canvas.setDash(*_DASHES) if dashed else canvas.setDash()
    paint = {"fill": int(fill is not None), "stroke": int(shape.line is not None)}
    if isinstance(shape, Rectangle):
        place = (shape.x, -shape.y - shape.height, shape.width, shape.height)
        corner = partial(canvas.roundRect, *place, shape.radius) if shape.radius else partial(canvas.rect, *place)
        corner(**paint)
    elif isinstance(shape, Circle):
        canvas.circle(shape.x, -shape.y, shape.radius, **paint)
    else:
        canvas.drawPath(_path(canvas, shape), **paint)


def _colours(canvas: Any, fill: str | None, line: str | None, width: float) -> None:
    from reportlab.lib.colors import HexColor  # type: ignore[import-untyped]

    if fill is not None:
        canvas.setFillColor(HexColor(fill))
    if line is not None:
        canvas.setStrokeColor(HexColor(line))
        canvas.setLineWidth(width)


def _path(canvas: Any, shape: Polygon | Curve) -> Any:
    path = canvas.beginPath()
    points = [(x, -y) for x, y in shape.points]
    path.moveTo(*points[0])
    if isinstance(shape, Polygon):
        for each in points[1:]:
            path.lineTo(*each)
        path.close()
        return path
    for index in range(1, len(points) - 2, 3):
        first, second, end = points[index : index + 3]
        if first == points[index - 1] and second == end:
            path.lineTo(*end)
        else:
            path.curveTo(*first, *second, *end)
    return path


def _text(canvas: Any, shape: Text) -> None:
    _colours(canvas, shape.colour, None, 0)
    canvas.setFont(_NAMES[shape.bold], shape.size)
    draw = {"start": canvas.drawString, "middle": canvas.drawCentredString, "end": canvas.drawRightString}
    draw[shape.anchor](shape.x, -shape.y, shape.text)
