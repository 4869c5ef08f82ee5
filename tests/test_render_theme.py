"""Colours that can be read: contrast as WCAG 2.2 asks of text."""

from __future__ import annotations

import pytest

from builder.graph import KINDS
from render.theme import THEMES, Theme, contrast, theme_named

BOTH = pytest.mark.parametrize("theme", THEMES.values(), ids=list(THEMES))


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.005)  # WebAIM's well-known grey that just fails
    assert contrast("#767676", "#FFFFFF") == pytest.approx(4.54, abs=0.005)


@BOTH
def test_text_stands_out_from_every_ground_it_stands_on(theme: Theme) -> None:
    grounds = {"page": theme.ground, "cluster": theme.cluster}
    grounds |= {kind: shade.fill for kind, shade in theme.kinds.items()}
    low = {
        (name, text): round(contrast(colour, ground), 2)
        for name, ground in grounds.items()
        for text, colour in (("ink", theme.ink), ("muted", theme.muted))
        if contrast(colour, ground) < 4.5
    }
    assert low == {}


@BOTH
def test_lines_stand_out_from_the_ground(theme: Theme) -> None:
    assert min(contrast(theme.edge, theme.ground), contrast(theme.edge, theme.cluster)) >= 3


@BOTH
def test_every_kind_has_a_colour(theme: Theme) -> None:
    assert set(theme.kinds) == set(KINDS)


def test_kinds_are_told_apart_by_their_bars() -> None:
    bars = {kind: shade.bar for kind, shade in THEMES["light"].kinds.items()}
    assert bars.pop("input") == bars.pop("output")
    assert len(set(bars.values())) == len(bars)


def test_an_unknown_theme_is_told_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"^there is no theme 'blue'; there are light, dark, print$"):
        theme_named("blue")
