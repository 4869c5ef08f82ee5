"""For tests of `tomograph import FILE`: what is told of a file that is no sound program."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.commands.entry import run

# For images of 8 by 8 and ten classes.
TRAINING = """
[loss]
type = "CrossEntropyLoss"

[optimizer]
type = "SGD"
lr = 0.05

[data]
source = "digits"
batch_size = 64

[train]
epochs = 1
"""


def refused(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that is told; the exit status is 1 and nothing is written."""
    out = path.with_name("spec.toml")
    before = sorted(each.name for each in path.parent.iterdir())
    assert run(["import", str(path), "--out", str(out)]) == 1
    assert sorted(each.name for each in path.parent.iterdir()) == before
    error = capsys.readouterr().err
    assert error.startswith("error: "), error
    assert len(error.splitlines()) == 1, error
    return error
