"""Words of the command line that take the place of a spec: `tomograph explain CODE`. Each is a file beside this one."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Final

# Word -> the module whose `run(words) -> exit status` does it; imported when it is asked for. A module raises
# UsageError, dsl.SpecError and the others that `entry` turns into sentences.
WORDS: Final[dict[str, str]] = {
    "diff": "builder.commands.diffing",
    "explain": "builder.commands.explain",
    "fmt": "builder.commands.formatting",
    "import": "builder.commands.importing",
    "new": "builder.commands.creating",
    "schema": "builder.commands.schema",
}


def is_word(words: Sequence[str]) -> bool:
    """Whether the first word is one of these. A file of that name is reached as `./explain`."""
    return bool(words) and words[0] in WORDS


def run(words: Sequence[str]) -> int:
    """Do what the first word says with the others."""
    status: int = importlib.import_module(WORDS[words[0]]).run(words[1:])
    return status
