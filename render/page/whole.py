"""The page put together: the pictures, the facts, the styles and the script in one file that asks no network.

The page's own policy (`Content-Security-Policy`) forbids every request and every script but the ones written here,
which it knows by their digests.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, Final

from render.arranging import Style
from render.folding.walk import Level
from render.page.colours import stylesheet
from render.page.facts import facts
from render.page.pictures import Drawing, pictures
from render.page.table import table
from render.page.views import View
from render.theme import theme_named

if TYPE_CHECKING:
    import networkx

_HERE: Final = Path(__file__).parent
# In this order they are one script.
_SCRIPTS: Final = ("camera.js", "panel.js", "search.js", "page.js", "acts.js")
_TITLES: Final = {"overview": "Overview", "block": "Blocks", "full": "Full"}
# Without a script the page is a document that scrolls; this tells the styles that there is one.
_EARLY: Final = 'document.documentElement.classList.add("js")'


def page(
    graph: networkx.DiGraph[str],
    *,
    lines: Mapping[str, str] | None = None,
    level: Level = "block",
    expand: Sequence[str] = (),
    collapse: Sequence[str] = (),
    style: Style = "page",
    theme: str = "",
    compact: bool = True,
) -> str:
    """An HTML document of a model's graph; the same graph gives the same text.

    lines: by the names of nodes and regions, the spec's own text about them. level: what is seen first, and all that is
    seen without a script. theme: "light", "dark" or "print" to begin with; left out, as the reader's system is.
    The rest is as `render.draw` means it. Raises EngineError where nothing here can place the boxes; ValueError for a
    level, a theme or a name that there is not.
    """
    drawn = pictures(graph, level, Drawing(expand=expand, collapse=collapse, style=style, compact=compact))
    shown = drawn.same.get(level, level)
    css, script = f"{stylesheet()}\n{_text('page.css')}", "".join(_text(each) for each in _SCRIPTS)
    first = next(each for each in drawn.views if each.level == shown)
    return Template(_text("page.html")).substitute(
        theme=_theme(theme),
        policy=_policy(css, [_EARLY, script]),
        name=escape(first.diagram.title),
        subtitle=escape(_common([each.diagram.subtitle for each in drawn.views])),
        style=css,
        early=_EARLY,
        script=script,
        buttons="".join(_button(each, each is first) for each in drawn.views) if len(drawn.views) > 1 else "",
        pictures="\n".join(_picture(each, each is first) for each in drawn.views),
        note=f'<p class="note">{escape(drawn.note)}</p>' if drawn.note else "",
        table=table(graph),
        facts=_json({"same": drawn.same, **facts(graph, drawn.views, lines or {})}),
    )


def _theme(name: str) -> str:
    """An attribute of the whole document; none where the reader's system chooses."""
    if not name:
        return ""
    return f' data-theme="{"dark" if theme_named(name).name == "dark" else "light"}"'


def _common(subtitles: Sequence[str]) -> str:
    """What all levels say of the model; what a picture says of itself stands in the picture."""
    first, *others = (each.split(" · ") for each in subtitles)
    return " · ".join(word for word in first if all(word in other for other in others))


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _policy(style: str, scripts: Iterable[str]) -> str:
    allowed = " ".join(_digest(each) for each in scripts)
    return f"default-src 'none'; img-src data:; style-src {_digest(style)}; script-src {allowed}"


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _button(view: View, pressed: bool) -> str:
    state = f'data-level="{view.level}" aria-pressed="{str(pressed).lower()}"'
    return f'<button type="button" {state}>{_TITLES[view.level]}</button>'


def _picture(view: View, seen: bool) -> str:
    hidden = "" if seen else " hidden"
    return f'<div class="picture" data-level="{view.level}"{hidden}>{view.svg}</div>'


def _json(data: Any) -> str:
    """The data as it may stand in a script element: nothing in it ends that."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")
