"""How wide a text is, and what of it fits: from the letters that this package carries.

DejaVu Sans is the widest of the fonts that a picture names, so what fits in it fits in what a reader has in its place.
"""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# The families that SVG names, the one measured first.
FONT = "DejaVu Sans,Helvetica,Arial,sans-serif"

_FONTS = Path(__file__).parent / "fonts"
FONT_FILES = {False: _FONTS / "DejaVuSans.ttf", True: _FONTS / "DejaVuSans-Bold.ttf"}
_WIDE, _UNKNOWN = 1.0, 0.75  # of a letter's size: letters that our fonts lack, those of East Asia first


@dataclass(frozen=True, slots=True)
class _Font:
    """advances: of each letter, in parts of its size."""

    advances: Mapping[int, float]

    def advance(self, letter: str) -> float:
        known = self.advances.get(ord(letter))
        if known is not None:
            return known
        return _WIDE if unicodedata.east_asian_width(letter) in "WF" else _UNKNOWN


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """In points, for letters of this size in points."""
    font = _font(bold)
    return size * sum(font.advance(letter) for letter in text)


def has_letters(text: str) -> bool:
    """Whether our fonts have all letters of a text, which may be of several lines."""
    return all(ord(letter) in _font(False).advances for letter in set(text) - {"\n"})


def cut(text: str, width: float, size: float, *, bold: bool = False) -> str:
    """The text, or as much of its beginning as fits into a width with `…` behind it."""
    if text_width(text, size, bold=bold) <= width:
        return text
    left = width - text_width("…", size, bold=bold)
    kept = 0
    for letter in text:
        left -= text_width(letter, size, bold=bold)
        if left < 0:
            break
        kept += 1
    return f"{text[:kept].rstrip()}…"


def wrapped(words: Iterable[str], width: float, size: float, *, between: str = " ", bold: bool = False) -> list[str]:
    """Words on as few lines as they fit on, in their order; a word too long for a line is cut."""
    lines: list[str] = []
    for word in words:
        joined = f"{lines[-1]}{between}{word}" if lines else word
        if lines and text_width(joined, size, bold=bold) <= width:
            lines[-1] = joined
        else:
            lines.append(cut(word, width, size, bold=bold))
    return lines


def facts_in_lines(facts: Iterable[str], width: float, size: float) -> list[str]:
    """Facts with dots between them on as few lines as they fit on; one that is too long for a line begins its own, and
    goes on in the next ones."""
    lines: list[str] = []
    for fact in filter(None, facts):
        joined = f"{lines[-1]} · {fact}" if lines else fact
        if text_width(joined, size) <= width:
            lines[-1:] = [joined]
        else:
            lines += wrapped(fact.split(" "), width, size)
    return lines


@cache
def _font(bold: bool) -> _Font:
    """Read from the TrueType file: the tables `head`, `hhea`, `hmtx` and `cmap` of the OpenType specification 1.9."""
    data = FONT_FILES[bold].read_bytes()
    (count,) = struct.unpack_from(">H", data, 4)
    entries = (struct.unpack_from(">4sIII", data, 12 + 16 * index) for index in range(count))
    tables = {tag: offset for tag, _, offset, _ in entries}
    (per_em,) = struct.unpack_from(">H", data, tables[b"head"] + 18)
    (measured,) = struct.unpack_from(">H", data, tables[b"hhea"] + 34)
    advances = [struct.unpack_from(">H", data, tables[b"hmtx"] + 4 * glyph)[0] for glyph in range(measured)]
    glyphs = _glyphs(data, tables[b"cmap"])
    # Glyphs behind the last that is measured are as wide as it.
    return _Font({code: advances[min(glyph, measured - 1)] / per_em for code, glyph in glyphs.items()})


def _glyphs(data: bytes, cmap: int) -> dict[int, int]:
    """Code point -> glyph, from the subtable of format 4, which every font of this package has."""
    (count,) = struct.unpack_from(">H", data, cmap + 2)
    starts = [cmap + struct.unpack_from(">I", data, cmap + 8 + 8 * index)[0] for index in range(count)]
    start = next(each for each in starts if struct.unpack_from(">H", data, each)[0] == 4)
    (twice,) = struct.unpack_from(">H", data, start + 6)
    size = twice // 2
    ends = struct.unpack_from(f">{size}H", data, start + 14)
    firsts = struct.unpack_from(f">{size}H", data, start + 16 + twice)
    deltas = struct.unpack_from(f">{size}H", data, start + 16 + 2 * twice)
    ranges = start + 16 + 3 * twice
    found: dict[int, int] = {}
    for segment in range(size):
        (offset,) = struct.unpack_from(">H", data, ranges + 2 * segment)
        for code in range(firsts[segment], min(ends[segment], 0xFFFE) + 1):
            glyph = code
            if offset:
                place = ranges + 2 * segment + offset + 2 * (code - firsts[segment])
                (glyph,) = struct.unpack_from(">H", data, place)
            if glyph:
                found[code] = (glyph + deltas[segment]) & 0xFFFF
    return found
