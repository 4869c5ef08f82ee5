"""Scene -> TikZ: a LaTeX document of its own, for papers. Every shape stands where the Scene has it."""

from __future__ import annotations

from collections.abc import Iterator

from render import latex
from render.scene import Circle, Curve, Polygon, Rectangle, Scene, Shape, Text, texts
from render.theme import Theme
from render.written import Written

LONGEST = 16_000  # points; TeX knows no length of more than 16,383 of its own

_ANCHORS = {"start": "", "middle": ",middle", "end": ",end"}
_PREAMBLE = r"""\documentclass[tikz]{standalone}
\usepackage[T1]{fontenc}
\usepackage{textcomp}
\usepackage{helvet}
\renewcommand{\familydefault}{\sfdefault}"""
_STYLES = r"""\tikzset{
  every node/.style={inner sep=0bp, outer sep=0bp, anchor=base west},
  middle/.style={anchor=base}, end/.style={anchor=base east},
  dashes/.style={dash pattern=on 4bp off 3bp},"""


def document(scene: Scene, theme: Theme) -> Written:
    """The picture as a document of the class `standalone`, in ASCII, for pdfLaTeX, XeLaTeX and LuaLaTeX alike. Its
    colours have the theme's names, so that they can be changed in one place."""
    notes = tuple(_notes(scene))
    return Written("".join(f"{line}\n" for line in _lines(scene, theme, notes)).encode(), notes)


def _lines(scene: Scene, theme: Theme, notes: tuple[str, ...]) -> Iterator[str]:
    names = _colour_names(scene, theme)
    yield from (f"% {_plain(each)}" for each in [scene.title, *scene.description.splitlines(), *notes] if each)
    yield _PREAMBLE
    for colour, name in names.items():
        yield rf"\definecolor{{{name}}}{{HTML}}{{{colour[1:].upper()}}}"
    yield _STYLES
    for size in sorted({each.size for each in texts(scene)}):
        font = rf"\fontsize{{{_number(size)}bp}}{{{_number(size * 1.2)}bp}}\selectfont"
        yield rf"  {_style(size, False)}/.style={{font={font}}},"
        yield rf"  {_style(size, True)}/.style={{font={font}\bfseries\boldmath}},"
    yield "}"
    yield r"\begin{document}"
    yield r"\begin{tikzpicture}[x=1bp,y=-1bp]"
    yield rf"\path[use as bounding box,fill={names[scene.ground]}] (0,0) rectangle {_point(scene.width, scene.height)};"
    for part in scene.parts:
        yield f"% {_plain(f'{part.role} {part.name}')}"
        yield from (_drawn(shape, names) for shape in part.shapes)
    yield r"\end{tikzpicture}"
    yield r"\end{document}"


def _notes(scene: Scene) -> Iterator[str]:
    missing = latex.unknown(each.text for each in texts(scene))
    if missing:
        signs = ", ".join(f"{each} (U+{ord(each):04X})" for each in missing)
        yield f"LaTeX's fonts have no {signs}: {latex.UNKNOWN} stands there"
    if max(scene.width, scene.height) > LONGEST:
        size = f"{scene.width:,.0f} × {scene.height:,.0f} points"
        yield f"{size}: TeX draws up to {LONGEST:,}; draw it at a higher level"


def _drawn(shape: Shape, names: dict[str, str]) -> str:
    if isinstance(shape, Text):
        style = f"{_style(shape.size, shape.bold)},text={names[shape.colour]}{_ANCHORS[shape.anchor]}"
        return rf"\node[{style}] at {_point(shape.x, shape.y)} {{{latex.said(shape.text)}}};"
    options = ",".join(_options(shape, names))
    return rf"\path[{options}] {_path(shape)};"


def _path(shape: Rectangle | Circle | Polygon | Curve) -> str:
    match shape:
        case Rectangle():
            return f"{_point(shape.x, shape.y)} rectangle {_point(shape.x + shape.width, shape.y + shape.height)}"
        case Circle():
            return f"{_point(shape.x, shape.y)} circle[radius={_number(shape.radius)}bp]"
        case Polygon():
            return " -- ".join([*(_point(*each) for each in shape.points), "cycle"])
        case Curve():
            start, *rest = (_point(*each) for each in shape.points)
            pieces = zip(rest[::3], rest[1::3], rest[2::3], strict=True)
            return start + "".join(f" .. controls {one} and {other} .. {end}" for one, other, end in pieces)


def _options(shape: Rectangle | Circle | Polygon | Curve, names: dict[str, str]) -> Iterator[str]:
    if not isinstance(shape, Curve) and shape.fill:
        yield f"fill={names[shape.fill]}"
    if shape.line:
        yield f"draw={names[shape.line]},line width={_number(shape.line_width)}bp"
    if isinstance(shape, Rectangle | Curve) and shape.dashed:
        yield "dashes"
    if isinstance(shape, Rectangle) and shape.radius:
        yield f"rounded corners={_number(shape.radius)}bp"


def _colour_names(scene: Scene, theme: Theme) -> dict[str, str]:
    """The colours that are used, in the order in which they are, with the theme's name for each that is its own."""
    own = {theme.ground: "ground", theme.ink: "ink", theme.muted: "muted", theme.edge: "arrow"}
    own = {theme.box_edge or theme.ink: "boxline", theme.cluster_edge: "clusterline", theme.cluster: "cluster", **own}
    for name, shade in [*theme.kinds.items(), *theme.marks.items()]:
        own.setdefault(shade.bar, f"{name}line")
        own.setdefault(shade.fill, f"{name}fill")
    used = dict.fromkeys([scene.ground, *(each for part in scene.parts for each in _colours(part.shapes))])
    return {colour: own.get(colour, f"colour{index}") for index, colour in enumerate(used)}


def _colours(shapes: tuple[Shape, ...]) -> Iterator[str]:
    for shape in shapes:
        if isinstance(shape, Text):
            yield shape.colour
            continue
        if not isinstance(shape, Curve) and shape.fill:
            yield shape.fill
        if shape.line:
            yield shape.line


def _style(size: float, bold: bool) -> str:
    """`text 10.5`, `bold 17`: a style for each size of letters."""
    return f"{'bold' if bold else 'text'} {_number(size)}"


def _point(x: float, y: float) -> str:
    return f"({_number(x)},{_number(y)})"


def _number(value: float) -> str:
    """At most three places: a thousandth of a point is not to be seen."""
    return f"{round(value, 3) + 0:.3f}".rstrip("0").rstrip(".")  # no minus before nought


def _plain(text: str) -> str:
    """For a comment: one line in ASCII."""
    return " ".join(text.encode("ascii", "backslashreplace").decode().split())
