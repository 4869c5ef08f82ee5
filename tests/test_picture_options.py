"""The options of pictures on the command line, and what of them reaches `render.draw`."""

from __future__ import annotations

import argparse

import pytest

from builder.commands.picture_options import add_picture_options, drawn_as


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_picture_options(parser)
    return parser.parse_args(words)


def test_what_is_left_out_is_left_to_draw() -> None:
    assert drawn_as(parsed()) == {}
    assert drawn_as(parsed("--level", "block", "--style", "page", "--theme", "light")) == {}


def test_what_is_given_reaches_draw() -> None:
    words = ["--level", "full", "--expand", "layer1", "--expand", "layer2.*", "--collapse", "stem", "--theme", "dark"]
    assert drawn_as(parsed(*words, "--style", "slides")) == {
        "level": "full", "expand": ("layer1", "layer2.*"), "collapse": ("stem",), "theme": "dark", "style": "slides",
    }  # fmt: skip


@pytest.mark.parametrize("option", ["level", "style", "theme"])
def test_another_value_is_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed(f"--{option}", "loud")
    assert "invalid choice: 'loud'" in capsys.readouterr().err
