"""Packages that only some sources need."""

from __future__ import annotations

from typing import Any

from builder import extras
from builder.data.fields import DataError


def needed(module: str, what: str) -> Any:
    """The module; DataError with the command that installs it where it is not there. what: "reading images"."""
    try:
        return extras.needed(module, what)
    except extras.MissingPackageError as error:
        raise DataError(str(error)) from error
