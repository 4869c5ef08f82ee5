"""Arguments in generated text, marked by name, so that classes that differ in nothing else can become one.

A marked argument stands between letters that no source has: they are of Unicode's private use, and a string literal
that held one would have it escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_HOLE = re.compile("\ue000([^\ue001]*)\ue001([^\ue002]*)\ue002")
_SPARED = re.compile("\ue003([^\ue004]*)\ue004([^\ue005]*)\ue005")


def hole(name: str, text: str) -> str:
    """The text of an argument, marked. name: as torch calls it; "" where it has none."""
    return f"\ue000{name}\ue001{text}\ue002"


def spared(text: str, default: str) -> str:
    """`, stride=1` among the arguments of a call, which goes where its value is the default in the end."""
    return f"\ue003{default}\ue004{text}\ue005"


def unmarked(text: str) -> str:
    """The text as it is without marks."""
    plain = _HOLE.sub(lambda found: found[2], text)
    return _SPARED.sub(lambda found: "" if found[2].endswith(f"={found[1]}") else found[2], plain)


def skeleton(text: str) -> str:
    """What two texts have in common that differ in their marked arguments alone."""
    return _HOLE.sub(lambda found: hole(found[1], ""), text)


def arguments(text: str) -> list[tuple[str, str]]:
    """Names and texts of what is marked."""
    return [(found[1], found[2]) for found in _HOLE.finditer(text)]


def replaced(text: str, others: Sequence[str]) -> str:
    """The text with these in place of what is marked, in order."""
    rest: Iterator[str] = iter(others)
    return _HOLE.sub(lambda _: next(rest), text)
