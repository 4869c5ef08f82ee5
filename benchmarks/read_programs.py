"""Models that nobody here wrote, through files of other tools and back: `python benchmarks/read_programs.py`.

Each is exported by torch, as a program of torch.export and as ONNX, and read by `tomograph import`, which holds the
spec with its weights against the file, in another batch size too where that is free: the same bits of a `.pt2`, to 1e-5
of the greatest value of an `.onnx`. `--write` puts the table into `benchmarks/read_programs.md`.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import torch
from imported_models import cases
from torch import nn

from builder.exchange.importing.errors import DiffersError, ImportingError
from builder.exchange.programs.reading import read_program

TABLE = Path(__file__).with_suffix(".md")


def exported(module: nn.Module, given: Any, path: Path) -> str:
    """Write a model as its file's suffix says; why torch does not, or ""."""
    placed = () if isinstance(given, dict) else given if isinstance(given, tuple) else (given,)
    named = given if isinstance(given, dict) else {}
    try:
        with contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
            if path.suffix == ".pt2":
                torch.export.save(torch.export.export(module, placed, named, strict=False), path)
            else:
                torch.onnx.export(module, placed, path, kwargs=named, dynamo=True, verbose=False, external_data=False)
    except (RuntimeError, ValueError, AttributeError, TypeError) as error:
        words = re.sub(r"\x1b\[\d+m", "", str(error)).strip()  # torch writes in colours
        return (words.splitlines() or [type(error).__name__])[0][:80]
    return ""


def came_back(module: nn.Module, given: Any, path: Path) -> str:
    """Lines of the spec; "no" with the reason; "torch" with its reason, where it does not write the file."""
    reason = exported(module, given, path)
    if reason:
        return f"torch: {reason}"
    try:
        text, _ = read_program(path, path.with_name("spec.toml"))
    except (ImportingError, DiffersError) as error:
        return f"no: {str(error).removeprefix(f'{path}: ')[:150]}"
    return f"{len(text.splitlines())} lines"


def main() -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    found: dict[str, list[str]] = {".pt2": [], ".onnx": []}
    lines = ["| model | back from `.pt2` | back from `.onnx` |", "| --- | --- | --- |"]
    with tempfile.TemporaryDirectory() as name:
        for title, make in cases():
            torch.manual_seed(0)
            module, given = make()
            cells = [came_back(module.eval(), given, Path(name) / f"model{suffix}") for suffix in found]
            for suffix, cell in zip(found, cells, strict=True):
                found[suffix].append(cell)
            lines.append(f"| {title} | {' | '.join(cell.replace('|', '/') for cell in cells)} |")
            print(lines[-1], flush=True)
    total = "; ".join(
        f"of {sum(not each.startswith('torch') for each in cells)} that torch writes as `{suffix}` "
        f"{sum(each.endswith('lines') for each in cells)} are back" for suffix, cells in found.items()
    )  # fmt: skip
    print(total)
    if "--write" in sys.argv[1:]:
        head = "# Models through files of other tools\n\nMade by `python benchmarks/read_programs.py --write`."
        TABLE.write_text(f"{head}\n\n{total[:1].upper()}{total[1:]}.\n\n" + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
