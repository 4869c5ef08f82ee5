"""`--export`."""

from __future__ import annotations

import sys
from pathlib import Path

from builder.building import elaborate
from builder.files import write_text
from dsl.records import Spec

SUFFIXES = (".py",)


def export(spec: Spec, path: Path) -> None:
    """Write the source that runs when the spec is built."""
    from builder.codegen import source_of

    write_text(path, source_of(elaborate(spec)))
    print(path, file=sys.stderr)
