"""`--fix`: what is certain about a spec's faults is put in place."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from builder.files import write_text
from builder.fixing import mend
from dsl import files

_MARK = "\ufeff"


def fix(path: str) -> None:
    """Mend the spec's own file, and say what was changed; what is left, the check that follows tells. Line ends and a
    byte-order mark stay."""
    files.read(path)  # a file that cannot be read is told here
    text = Path(path).read_bytes().decode()
    mark = _MARK if text.startswith(_MARK) else ""
    mended = mend(text.removeprefix(_MARK), path)
    for each in mended.applied:
        span = each.fault.span
        assert span is not None
        print(f"{path}:{span.line}:{span.column}: {each.old} -> {each.new}", file=sys.stderr)
    if mended.applied:
        write_text(Path(os.path.realpath(path)), mark + mended.text)
    count = len(mended.applied)
    print(f"{count or 'no'} fix{'' if count == 1 else 'es'} applied", file=sys.stderr)
