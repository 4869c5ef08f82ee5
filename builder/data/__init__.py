"""Where samples come from: sources of named fields, the part held out, batches. No torch until a sample is wanted.

`describe` and everything beside it tells what a source holds without torch; `open_source` and what follows need it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from builder.data.fields import DataError, FieldType, Source
from builder.data.places import absolute, outside
from builder.data.request import Request, SourceText
from builder.data.sources import NAMES, describe, is_idx, is_name, is_table, open_source

if TYPE_CHECKING:
    from builder.data.batches import Batches
    from builder.data.datasets import DatasetSource, IterableBatches
    from builder.data.memory import TensorSource
    from builder.data.ranges import check_range
    from builder.data.splitting import split

# What needs torch: public name -> module.
_LATER = {
    "Batches": "batches",
    "DatasetSource": "datasets",
    "IterableBatches": "datasets",
    "TensorSource": "memory",
    "check_range": "ranges",
    "split": "splitting",
}

__all__ = [
    "NAMES",
    "Batches",
    "DataError",
    "DatasetSource",
    "FieldType",
    "IterableBatches",
    "Request",
    "Source",
    "SourceText",
    "TensorSource",
    "absolute",
    "check_range",
    "describe",
    "is_idx",
    "is_name",
    "is_table",
    "open_source",
    "outside",
    "split",
]


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(f"builder.data.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
