"""Models that nobody here wrote, through a file of torch.export and back: `python benchmarks/read_programs.py`.

Each is exported by torch, saved, and read by `tomograph import`, which holds the spec with its weights against the
program bit for bit, in another batch size too where that is free. `--write` puts the table into
`benchmarks/read_programs.md`.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from imported_models import cases

from builder.exchange.importing.errors import DiffersError, ImportingError
from builder.exchange.programs.reading import read_program

TABLE = Path(__file__).with_suffix(".md")


def row(name: str, make: Callable[[], Any], folder: Path) -> tuple[str, str]:
    """What came of a model ("yes", "no", or "" where torch does not export it), and its line of the table."""
    torch.manual_seed(0)
    module, given = make()
    placed = () if isinstance(given, dict) else given if isinstance(given, tuple) else (given,)
    try:
        program = torch.export.export(module.eval(), placed, given if isinstance(given, dict) else {}, strict=False)
        torch.export.save(program, folder / "model.pt2")
    except (RuntimeError, ValueError, AttributeError, TypeError) as error:
        return "", f"| {name} | | | torch.export: {str(error).splitlines()[0][:80]} |"
    try:
        text, _ = read_program(folder / "model.pt2", folder / "spec.toml")
    except (ImportingError, DiffersError) as error:
        return "no", f"| {name} | no | | {str(error).replace(str(folder / 'model.pt2'), 'the file')[:200]} |"
    return "yes", f"| {name} | yes | {len(text.splitlines())} | |"


def main() -> None:
    warnings.simplefilter("ignore")
    found, lines = [], []
    with tempfile.TemporaryDirectory() as name:
        for title, make in cases():
            came, line = row(title, make, Path(name))
            found.append(came)
            lines.append(line)
            print(line, flush=True)
    total = f"{found.count('yes')} of the {len(found) - found.count('')} that torch exports are back."
    print(total)
    if "--write" in sys.argv[1:]:
        head = "# Models through a file of torch.export\n\nMade by `python benchmarks/read_programs.py --write`."
        table = "\n".join(["| model | back | lines | why not |", "| --- | --- | --- | --- |", *lines])
        TABLE.write_text(f"{head}\n\n{total}\n\n{table}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
