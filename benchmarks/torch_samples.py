"""Counts how many of torch's own samples for its modules and functions a spec can say.

    python benchmarks/torch_samples.py [--write]

Each is checked, built and run beside torch itself. `--write` keeps the counts in torch_samples.md, which tests hold
against fresh ones. Needs the extra `dev`.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from torch_counts import KEPT, Count, classes, count_class, count_functions, groups, page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="keep the counts in torch_samples.md")
    write = parser.parse_args().write
    warnings.simplefilter("ignore")
    by_class, by_group = {}, {}
    for name in classes():
        by_class[name] = _shown(name, count_class(name))
    for group in groups():
        by_group[group] = _shown(group, count_functions(group))
    text = page(by_class, by_group)
    if write:
        KEPT.write_text(text, encoding="utf-8")
    print("\n".join(line for line in text.splitlines() if line.startswith("| all ")))


def _shown(name: str, count: Count) -> Count:
    print(count.row(name), *count.wrong, sep="\n  ", flush=True)
    return count


if __name__ == "__main__":
    main()
