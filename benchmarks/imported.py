"""Makes specs of models that nobody here wrote, and says what came of each: `python benchmarks/imported.py [--write]`.

A model counts as back when the spec, rebuilt with the model's weights, gives the same bits on the examples and in
another batch size, and has the keys of its state dict. `--write` puts the table into `benchmarks/imported.md`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import torch
from imported_models import cases

import builder
import dsl
from builder.exchange.importing.errors import DiffersError, ImportingError
from builder.exchange.importing.whole import imported
from builder.graph import layers

TABLE = Path(__file__).with_suffix(".md")


def row(name: str, make: object) -> tuple[bool, str]:
    """Whether a model came back, and its line of the table."""
    torch.manual_seed(0)
    module, given = make()  # type: ignore[operator]
    started = time.perf_counter()
    try:
        text = imported(module.eval(), given)
    except (ImportingError, DiffersError) as error:
        return False, f"| {name} | no | | | | {error} |"
    took = time.perf_counter() - started
    count = sum(1 for _ in layers(builder.elaborate(dsl.loads(text))))
    free = sorted(
        {size for each in dsl.loads(text).model.inputs or () for size in each.shape or () if isinstance(size, str)}
    )
    return True, f"| {name} | yes | {len(text.splitlines())} | {count} | {took:.1f} | free: {', '.join(free)} |"


def main() -> None:
    lines, back = [], 0
    for name, make in cases():
        good, line = row(name, make)
        back += good
        lines.append(line)
        print(line, flush=True)
    head = (
        "# Models from elsewhere as specs\n\n"
        "Made by `python benchmarks/imported.py --write`: small configurations, random weights. A model is back when "
        "the spec that was made of it, rebuilt with the model's weights, gives the same bits on the examples and in "
        "another batch size, under the keys of its state dict.\n\n"
        f"{back} of {len(lines)} are back.\n\n"
        "| model | back | lines | layers | seconds | free sizes, or why not |\n| --- | --- | --- | --- | --- | --- |\n"
    )
    print(f"{back} of {len(lines)}")
    if "--write" in sys.argv:
        TABLE.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
