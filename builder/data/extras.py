"""Packages that only some sources need, imported when one is read."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from builder.data.fields import DataError

# What the extras of pyproject.toml bring: module -> (the package, the extra).
_EXTRAS = {
    "PIL.Image": ("Pillow", "images"),
    "pyarrow": ("pyarrow", "parquet"),
    "pyarrow.parquet": ("pyarrow", "parquet"),
}


def needed(module: str, what: str) -> Any:
    """The module; DataError with the command that installs it where it is not there. what: "reading images"."""
    package, extra = _EXTRAS[module]
    try:
        return import_module(module)
    except ImportError as error:
        raise DataError(f"{what} needs {package}: pip install 'tomograph[{extra}]'") from error
