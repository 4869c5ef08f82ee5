"""The words below a block, in lines that fit its column."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from render.blocks3d.units import Unit
from render.letters import text_width

SIZE: Final = 10.0  # of every word but the title's; smaller than 7 on A4 is not read
LEADING: Final = 13.0
_LINES_OF_FACTS = 4
_UNBROKEN = 11  # characters of a fact or a shape that is never broken


@dataclass(frozen=True, slots=True)
class Line:
    """One line below a block."""

    text: str
    bold: bool = False
    strong: bool = False  # in ink, not muted


def lines_of(unit: Unit, width: float) -> list[Line]:
    """Title, name, facts and shape of a block, each on as many lines as the width asks for."""
    words = unit.words
    facts = _packed([*words.facts, *words.after], " · ", width, bold=False)
    if len(facts) > _LINES_OF_FACTS:
        facts = [*facts[: _LINES_OF_FACTS - 1], f"{facts[_LINES_OF_FACTS - 1]} …"]
    return [
        *(Line(each, bold=True, strong=True) for each in _packed(words.title.split(), " ", width, bold=True)),
        *(Line(each) for each in _packed([words.label], " ", width, bold=False)),
        *(Line(each) for each in facts),
        *(Line(each, strong=True) for each in _shape_lines(unit.shape, width)),
    ]


def widest_piece(unit: Unit) -> float:
    """The width of the widest piece that a line below the block should hold unbroken, in points."""
    words = unit.words
    titles = [text_width(piece, SIZE, bold=True) for word in words.title.split() for piece in _pieces(word)]
    facts = [piece for fact in (words.label, *words.facts, *words.after) for piece in _unbroken(fact)]
    shape = [unit.shape] if len(unit.shape) <= _UNBROKEN else [f"{each}×" for each in unit.shape.split("×")]
    return max([*titles, *(text_width(each, SIZE) for each in (*facts, *shape))], default=0.0)


def _unbroken(fact: str) -> list[str]:
    """`Dropout 0.5` stays on a line; of a longer text the words do, or what they may be broken into."""
    return [fact] if len(fact) <= _UNBROKEN else [piece for word in fact.split() for piece in _pieces(word)]


def _packed(texts: list[str], between: str, width: float, *, bold: bool) -> list[str]:
    """The texts on lines, as many to a line as fit; a text that is wider than a line by itself is broken."""
    lines: list[str] = []
    for text in filter(None, texts):
        joined = f"{lines[-1]}{between}{text}" if lines else text
        if lines and text_width(joined, SIZE, bold=bold) <= width:
            lines[-1] = joined
        else:
            lines += _broken(text, width, bold=bold)
    return lines


def _broken(text: str, width: float, *, bold: bool) -> list[str]:
    if text_width(text, SIZE, bold=bold) <= width:
        return [text]
    lines: list[str] = []
    for index, word in enumerate(text.split()):
        pieces = [word] if text_width(word, SIZE, bold=bold) <= width else _pieces(word)
        for part, piece in enumerate(pieces):
            gap = " " if index and not part else ""
            if lines and text_width(f"{lines[-1]}{gap}{piece}", SIZE, bold=bold) <= width:
                lines[-1] += f"{gap}{piece}"
            else:
                lines.append(piece)
    return lines


def _pieces(word: str) -> list[str]:
    """Where a word may be broken without a hyphen: `Inverted|Residual`, `encoder_|layer_|0`; at most 12 letters."""
    humps = re.findall(r"[A-Z]?[^A-Z_.]+[_.]?|[A-Z]+(?![a-z])[_.]?|[_.]", word) if len(word) > 10 else [word]
    joined = humps if "".join(humps) == word else [word]
    return [part[start : start + 12] for part in joined for start in range(0, len(part), 12)]


def _shape_lines(shape: str, width: float) -> list[str]:
    """`512×(H//8)×(W//8)`: broken after a sign where it does not fit."""
    lines: list[str] = []
    parts = shape.split("×")
    for index, part in enumerate(parts):
        text = part if index == len(parts) - 1 else f"{part}×"
        if lines and text_width(lines[-1] + text, SIZE) <= width:
            lines[-1] += text
        elif text:
            lines.append(text)
    return lines
