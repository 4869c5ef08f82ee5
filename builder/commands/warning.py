"""The warnings about a spec, on standard error."""

from __future__ import annotations

from collections.abc import Sequence

from builder.commands.streams import say
from dsl.diagnostics import Diagnostic, as_text


def tell(warnings: Sequence[Diagnostic]) -> None:
    """Show warnings as faults are shown; of several, how many they are."""
    if warnings:
        say(as_text(warnings))
    if len(warnings) > 1:
        say(f"\n{len(warnings)} warnings")
