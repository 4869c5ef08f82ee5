"""What Graphviz's SVG lacks: a role, a title and a description; and what it has too much: its version, a doctype."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

from render.diagram import Diagram, outline

_COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)
_DOCTYPE = re.compile(r"<!DOCTYPE[^>]*>\n?")
_OPENING = re.compile(r"<svg\b([^>]*)>")


def finished(raw: bytes, diagram: Diagram) -> str:
    """The SVG that is written: nothing in it hangs on the engine's version, the machine or the hour."""
    text = _DOCTYPE.sub("", _COMMENT.sub("", raw.decode()), count=1)
    return _OPENING.sub(lambda match: _opening(match[1], diagram), text, count=1)


def _opening(attributes: str, diagram: Diagram) -> str:
    told = ' role="img" aria-labelledby="diagram:name diagram:outline"'
    name = f'<title id="diagram:name">{escape(diagram.title)}</title>'
    words = f'<desc id="diagram:outline">{escape(outline(diagram))}</desc>'
    return f"<svg{attributes}{told}>\n{name}\n{words}"
