"""Why a module does not become a spec."""

from __future__ import annotations


class ImportingError(ValueError):
    """The module does what a spec cannot say, in one sentence that names the place."""


class NumbersError(ImportingError):
    """What the module calls hangs on the numbers of its inputs."""


class SizeError(ImportingError):
    """A number hangs on sizes of the inputs in a way that was not found."""


class DiffersError(RuntimeError):
    """The spec that was made gives other outputs than the module, in one sentence that names the first layer."""
