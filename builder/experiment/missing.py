"""What training needs and a spec does not have."""

from __future__ import annotations

from dataclasses import replace

from dsl.diagnostics import Diagnostic, SpecError
from dsl.records import Place, Spec


def missing(spec: Spec, table: str, what: str) -> SpecError:
    place: Place = spec.place
    message = f"training needs {what}, and the spec has no `{table}`"
    found: Diagnostic = place.fault(message, "missing", part="key")
    return SpecError([replace(found, span=None)])
