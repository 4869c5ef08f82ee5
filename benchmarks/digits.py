"""How well LeNet learns the handwritten digits: `python benchmarks/digits.py [SEEDS] [--write]`.

Two splits: the fifth that the spec holds out (stratified, split seed 0), and the halves of scikit-learn's own example,
which does not shuffle, beside the support vector machine of that example, `SVC(gamma=0.001)` (needs scikit-learn:
`pip install scikit-learn`). Of each seed the last epoch counts, not the best. The table is kept beside this file.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

import torch
from torch.utils.data import TensorDataset

import builder
import dsl

SPEC = Path(__file__).parents[1] / "specs" / "lenet.toml"


def accuracy(seed: int, data: TensorDataset | None = None, validation: TensorDataset | None = None) -> float:
    """Of the last epoch, in percent."""
    spec = dsl.load(SPEC, {"train.seed": seed, "train.device": "cpu"})
    with tempfile.TemporaryDirectory() as folder:
        result = builder.train(spec, out=Path(folder) / "run", data=data, validation=validation)
    value = result.rows[-1]["val_accuracy"]
    assert value is not None
    return 100 * value


def row_of(split: str, model: str, values: list[float]) -> str:
    spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    listed = ", ".join(f"{each:.2f}" for each in values)
    return f"| {split} | {model} | {statistics.mean(values):.2f}{spread} | {listed} |"


def rows(seeds: int) -> list[str]:
    from sklearn.datasets import load_digits
    from sklearn.svm import SVC

    made = [row_of("a fifth held out, stratified", "LeNet", [accuracy(seed) for seed in range(seeds)])]
    digits = load_digits()
    half = len(digits.target) // 2  # as train_test_split(test_size=0.5, shuffle=False) has it
    images = torch.from_numpy(digits.images).float()[:, None] / 16
    target = torch.from_numpy(digits.target)
    first, second = TensorDataset(images[:half], target[:half]), TensorDataset(images[half:], target[half:])
    made.append(row_of("halves, not shuffled", "LeNet", [accuracy(seed, first, second) for seed in range(seeds)]))
    machine = SVC(gamma=0.001).fit(digits.data[:half], digits.target[:half])
    found = 100 * machine.score(digits.data[half:], digits.target[half:])
    return [*made, row_of("halves, not shuffled", "SVC(gamma=0.001)", [found])]


def main() -> None:
    numbers = [int(each) for each in sys.argv[1:] if each.isdigit()]
    table = ["| split | model | right in the last epoch, % | each seed |", "| --- | --- | ---: | --- |"]
    table += rows(numbers[0] if numbers else 5)
    told = "Printed by `python benchmarks/digits.py`; its docstring says what is measured."
    text = "\n".join(["# The digits", "", told, "", *table, ""])
    print(text)
    if "--write" in sys.argv:
        Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
