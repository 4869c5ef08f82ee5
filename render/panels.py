"""The curves of a run: a panel for each quantity, over the epochs, as SVG text of this package's own making."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from render.axes import Axis, axis_for, plain, whole_axis
from render.letters import FONT
from render.theme import LIGHT, Theme

Rows = Sequence[Mapping[str, float | None]]

WIDTH, LEFT, RIGHT = 760, 84, 144  # of the page, and of the room beside the panels for ticks and names, in pixels
_TOP, _GAP, _BELOW = 84, 54, 46
_HEIGHTS = {"loss": 220, "lr": 96}
_HEIGHT = 150
_LABEL_APART = 15
# With fewer epochs each is a dot; with more, dots would hide the line.
_DOTS = 40
_NAMES = {"lr": "learning rate"}


@dataclass(frozen=True, slots=True)
class Line:
    """name: "train", "val" or nothing. points: (epoch, value), in order; where a value is not known there is none."""

    name: str
    points: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """A quantity, and its one or two lines."""

    name: str
    lines: tuple[Line, ...]

    @property
    def height(self) -> int:
        return _HEIGHTS.get(self.name, _HEIGHT)


def panels(rows: Rows) -> list[Panel]:
    """The loss, then what else was measured in the order of its columns, then the learning rate. `train_NAME` and
    `val_NAME` share a panel."""
    found: dict[str, list[Line]] = {}
    for column in rows[0]:
        if column not in ("epoch", "step", "seconds"):
            points = tuple(_points(rows, column))
            kind, name = column.split("_", 1) if column.startswith(("train_", "val_")) else ("", column)
            found.setdefault(name, []).extend([Line(kind, points)] if points else [])
    order = sorted(found, key=lambda name: {"loss": 0, "lr": 2}.get(name, 1))
    return [Panel(name, tuple(found[name])) for name in order if found[name]]


def curves(rows: Rows, title: str, theme: Theme = LIGHT) -> str:
    """An SVG document. rows: an epoch each, with `epoch`, `train_loss`, `val_loss`, `lr` and more; at least one.

    The same rows give the same text."""
    shown = panels(rows)
    height = _TOP + sum(each.height + _GAP for each in shown) - _GAP + _BELOW
    epochs = [int(row["epoch"] or 0) for row in rows]
    across = whole_axis(min(epochs), max(epochs), 10)
    body = [*_heading(rows, title, theme)]
    top = _TOP
    for panel in shown:
        body += _panel(panel, across, top, theme)
        top += panel.height + _GAP
    body.append(_text((LEFT + WIDTH - RIGHT) / 2, height - 10, "epoch", theme.muted, anchor="middle"))
    return _document(height, title, _outline(shown), body, theme)


def _points(rows: Rows, column: str) -> Iterator[tuple[int, float]]:
    for row in rows:
        value = row.get(column)
        if value is not None and math.isfinite(value):
            yield int(row["epoch"] or 0), value


def _heading(rows: Rows, title: str, theme: Theme) -> Iterator[str]:
    yield _text(LEFT, 24, title, theme.ink, size=17, bold=True)
    words = [f"{len(rows):,} epoch{'s' * (len(rows) > 1)}", f"{int(rows[-1].get('step') or 0):,} steps"]
    yield _text(LEFT, 42, ", ".join(words), theme.muted)


def _panel(panel: Panel, across: Axis, top: float, theme: Theme) -> Iterator[str]:
    values = [value for line in panel.lines for _, value in line.points]
    up = axis_for(values, 3 if panel.height < 120 else 5)
    name = _NAMES.get(panel.name, panel.name) + (" (log scale)" if up.logarithmic else "")
    bottom = top + panel.height
    yield _text(LEFT, top - 7, name, theme.ink, size=12, bold=True)
    for tick, label in zip(up.ticks, up.labels(), strict=True):
        y = bottom - up.place(tick) * panel.height
        yield _rule(LEFT, y, WIDTH - RIGHT, y, theme.cluster_edge, 0.6)
        yield _text(LEFT - 8, y + 3.8, label, theme.muted, anchor="end")
    yield _rule(LEFT, bottom, WIDTH - RIGHT, bottom, theme.edge, 1)
    for tick, label in zip(across.ticks, across.labels(), strict=True):
        x = _across(across, tick)
        yield _rule(x, bottom, x, bottom + 4, theme.edge, 1)
        yield _text(x, bottom + 16, label, theme.muted, anchor="middle")
    yield from _lines(panel, across, up, bottom, theme)


def _lines(panel: Panel, across: Axis, up: Axis, bottom: float, theme: Theme) -> Iterator[str]:
    ends = []
    for line in panel.lines:
        colour = theme.kinds[_KINDS[line.name]].bar
        places = [(_across(across, epoch), bottom - up.place(value) * panel.height) for epoch, value in line.points]
        if len(places) > 1:
            joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            style = f'fill="none" stroke="{colour}" stroke-width="1.8" stroke-linejoin="round"'
            yield f'<polyline points="{joined}" {style}/>'
        if len(places) <= _DOTS:
            yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{colour}"/>' for x, y in places)
        ends.append((places[-1][1], f"{line.name} {plain(line.points[-1][1])}".strip(), colour))
    yield from _labels(ends, bottom - panel.height, bottom, theme)


# Which kind of layer lends a line its colour: two that those who see few colours tell apart.
_KINDS = {"train": "convolution", "val": "activation", "": "normalisation"}


def _labels(ends: Sequence[tuple[float, str, str]], top: float, bottom: float, theme: Theme) -> Iterator[str]:
    """Name and last value of each line at its right end, moved apart where they would touch."""
    ends = sorted(ends)
    places = [y for y, _, _ in ends]
    if len(places) == 2 and (missing := _LABEL_APART - (places[1] - places[0])) > 0:
        places = [places[0] - missing / 2, places[1] + missing / 2]
    shift = max(0.0, top - places[0]) - max(0.0, places[-1] - bottom)
    for place, (_, label, colour) in zip(places, ends, strict=True):
        x, y = WIDTH - RIGHT + 10, place + shift
        yield _rule(x, y, x + 12, y, colour, 2.4)
        yield _text(x + 17, y + 3.8, label, theme.ink)


def _across(axis: Axis, epoch: float) -> float:
    return LEFT + 6 + axis.place(epoch) * (WIDTH - RIGHT - LEFT - 12)


def _outline(shown: Sequence[Panel]) -> str:
    """The picture in words: where each line begins, ends, and lies between."""
    told = []
    for panel in shown:
        for line in panel.lines:
            values = [value for _, value in line.points]
            name = f"{line.name} {_NAMES.get(panel.name, panel.name)}".strip()
            told.append(f"{name}: {plain(values[0])} to {plain(values[-1])}, "
                        f"lowest {plain(min(values))}, highest {plain(max(values))}.")  # fmt: skip
    return " ".join(told)


def _document(height: float, title: str, outline: str, body: Sequence[str], theme: Theme) -> str:
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:g}" '
        f'viewBox="0 0 {WIDTH} {height:g}" font-family="{FONT}" role="img" '
        'aria-labelledby="curves:name curves:outline">',
        f'<title id="curves:name">{escape(title)}: curves</title>',
        f'<desc id="curves:outline">{escape(outline)}</desc>',
        f'<rect width="100%" height="100%" fill="{theme.ground}"/>',
        *body,
        "</svg>\n",
    ])  # fmt: skip


def _rule(x: float, y: float, to_x: float, to_y: float, colour: str, width: float) -> str:
    return (f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" '
            f'stroke="{colour}" stroke-width="{width:g}"/>')  # fmt: skip


def _text(
    x: float, y: float, text: str, colour: str, *, size: int = 11, bold: bool = False, anchor: str = "start"
) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}"{weight}>'
            f"{escape(text)}</text>")  # fmt: skip
