"""Layers from Python in files and packages, as the tests of them write these."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import builder
import dsl
from dsl.catalogue import registered

# x * weight, and of another width an error: line 14 of the file.
SCALE = '''\
"""A layer that multiplies each feature by a number of its own."""

import torch
from torch import Tensor, nn


class Scale(nn.Module):
    def __init__(self, features: int, start: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((features,), start))

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-1] != len(self.weight):
            raise ValueError(f"{x.shape[-1]} features, and {len(self.weight)} numbers")
        return x * self.weight
'''
NET = """\
name = "Net"
[model]
inputs = { x = ["N", 4] }
layers = [
  { name = "scale", type = "Scale", features = 4 },
  { name = "fc", type = "Linear", out_features = 3 },
]
[loss]
type = "CrossEntropyLoss"
[optimizer]
type = "SGD"
lr = 0.1
[data]
source = "random"
samples = 12
fields = { target = { shape = ["N"], dtype = "int64", high = 3 } }
[train]
epochs = 1
device = "cpu"
"""


def spec(folder: Path, *layers: str, name: str = "net.toml", inputs: str = 'x = ["N", 4]') -> str:
    """A spec of these layers, an inline table each, from line 5 on."""
    lines = "".join(f"  {each},\n" for each in layers)
    text = f'name = "Net"\n[model]\ninputs = {{ {inputs} }}\nlayers = [\n{lines}]\n'
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def package(folder: Path, name: str, text: str, points: str, version: str = "1.0") -> None:
    """A package as pip leaves it: its code, and beside it what it is called and offers."""
    (folder / name).mkdir(parents=True)
    (folder / name / "__init__.py").write_text("", encoding="utf-8")
    (folder / name / "layers.py").write_text(text, encoding="utf-8")
    information = folder / f"{name}-{version}.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8"
    )
    (information / "entry_points.txt").write_text(f"[tomograph.layers]\n{points}\n", encoding="utf-8")


def facts(path: str) -> str:
    """The fault of a spec without the lines that show its place."""
    with pytest.raises(dsl.SpecError) as caught:
        builder.elaborate(dsl.load(path))
    lines = str(caught.value).splitlines()
    return "\n".join(each for each in lines if "error[" in each or each.lstrip().startswith("= "))


@pytest.fixture(autouse=True)
def clean(tmp_path: Path) -> Iterator[None]:
    """What a test registers, imports from its own folder and puts on the search path is gone at its end."""
    path, modules = list(sys.path), set(sys.modules)
    with registered.restored():
        yield
    sys.path[:] = path
    for each in set(sys.modules) - modules:
        if Path(getattr(sys.modules[each], "__file__", None) or "").is_relative_to(tmp_path):
            del sys.modules[each]
