"""The labels of a Mermaid flowchart, as its Markdown strings. All text that reaches Mermaid is escaped here."""

from __future__ import annotations

import re
from collections.abc import Mapping

from render.diagram import Box, Cluster, Diagram
from render.theme import MARK_SIGNS
from render.words import facts_on_lines, printable
from render.written import parameters_told

_DETAIL_LINE, _HEADING_LINE = 46, 64  # characters
# A blank at which no line is broken, and a sign of no width, for blanks at a line's end are cut off.
_BLANK, _JOINER = "\u00a0", "\u2060"
# A space of no width, in the eyes of Mermaid's Markdown.
_APART = "#65279;"
# In letters. What a box has around its text; a cluster around what is in it; what a further way beside the first takes,
# and a skip on its way out.
_AROUND_BOX, _AROUND_CLUSTER, _WAY, _SKIP, _SKIP_OUT = 7, 4, 20, 9, 26

# What stands for itself in a label. Letters of words that Mermaid looks for in whole lines, and what Markdown reads at
# a line's start, are found by the patterns below.
_MEANT = re.compile(r"[^\w ,./()+\-\u0080-\U0010ffff]|[ﬂ¶]|(?<![^\W_])_|_(?![^\W_])")
_LINE_START = re.compile(r"^(\d*)([.)+-])")
_WORDS = re.compile(r"s(?=tyle)|c(?=lassdef)|(?<=www)\.", re.IGNORECASE)


def said(text: str) -> str:
    """A text as it stands, within a label: what means something to Mermaid, to Markdown or to HTML becomes a numbered
    entity."""
    escaped = _MEANT.sub(_entity, printable(text))
    escaped = _LINE_START.sub(lambda match: match[1] + _code(match[2]), escaped)
    return _WORDS.sub(_entity, escaped)


def _entity(match: re.Match[str]) -> str:
    """Entities are read before Markdown and icons: a sign of theirs needs a neighbour that keeps it from the others."""
    character = match[0]
    if character in "*_":
        return f"{_APART}{_code(character)}{_APART}"
    return _code(character) + (_APART if character in ":$\\ﬂ¶]~@." else "")


def _code(character: str) -> str:
    return f"#{ord(character)};"


def heading(title: str, subtitle: str) -> str:
    """Of the whole picture: the title, and the facts of the line below it on as many lines as they need."""
    return "<br/>".join(filter(None, [bold(title), *map(said, facts_on_lines(subtitle.split(" · "), _HEADING_LINE))]))


def box_label(box: Box, *, together: bool) -> str:
    """The title with its name and copies; the facts; the parameters. Of a merge the sign alone, in a small circle."""
    if box.form == "circle":
        return bold(_marked(box.title, box.mark))
    head = [bold(_marked(box.title, box.mark)), said(box.label), _copies(box.copies)]
    return "<br/>".join([" ".join(filter(None, head)), *map(said, _below(box, together=together))])


def cluster_label(cluster: Cluster, room: int) -> str:
    """Name, copies and detail on one line: Mermaid keeps no room for more. It puts them in the middle, where the arrow
    comes in; blanks after them, as far as there is `room`, move them to the left."""
    title, copies = _marked(cluster.title, cluster.mark), _copies(cluster.copies)
    plain = " · ".join(filter(None, [f"{title} {copies}".strip(), cluster.detail]))
    detail = cluster.detail.removesuffix(" parameters") if 2 * len(plain) > room else cluster.detail
    head = " ".join(filter(None, [bold(title), copies]))
    blanks = max(2 * (room - len(plain) + len(cluster.detail) - len(detail)), 0)  # half as wide as most letters
    line = " · ".join(filter(None, [head, said(detail)])) + (_BLANK * blanks + _JOINER if blanks else "")
    return line.replace(" ", _BLANK)


def rooms(diagram: Diagram) -> dict[str, int]:
    """How many letters are about as wide as Mermaid will draw each cluster, which it tells nobody before. Rather too
    few than too many: a title that is wider than its cluster runs into the next one."""
    boxes = {each.name: each for each in diagram.boxes}
    parents = {each.name: each.parent for each in diagram.clusters}
    beside = dict.fromkeys(parents, 0)
    leaving: set[str] = set()
    for arrow in diagram.arrows:
        source, target = boxes[arrow.source], boxes[arrow.target]
        if source.form == "dot" and arrow.role != "spine":
            beside[source.cluster] += _SKIP if arrow.role == "skip" else _WAY
        if arrow.role == "skip":
            leaving |= _around(source.cluster, parents) - _around(target.cluster, parents)
    inner = dict.fromkeys(parents, 0)
    for box in diagram.boxes:
        if box.cluster:
            inner[box.cluster] = max(inner[box.cluster], _letters(box) + _AROUND_BOX)
    for name in reversed(list(parents)):  # outer ones stand first
        inner[name] += beside[name] + _AROUND_CLUSTER
        if parents[name]:
            inner[parents[name]] = max(inner[parents[name]], inner[name])
    return {name: width + _SKIP_OUT * (name in leaving) for name, width in inner.items()}


def bold(text: str) -> str:
    """Stars mean nothing beside a space, be it one of no width."""
    inner = re.sub(f"^(?={_APART})|(?<={_APART})$", _JOINER, said(text))
    return f"**{inner}**" if text else ""


def _below(box: Box, *, together: bool = False) -> list[str]:
    """The lines below a title: the facts, the parameters."""
    parameters = parameters_told(box, together=together)
    return [*facts_on_lines(box.detail, _DETAIL_LINE), *filter(None, [parameters])]


def _copies(copies: int) -> str:
    return f"×{copies}" if copies > 1 else ""


def _marked(title: str, mark: str) -> str:
    return f"{MARK_SIGNS[mark]} {title}" if mark else title


def _letters(box: Box) -> int:
    """The length of a box's longest line."""
    return max(map(len, [f"{box.title} {box.label}", *_below(box)]))


def _around(cluster: str, parents: Mapping[str, str]) -> set[str]:
    """The cluster and those around it."""
    found: set[str] = set()
    while cluster:
        found.add(cluster)
        cluster = parents[cluster]
    return found
