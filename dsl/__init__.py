"""The language: what a spec may say, and how we speak about mistakes."""

from dsl.diagnostics import Diagnostic, Fix, SpecError
from dsl.formatting import dumps
from dsl.reader import load, loads
from dsl.records import Spec

__all__ = ["Diagnostic", "Fix", "Spec", "SpecError", "dumps", "load", "loads"]
