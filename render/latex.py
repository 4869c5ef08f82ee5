"""Text as LaTeX sets it, in characters that pdfLaTeX, XeLaTeX and LuaLaTeX all read: ASCII alone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from render.words import printable

# What LaTeX reads as something else, or sets as one sign where two stand together.
_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "'": r"\textquotesingle{}", "`": r"\symbol{0}",
    "-": "{-}", ",": "{,}",
}  # fmt: skip
_SIGNS = {
    "−": r"\textminus{}", "×": r"\texttimes{}", "÷": r"\textdiv{}", "±": r"\textpm{}", "·": r"\textperiodcentered{}",
    "…": "...", "•": r"\textbullet{}", "–": r"\textendash{}", "—": r"\textemdash{}", "°": r"\textdegree{}",
    "§": r"\S{}",
    "‘": r"\textquoteleft{}", "’": r"\textquoteright{}", "“": r"\textquotedblleft{}", "”": r"\textquotedblright{}",
    "«": r"\guillemotleft{}", "»": r"\guillemotright{}", "¬": r"\textlnot{}", "µ": r"\textmu{}", "\u00a0": "~",
    "ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "œ": r"\oe{}", "Œ": r"\OE{}", "ø": r"\o{}", "Ø": r"\O{}",
    "ł": r"\l{}", "Ł": r"\L{}", "đ": r"\dj{}", "Đ": r"\DJ{}", "ð": r"\dh{}", "Ð": r"\DH{}", "þ": r"\th{}",
    "Þ": r"\TH{}", "ı": r"\i{}",
    "½": r"\textonehalf{}", "¼": r"\textonequarter{}", "¿": r"\textquestiondown{}", "¡": r"\textexclamdown{}",
}  # fmt: skip
_MATHEMATICS = {
    "→": r"\rightarrow", "←": r"\leftarrow", "↑": r"\uparrow", "↓": r"\downarrow", "↔": r"\leftrightarrow",
    "⇒": r"\Rightarrow", "≤": r"\leq", "≥": r"\geq", "≠": r"\neq", "≈": r"\approx", "≡": r"\equiv", "∞": r"\infty",
    "√": r"\surd", "∑": r"\sum", "∏": r"\prod", "∂": r"\partial", "∇": r"\nabla", "∈": r"\in", "∗": r"\ast",
    "∘": r"\circ", "⊕": r"\oplus", "⊗": r"\otimes", "⊙": r"\odot", "⋅": r"\cdot", "∥": r"\Vert", "∫": r"\int",
    "∀": r"\forall", "∃": r"\exists", "∅": r"\emptyset", "∪": r"\cup", "∩": r"\cap", "⊂": r"\subset", "′": r"\prime",
}  # fmt: skip
# Greek capitals that look like none of ours; the others are set as the letter that they look like.
_GREEK_CAPITALS = "ΓΔΘΛΞΠΣΥΦΨΩ"
_GREEK_LIKE = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΧ", "ABEZHIKMNOPTX", strict=True))
_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
    "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0323": "d", "\u0327": "c", "\u0328": "k",
}  # fmt: skip
UNKNOWN = "?"


def said(text: str) -> str:
    """The text in LaTeX. Characters that no standard font of it has become a question mark: `unknown` names them."""
    words = unicodedata.normalize("NFC", printable(text))
    return re.sub("(?<= ) ", r"\\ ", "".join(_character(each) or UNKNOWN for each in words))


def unknown(texts: Iterable[str]) -> tuple[str, ...]:
    """The characters in these texts that are not said, each once."""
    found = (each for text in texts for each in unicodedata.normalize("NFC", printable(text)))
    return tuple(dict.fromkeys(each for each in found if not _character(each)))


def _character(character: str) -> str:
    """One character in LaTeX; "" where there is none."""
    if said := _SPECIAL.get(character) or _SIGNS.get(character):
        return said
    if " " <= character <= "~":
        return character
    if command := _mathematics(character):
        return rf"\ensuremath{{{command}}}"
    parts = unicodedata.normalize("NFD", character)
    if len(parts) == 2 and parts[0].isascii() and parts[1] in _ACCENTS:
        return rf"\{_ACCENTS[parts[1]]}{{{parts[0]}}}"
    return _likeness(character)


def _mathematics(character: str) -> str:
    if character in _MATHEMATICS:
        return _MATHEMATICS[character]
    if "α" <= character <= "ω":
        name = unicodedata.name(character).rpartition(" ")[2].lower()
        return {"lamda": r"\lambda", "omicron": "o"}.get(name, r"\varsigma" if character == "ς" else rf"\{name}")
    if character in _GREEK_CAPITALS:
        return "\\" + unicodedata.name(character).rpartition(" ")[2].capitalize().replace("Lamda", "Lambda")
    return ""


def _likeness(character: str) -> str:
    """What says the same in plain letters: of `²`, `ﬁ`, a wide or a mathematical letter, a Greek capital like ours."""
    if character in _GREEK_LIKE:
        return _GREEK_LIKE[character]
    plain = unicodedata.normalize("NFKD", character)
    if not (plain.isascii() and plain.isprintable()):
        return ""
    form = unicodedata.decomposition(character)
    inner = "".join(_character(each) for each in plain)
    for sign, command in (("<super>", "textsuperscript"), ("<sub>", "textsubscript")):
        if form.startswith(sign):
            return rf"\{command}{{{inner}}}"
    return inner
