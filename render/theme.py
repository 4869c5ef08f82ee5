"""Colours. A kind of layer has a bar and a pale fill; everything else has one colour for the whole picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shade:
    """The colours of one kind: the bar at a box's left, and the ground that its text stands on."""

    bar: str
    fill: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """Every colour of a picture, as `#RRGGBB`. `ink` is for titles, `muted` for details and labels."""

    name: str
    ground: str
    ink: str
    muted: str
    edge: str
    cluster: str
    cluster_edge: str
    box_edge: str | None  # a line around boxes, where their fill does not set them off
    kinds: Mapping[str, Shade]
    marks: Mapping[str, Shade]  # of a diagram's marks: a line and a fill; the sign that goes with each is `MARK_SIGNS`


# A mark is never told by its colour alone.
MARK_SIGNS = {"added": "+", "removed": "−", "changed": "≠", "fault": "!"}

_LIGHT_MARKS = {
    "added": Shade("#1A7F37", "#DAFBE1"),
    "removed": Shade("#B3261E", "#FFEBE9"),
    "changed": Shade("#9A6700", "#FFF8C5"),
    "fault": Shade("#C62828", "#FDE7E7"),
}
_DARK_MARKS = {
    "added": Shade("#3FB950", "#12261E"),
    "removed": Shade("#F2766B", "#301617"),
    "changed": Shade("#D8A72B", "#2B2413"),
    "fault": Shade("#FF6B6B", "#3A1719"),
}

# Bars follow the palette of Okabe and Ito ("Color Universal Design", 2008) as far as it reaches.
_LIGHT = {
    "input": Shade("#6B7280", "#F1F3F5"),
    "output": Shade("#6B7280", "#F1F3F5"),
    "convolution": Shade("#0072B2", "#E3EEF9"),
    "linear": Shade("#CC79A7", "#FBE9F1"),
    "embedding": Shade("#00838F", "#E0F4F5"),
    "recurrent": Shade("#3949AB", "#E8EAF6"),
    "attention": Shade("#8D4E2A", "#F6ECE5"),
    "normalisation": Shade("#7B5EA7", "#EFE9F7"),
    "activation": Shade("#D55E00", "#FDF0E1"),
    "pooling": Shade("#009E73", "#E2F3EC"),
    "dropout": Shade("#78828C", "#EEF0F2"),
    "shape": Shade("#8A94A0", "#F1F3F5"),
    "merge": Shade("#B58900", "#FFF6CC"),
    "arithmetic": Shade("#6D7F1B", "#F1F4DF"),
    "loss": Shade("#B3261E", "#FBE9E7"),
    "parameter": Shade("#4E5D6C", "#E9EDF1"),
    "other": Shade("#A0785A", "#F5F0EB"),
}

_DARK = {
    "input": Shade("#9AA3AF", "#1E242C"),
    "output": Shade("#9AA3AF", "#1E242C"),
    "convolution": Shade("#4BA8E8", "#142636"),
    "linear": Shade("#E59BC4", "#311E2A"),
    "embedding": Shade("#3CC3CF", "#102A2D"),
    "recurrent": Shade("#8C9BF0", "#1D2140"),
    "attention": Shade("#D08A5E", "#2E2119"),
    "normalisation": Shade("#B094DD", "#251D33"),
    "activation": Shade("#FF8A3D", "#33210F"),
    "pooling": Shade("#35C99B", "#11291F"),
    "dropout": Shade("#8E99A4", "#1D2228"),
    "shape": Shade("#A7B1BC", "#1E242B"),
    "merge": Shade("#E0B93A", "#302911"),
    "arithmetic": Shade("#B3C752", "#242912"),
    "loss": Shade("#F2766B", "#341A18"),
    "parameter": Shade("#8FA3B5", "#1B232B"),
    "other": Shade("#C9A184", "#2A221C"),
}

LIGHT = Theme(
    name="light",
    ground="#FFFFFF",
    ink="#1F2933",
    muted="#5B6770",
    edge="#7A8691",
    cluster="#FAFBFC",
    cluster_edge="#C9D1D9",
    box_edge=None,
    kinds=_LIGHT,
    marks=_LIGHT_MARKS,
)
DARK = Theme(
    name="dark",
    ground="#11161C",
    ink="#E6EDF3",
    muted="#9AA7B4",
    edge="#7D8A97",
    cluster="#161D25",
    cluster_edge="#2C3743",
    box_edge=None,
    kinds=_DARK,
    marks=_DARK_MARKS,
)
# For paper: nothing but the bars has a colour, so that a black-and-white printer loses only what the titles say.
PRINT = Theme(
    name="print",
    ground="#FFFFFF",
    ink="#000000",
    muted="#3D3D3D",
    edge="#4A4A4A",
    cluster="#FFFFFF",
    cluster_edge="#8C8C8C",
    box_edge="#8C8C8C",
    kinds={kind: Shade(shade.bar, "#FFFFFF") for kind, shade in _LIGHT.items()},
    marks={mark: Shade(shade.bar, "#FFFFFF") for mark, shade in _LIGHT_MARKS.items()},
)

THEMES: Mapping[str, Theme] = {each.name: each for each in (LIGHT, DARK, PRINT)}


def theme_named(name: str) -> Theme:
    """The theme of this name; ValueError that lists those there are."""
    if name not in THEMES:
        raise ValueError(f"there is no theme {name!r}; there are {', '.join(THEMES)}")
    return THEMES[name]


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2, "relative luminance" and "contrast ratio")."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    channels = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
