"""`--export`."""

from __future__ import annotations

import sys
from pathlib import Path

from builder.building import elaborate
from builder.files import write_text
from builder.resolving import resolved_text
from dsl.records import Spec

SUFFIXES = (".py", ".toml")


def export(spec: Spec, path: Path) -> None:
    """Write the source that runs when the spec is built, or the spec with all that it stands on worked in."""
    write_text(path, resolved_text(spec) if path.suffix == ".toml" else _source(spec))
    print(path, file=sys.stderr)


def _source(spec: Spec) -> str:
    from builder.codegen import source_of

    return source_of(elaborate(spec))
