"""The labels of a picture as Graphviz's HTML-like tables. All text that reaches DOT is escaped here.

Sizes are in points. Widths are told where columns must stand still: a number at a box's right edge floats otherwise.
Numbers on the right are aligned by `<BR ALIGN="RIGHT"/>`, which SVG keeps whatever font its reader has.
"""

from __future__ import annotations

import html

from render.diagram import Arrow, Box, Cluster, Diagram
from render.theme import Theme
from render.words import facts_on_lines

_BOX = 250
_BAR = 5
_NUMBER = 78
_LINE_LIMIT = 46  # characters of a detail line that fit in a box at its size
_CLUSTER_TITLE_LIMIT = 17  # characters that fit left of the spine, in half a box's width
_CLUSTER_DETAIL_LIMIT = 21
_LEGEND_ROW = 4


def heading(diagram: Diagram, theme: Theme) -> str:
    """The title and the one line under it."""
    title = _font(_bold(diagram.title), theme.ink, 17)
    subtitle = _font(_escaped(diagram.subtitle), theme.muted, 11)
    return _label([[_cell(title)], [_cell(subtitle)], [_cell("", HEIGHT="6")]], CELLPADDING="1")


def box_label(box: Box, theme: Theme) -> str:
    """A bar in the kind's colour; title, name and number of parameters; the details below them."""
    shade = theme.kinds[box.kind]
    name = f" &#160;{_font(_escaped(box.label), theme.muted, 10)}" if box.label else ""
    number = _font(f'{box.parameters:,}<BR ALIGN="RIGHT"/>', theme.ink, 10) if box.parameters else ""
    text = _cell(_bold(box.title) + name, WIDTH=str(_BOX - _BAR - _NUMBER))
    rows = [[text, _cell(number, WIDTH=str(_NUMBER), ALIGN="TEXT" if number else "RIGHT")]]
    rows += [
        [_cell(_font(_escaped(line), theme.muted, 10), COLSPAN="2")] for line in facts_on_lines(box.detail, _LINE_LIMIT)
    ]
    inner = _table(rows, CELLPADDING="2", WIDTH=str(_BOX - _BAR))
    bar = _cell("", WIDTH=str(_BAR), BGCOLOR=shade.bar)
    line = {"BORDER": "1", "COLOR": theme.box_edge} if theme.box_edge else {}
    return _label([[bar, _cell(inner, CELLPADDING="3")]], CELLPADDING="0", BGCOLOR=shade.fill, **line)


def cluster_label(cluster: Cluster, theme: Theme) -> str:
    """Two short lines, narrower than half a box: the spine comes in beside them."""
    rows = [[_cell(_font(_bold(_cut(cluster.title, _CLUSTER_TITLE_LIMIT)), theme.ink, 11))]]
    if cluster.detail:
        detail = _escaped(_cut(cluster.detail, _CLUSTER_DETAIL_LIMIT))
        rows.append([_cell(_font(detail, theme.muted, 9))])
    return _label(rows, CELLPADDING="1")


def arrow_label(arrow: Arrow, theme: Theme) -> str:
    """The shape, with air around it that keeps it off the line."""
    return _label([[_cell(_font(_escaped(arrow.label), theme.muted, 10))]], CELLPADDING="3")


def legend(diagram: Diagram, theme: Theme) -> str:
    """A square and a word for each kind, four a row."""
    cells: list[str] = []
    for kind in diagram.legend:
        square = _cell("", BGCOLOR=theme.kinds[kind].bar, WIDTH="9", HEIGHT="9", FIXEDSIZE="TRUE")
        word = _font("input, output" if kind == "input" else kind, theme.muted, 10)
        cells += [_cell(_table([[square]])), _cell(f"{word} &#160;")]
    rows = [cells[start : start + 2 * _LEGEND_ROW] for start in range(0, len(cells), 2 * _LEGEND_ROW)]
    return _label(rows, CELLPADDING="2") if rows else ""


def _label(rows: list[list[str]], **attributes: str) -> str:
    """A table as a whole label: the angle brackets tell Graphviz that it is not plain text."""
    return f"<{_table(rows, **attributes)}>"


def _table(rows: list[list[str]], **attributes: str) -> str:
    settings = {"BORDER": "0", "CELLBORDER": "0", "CELLSPACING": "0", **attributes}
    body = "".join(f"<TR>{''.join(row)}</TR>" for row in rows)
    return f"<TABLE{_settings(settings)}>{body}</TABLE>"


def _cell(content: str, **attributes: str) -> str:
    return f"<TD{_settings({'ALIGN': 'LEFT', **attributes})}>{content}</TD>"


def _settings(settings: dict[str, str]) -> str:
    return "".join(f' {name}="{value}"' for name, value in settings.items())


def _font(content: str, colour: str, size: int) -> str:
    """Nothing around nothing: an empty <FONT> or <B> breaks the whole label. Graphviz reads whole sizes only."""
    return f'<FONT COLOR="{colour}" POINT-SIZE="{size}">{content}</FONT>' if content else ""


def _bold(text: str) -> str:
    return f"<B>{_escaped(text)}</B>" if text else ""


def _escaped(text: str) -> str:
    """The text as it stands: `&`, `<`, `>` and quotes mean nothing, and neither does Graphviz's own `\\G`."""
    return html.escape(text).replace("\\", "\\\\")


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
