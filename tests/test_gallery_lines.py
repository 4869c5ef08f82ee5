"""No spec of the gallery is longer than the class it replaces, counted as `benchmarks/gallery_lines.py` counts.

Here for the classes that are at hand: transformers' and those of `references_small.py`.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


def counting() -> ModuleType:
    found = importlib.util.spec_from_file_location("gallery_lines", ROOT / "benchmarks" / "gallery_lines.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


LINES = counting()
AT_HAND = [name for name, parts in LINES.MADE_OF.items() if not any("torchvision" in file for file, _ in parts)]


def test_lines_are_counted_without_what_is_no_code() -> None:
    text = 'class A:\n    """Says\n    what for."""\n\n    # why\n    def f(self):\n        return [\n            1]'
    assert LINES.code_lines(text, ["A"]) == {1, 6, 7, 8}


@pytest.mark.parametrize("name", AT_HAND)
def test_no_spec_is_longer_than_its_class(name: str) -> None:
    model, _ = LINES.spec_lines(name)
    assert 0 < model <= len(LINES.class_lines(name, [ROOT, LINES.transformers()]))
