"""The pictures that the README shows are those that `docs/pictures.py` draws."""

from __future__ import annotations

import re
import runpy
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHOWN = ("README.md", "docs/language.md", "docs/pictures.md")


@pytest.mark.skipif(shutil.which("dot") is not None, reason="another Graphviz may place boxes elsewhere")
def test_the_pictures_kept_are_those_that_the_command_draws(tmp_path: Path) -> None:
    drawn = runpy.run_path(str(ROOT / "docs" / "pictures.py"))["draw_all"](tmp_path)
    kept = sorted(each.name for each in (ROOT / "docs" / "pictures").iterdir())
    assert sorted(each.name for each in drawn) == kept
    differ = [each.name for each in drawn if each.read_bytes() != (ROOT / "docs" / "pictures" / each.name).read_bytes()]
    assert differ == [], "python docs/pictures.py draws others: look at them, then commit them"


def test_every_picture_shown_is_kept() -> None:
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in SHOWN if (ROOT / name).is_file()}
    shown = {
        (ROOT / name).parent / link
        for name, text in texts.items()
        for link in re.findall(r"""(?:src|srcset)=["']([^"']+\.svg)|!\[[^]]*\]\(([^)]+\.svg)\)""", text)
        for link in link
        if link
    }
    assert shown
    assert [each for each in shown if not each.is_file()] == []
