"""Small trees of specs to lay over each other, shared by tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import dsl
from dsl.source import Span

BASE = """name = "Base"

[vars]
width = 8

[model]
inputs = { x = ["N", 4] }
layers = [
  { name = "body", layers = [
    { type = "Linear", out_features = "${width}" },
    { type = "ReLU" },
  ] },
  { type = "Dropout", p = 0.5 },
  { name = "fc", type = "Linear", out_features = 3 },
]

[optimizer]
type = "SGD"
lr = 0.1
"""


class Tree:
    """A folder of specs, which is also the working directory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("base.toml", BASE)

    def write(self, name: str, text: str) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return name

    def tables(self, text: str, **overrides: Any) -> Any:
        return dsl.load(self.write("net.toml", text), overrides).document.tables

    def layers(self, text: str) -> list[Any]:
        found: list[Any] = self.tables('extends = "base.toml"\n' + text)["model"]["layers"]
        return found

    def faults(self, text: str, name: str = "net.toml", **overrides: Any) -> tuple[dsl.Diagnostic, ...]:
        self.write(name, text)
        with pytest.raises(dsl.SpecError) as caught:
            dsl.load(name, overrides)
        return caught.value.diagnostics


def written(place: Any, *keys: str | int, part: str = "value") -> tuple[str, str]:
    """The file of a place and the text that stands there in it, as the file has it."""
    at = place.at(*keys)
    span: Span = at.span(part)
    line = Path(at.source.name).read_text(encoding="utf-8").split("\n")[span.line - 1]
    return at.source.name, line[span.column - 1 : span.end_column - 1]
