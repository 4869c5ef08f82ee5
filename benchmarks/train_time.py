"""How well and how long the two image specs train, as they stand: `python benchmarks/train_time.py [SPEC ...]`."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import torch

import builder

SPECS = Path(__file__).parents[1] / "specs"


def measure(spec: Path) -> str:
    """A line: loss and accuracy of the best epoch, and the seconds from the spec to the end of the run."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        result = builder.train(spec, out=Path(folder) / "run")
    seconds = time.perf_counter() - began
    best = result.best
    row: dict[str, int | float | None] = {}
    if best:
        row = next(each for each in result.rows if each["epoch"] == best.epoch)
    found = ", ".join(f"{name} {row[name]:.4f}" for name in ("val_loss", "val_accuracy") if row.get(name) is not None)
    found += f" in the best epoch, {best.epoch} of {len(result.rows)}" if best else "nothing measured"
    return f"{spec.name:14} {found:62} {seconds:7.1f} s"


def main() -> None:
    chosen = [Path(each) for each in sys.argv[1:]] or [SPECS / "lenet.toml", SPECS / "alexnet.toml"]
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, cuda {torch.cuda.is_available()}")
    for spec in chosen:
        print(measure(spec), flush=True)


if __name__ == "__main__":
    main()
