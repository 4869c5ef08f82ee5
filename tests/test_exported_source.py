"""`--export model.py`: source as a person writes it, that needs torch alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.utils import _pytree as pytree

import builder
import dsl
from builder.codegen import class_name, source_of
from builder.exchange.examples import tried

SPECS = Path(__file__).parents[1] / "specs"
PATHS = [*sorted(SPECS.glob("*.toml")), *sorted(SPECS.glob("gallery/*.toml"))]
CHOICE = ("dict_dense",)  # its second input is a word
RUFF = ("E", "F", "W", "I", "B", "UP", "C4", "SIM", "RET", "PIE", "N")
# Nothing of this project can be imported: what is told of it here is that it is not there.
ALONE = """
import importlib, sys, torch
sys.modules.update(dict.fromkeys(("builder", "dsl", "render", "networkx", "tomli")))
torch.set_num_threads(1)
for name, label in (each.split("=") for each in sys.argv[1:]):
    inputs, expected = torch.load(f"{name}.pt")
    torch.manual_seed(7)
    model = getattr(importlib.import_module(f"{name}_model"), label)()
    torch.manual_seed(8)
    with torch.no_grad():
        found = torch.utils._pytree.tree_leaves(model.eval()(*inputs))
    same = len(found) == len(expected) and all(torch.equal(a, b) for a, b in zip(found, expected))
    print(name, "same" if same else "other", flush=True)
"""


def test_every_spec_runs_in_a_fresh_process_with_torch_alone(tmp_path: Path) -> None:
    """The same weights for the same seed, and the same outputs, bit for bit."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    labels = []
    try:
        for path in PATHS:
            spec = dsl.load(path)
            graph = builder.elaborate(spec)
            torch.manual_seed(7)
            model = builder.build(graph, device="cpu").eval()
            inputs = (torch.ones(2, 4), "linear2") if path.stem in CHOICE else tried(model, spec)[0]
            torch.manual_seed(8)
            with torch.no_grad():
                outputs = pytree.tree_leaves(model(*inputs))
            torch.save((inputs, outputs), tmp_path / f"{path.stem}.pt")
            (tmp_path / f"{path.stem}_model.py").write_text(source_of(graph), encoding="utf-8")
            labels.append(f"{path.stem}={class_name(graph)}")
    finally:
        torch.set_num_threads(threads)
    done = subprocess.run([sys.executable, "-c", ALONE, *labels], cwd=tmp_path, capture_output=True, text=True,
                          timeout=600, check=False)  # fmt: skip
    assert done.stdout.split("\n")[:-1] == [f"{path.stem} same" for path in PATHS], done.stderr


def test_every_spec_passes_a_linter_a_formatter_and_a_type_checker(tmp_path: Path) -> None:
    for path in PATHS:
        source = source_of(builder.elaborate(dsl.load(path)))
        assert not any("\ue000" <= letter <= "\uf8ff" for letter in source)
        (tmp_path / f"{path.stem}.py").write_text(source, encoding="utf-8")
    for words in (
        ("ruff", "check", "--isolated", "--line-length=120", f"--select={','.join(RUFF)}", "--ignore=N812", "."),
        ("ruff", "format", "--isolated", "--line-length=120", "--check", "."),
        ("mypy", "--config-file=", "--no-incremental", "."),
    ):
        done = subprocess.run([sys.executable, "-m", *words], cwd=tmp_path, capture_output=True, text=True,
                              timeout=600, check=False)  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr


def written(text: str) -> str:
    return source_of(builder.elaborate(dsl.loads(text)), checks=False)


def test_instances_of_a_block_are_one_class_with_parameters() -> None:
    """The hand-written twin of torch's tutorials: what differs is given, what follows from it is worked out."""
    text = """
name = "Net"

[blocks.Block]
params = ["width"]
layers = [
  { name = "up", type = "Linear", out_features = "${4 * width}" },
  { type = "gelu" },
  { name = "down", type = "Linear", out_features = "${width}" },
]

[model]
inputs = { x = ["N", 3] }
layers = [
  { name = "a", type = "Block", width = 8 },
  { name = "b", type = "Block", width = 16 },
  { name = "c", type = "Block", width = 5 },
]
"""
    assert written(text) == '''"""Net: written from a TOML spec."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class Block(nn.Module):
    """Block: (N, in_features) -> (N, width)."""

    def __init__(self, in_features: int, width: int) -> None:
        super().__init__()
        self.up = nn.Linear(in_features, 4 * width)
        self.down = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.up(x)  # (N, 4 * width)
        x = F.gelu(x)  # (N, 4 * width)
        return self.down(x)  # (N, width)


class Net(nn.Module):
    """Net.

    x: (N, 3) -> (N, 5)
    """

    def __init__(self) -> None:
        super().__init__()
        self.a = Block(in_features=3, width=8)
        self.b = Block(in_features=8, width=16)
        self.c = Block(in_features=16, width=5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.a(x)
        x = self.b(x)
        return self.c(x)
'''


def test_a_part_that_some_instances_leave_out_hangs_on_a_flag() -> None:
    source = written((SPECS / "gallery" / "resnet18.toml").read_text(encoding="utf-8"))
    assert source.count("class ") == 2
    assert "def __init__(self, in_channels: int, channels: int, stride: int, downsample: bool) -> None:" in source
    assert "            if downsample\n            else None\n" in source
    assert "        if self.downsample is not None:\n            x = self.downsample(x)\n" in source
    assert "BasicBlock(in_channels=64, channels=128, stride=2, downsample=True),\n" in source


def test_what_some_instances_leave_at_its_default_is_a_parameter_with_one() -> None:
    source = written((SPECS / "gallery" / "googlenet.toml").read_text(encoding="utf-8"))
    assert source.count("class BasicConv2d") == source.count("class Inception") == 1
    assert "stride: int = 1" in source
    assert "self.conv2 = BasicConv2d(in_channels=64, out_channels=64, kernel_size=1)\n" in source
    assert "self.inception3a = Inception(in_channels=192, widths=(64, 96, 128, 16, 32, 32))\n" in source


def test_what_differs_in_forward_is_kept_by_the_module() -> None:
    source = written("""
name = "Net"

[blocks.Drop]
params = ["p", "half"]
layers = [
  { name = "up", type = "Linear", out_features = 4 },
  { name = "dropped", type = "dropout", p = "${p}" },
  { value = "${dropped * half}" },
]

[model]
inputs = { x = ["N", 4] }
layers = [
  { name = "a", type = "Drop", p = 0.1, half = 2 },
  { name = "b", type = "Drop", p = 0.2, half = 3 },
]
""")
    # `half` is a method of every module
    assert "    def __init__(self, p: float, half: int) -> None:\n        super().__init__()\n" in source
    assert "        self.p = p\n        self.half_ = half\n        self.up = nn.Linear(4, 4)\n" in source
    assert "F.dropout(x, p=self.p, training=self.training)" in source
    assert "return x * self.half_" in source


def test_blocks_of_other_lines_are_classes_of_their_own() -> None:
    """A function that some instances leave out has nothing in the module that could tell."""
    source = written("""
name = "Net"

[blocks.Unit]
params = ["active"]
layers = [
  { name = "fc", type = "Linear", out_features = 4 },
  { type = "relu", when = "${active}" },
  { type = "add", other = "x" },
]

[model]
inputs = { x = ["N", 4] }
layers = [{ name = "a", type = "Unit", active = true }, { name = "b", type = "Unit", active = false }]
""")
    assert "class Unit(nn.Module):" in source
    assert "class Unit2(nn.Module):" in source
    assert "        self.a = Unit()\n        self.b = Unit2()\n" in source


@pytest.mark.parametrize("name", ["gpt2", "bert_base"])
def test_layers_of_one_kind_are_made_in_a_loop(name: str) -> None:
    source = written((SPECS / "gallery" / f"{name}.toml").read_text(encoding="utf-8"))
    assert "for _ in range(12)" in source


def test_modules_of_a_list_are_called_in_a_loop() -> None:
    source = written((SPECS / "gallery" / "bert_base.toml").read_text(encoding="utf-8"))
    head = "    def forward(self, x: Tensor, mask: Tensor) -> Tensor:\n"
    assert f"{head}        for layer in self.layer:\n            x = layer(x, mask)\n        return x\n" in source
