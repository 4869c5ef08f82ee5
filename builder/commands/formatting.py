"""`tomograph fmt FILE...`: specs in the house's form, in place."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from builder.commands.arguments import Parser
from builder.files import write_text
from dsl import files
from dsl.diagnostics import Diagnostic, SpecError
from dsl.layout import formatted
from dsl.source import Source

DONE, CHANGES = 0, 1
_STANDARD_INPUT: Final = "-"


def run(words: Sequence[str]) -> int:
    """Format each file. 1 where a file is no TOML (told, and left as it is) or, with --check, would change."""
    options = _parser().parse_args(list(words))
    faults: list[Diagnostic] = []
    changes = 0
    for name in dict.fromkeys(options.files):
        try:
            changes += _format(name, options.check)
        except SpecError as error:
            faults += error.diagnostics
    if faults:
        raise SpecError(faults)
    return CHANGES if options.check and changes else DONE


def _format(name: str, check: bool) -> bool:
    """Whether the file changes; it is written unless `check`."""
    if name == _STANDARD_INPUT:
        return _format_input(check)
    source = files.read(name)
    text = formatted(source)
    changes = text.encode() != Path(name).read_bytes()
    if changes and check:
        print(f"{name} would change")
    elif changes:
        write_text(Path(os.path.realpath(name)), text)  # a link stays a link
        print(f"{name} formatted", file=sys.stderr)
    return changes


def _format_input(check: bool) -> bool:
    """Standard input to standard output. Faults are told before anything is written."""
    data = sys.stdin.buffer.read()
    source = Source("<standard input>", files.decoded(data, "<standard input>"))
    text = formatted(source)
    if not check:
        sys.stdout.write(text)
    return text.encode() != data


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="tomograph fmt", description="Write specs in the usual form; comments and meaning stay.",
                    allow_abbrev=False)  # fmt: skip
    parser.add_argument("files", metavar="FILE", nargs="+", help="a spec; - is standard input, to standard output")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file would change")
    return parser
