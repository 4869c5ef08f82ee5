"""What the codes of diagnostics mean. A code is a page under `pages/`: `pages/shape.md` explains `error[shape]`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_PAGES: Final = Path(__file__).with_name("pages")


@dataclass(frozen=True, slots=True)
class Page:
    """title: what the code says, in a line. about: the sentences above the examples. text: the page, as Markdown."""

    code: str
    title: str
    about: str
    text: str


@cache
def codes() -> tuple[str, ...]:
    """Every code that a diagnostic may have, in the order of the alphabet."""
    return tuple(sorted(each.stem for each in _PAGES.glob("*.md")))


@cache
def page(code: str) -> Page:
    """The page of one of `codes()`."""
    text = (_PAGES / f"{code}.md").read_text(encoding="utf-8")
    heading, _, rest = text.partition("\n")
    about = rest.partition("\n## ")[0].strip()
    return Page(code, heading.partition(": ")[2], about, text)
