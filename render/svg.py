"""What Graphviz's SVG lacks: a role, a title and a description; and what it has too much: its version, a doctype."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

from render.diagram import Diagram
from render.outline import description

_COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)
_DOCTYPE = re.compile(r"<!DOCTYPE[^>]*>\n?")
# What a mouse is shown over arrows and the page: names that only the layout knows. Boxes and clusters keep theirs.
_INNER_NAME = re.compile(
    r'(class="edge">\n|translate\([^"]*\)">\n|id="diagram:title" class="cluster">\n)<title>.*?</title>\n'
)
_CLUSTER_NAME = re.compile(r"<title>cluster:")
_OPENING = re.compile(r"<svg\b([^>]*)>")


def finished(raw: bytes, diagram: Diagram) -> str:
    """The SVG that is written: nothing in it hangs on the engine's version, the machine or the hour."""
    text = _DOCTYPE.sub("", _COMMENT.sub("", raw.decode()), count=1)
    text = _CLUSTER_NAME.sub("<title>", _INNER_NAME.sub(r"\1", text))
    return _OPENING.sub(lambda match: _opening(match[1], diagram), text, count=1)


def _opening(attributes: str, diagram: Diagram) -> str:
    told = ' role="img" aria-labelledby="diagram:name diagram:outline"'
    name = f'<title id="diagram:name">{escape(diagram.title)}</title>'
    words = f'<desc id="diagram:outline">{escape(description(diagram))}</desc>'
    return f"<svg{attributes}{told}>\n{name}\n{words}"
