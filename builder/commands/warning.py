"""The warnings about a spec, on standard error."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from dsl.diagnostics import Diagnostic, as_text


def tell(warnings: Sequence[Diagnostic]) -> None:
    """Show warnings as faults are shown; of several, how many they are."""
    if warnings:
        print(as_text(warnings), file=sys.stderr)
    if len(warnings) > 1:
        print(f"\n{len(warnings)} warnings", file=sys.stderr)
