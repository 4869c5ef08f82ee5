"""The meaning of a spec: its graph, its module, its training. Importing this brings no torch."""

from __future__ import annotations

import importlib
from typing import Any

# Public name -> the module that holds it, imported when the name is first used.
_PUBLIC = {
    "build": "builder.building",
    "check_text": "builder.checking.texts",
    "elaborate": "builder.building",
    "merge": "builder.merging",
    "from_module": "builder.exchange.importing.whole",
    "objective": "builder.experiment",
    "partial_graph": "builder.checking.partial",
    "register": "builder.registering",
    "train": "builder.experiment",
}


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'builder' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *_PUBLIC]
