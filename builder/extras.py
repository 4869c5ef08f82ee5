"""Packages that only some formats need, imported when one is read or written."""

from __future__ import annotations

from importlib import import_module
from typing import Any

# What the extras of pyproject.toml bring: module -> (the package, the extra).
_EXTRAS = {
    "PIL.Image": ("Pillow", "images"),
    "pyarrow": ("pyarrow", "parquet"),
    "pyarrow.parquet": ("pyarrow", "parquet"),
    "onnx": ("onnx", "onnx"),
    "onnxruntime": ("onnxruntime", "onnx"),
    "onnxscript": ("onnxscript", "onnx"),
}


class MissingPackageError(ValueError):
    """A package that is not here. A plain sentence with the command that installs it."""


def needed(module: str, what: str) -> Any:
    """The module; MissingPackageError where it is not there. what: "reading images"."""
    package, extra = _EXTRAS[module]
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingPackageError(f"{what} needs {package}: pip install 'tomograph[{extra}]'") from error
