"""Two processes measure what one does, and train what a loss owns as one does."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from test_training_processes import rows, torchrun

import builder
import dsl

SPEC = """
[model]
inputs = { image = ["N", 1, 8, 8] }
layers = [
  { type = "flatten", start_dim = 1 },
  { type = "Linear", out_features = 12 },
]

[[loss]]
type = "LinearCrossEntropyLoss"
num_classes = 10

[[loss]]
name = "size"
value = "${mean(output**2)}"
factor = 0.01

[optimizer]
type = "SGD"
lr = 0.1

[data]
source = "digits"
validation = 0.2
batch_size = 100

[train]
epochs = 2
device = "cpu"

[metrics]
f1 = { type = "F1Score", average = "macro" }
"""


def test_two_processes_are_as_one(tmp_path: Path) -> None:
    file = tmp_path / "spec.toml"
    file.write_text(SPEC, encoding="utf-8")
    one = builder.train(dsl.load(file), out=tmp_path / "one")
    done = torchrun(file, "--out", str(tmp_path / "two"))
    assert done.returncode == 0, done.stderr
    found = rows(tmp_path / "two")
    for name in ("train_loss", "train_size", "val_LinearCrossEntropyLoss", "val_accuracy", "val_f1"):
        assert [row[name] for row in found] == pytest.approx([row[name] for row in one.rows], rel=1e-3), name
    ends = [torch.load(tmp_path / each / "checkpoints" / "last.pt", weights_only=True) for each in ("one", "two")]
    owned = [each["loss"]["LinearCrossEntropyLoss.linear.weight"] for each in ends]
    torch.testing.assert_close(*owned, rtol=1e-4, atol=1e-5)
