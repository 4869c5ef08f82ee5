"""Writes `specs/tomograph.schema.json`, the schema without PyTorch's sentences: `python -m dsl.schema.generate`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from dsl.schema import schema_text

PATH: Final = Path(__file__).parents[2] / "specs" / "tomograph.schema.json"

if __name__ == "__main__":
    PATH.write_text(schema_text(), encoding="utf-8")
