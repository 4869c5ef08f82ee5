"""The other fuzzer of the check: texts that `tests/fuzz_texts.py` and `tests/fuzz_layers.py` write, one after another.

    python benchmarks/fuzz_written.py FOLDER [SECONDS] [SEED]

It needs no atheris, and reaches the rule of every type at once. What is at fault, and where it and the figures are
kept, is as `benchmarks/fuzz.py` says. Four texts in five are of one layer, one is a whole spec.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from fuzz_figures import Figures, one  # noqa: E402 (the paths come first)
from fuzz_layers import layer_text  # noqa: E402
from fuzz_texts import spec_text  # noqa: E402


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit("usage: python benchmarks/fuzz_written.py FOLDER [SECONDS] [SEED]")
    seconds, seed = [*sys.argv[2:], *("60", "1")[len(sys.argv) - 2 :]][:2]
    figures = Figures(Path(sys.argv[1]).resolve(), seed=int(seed))
    os.chdir(tempfile.mkdtemp(prefix="tomograph-fuzz-"))
    chance = random.Random(int(seed))
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        one(layer_text(chance) if chance.random() < 0.8 else spec_text(chance), figures)
    figures.write()


if __name__ == "__main__":
    main()
