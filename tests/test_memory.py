"""What does not fit is refused before anything is allocated, and a real lack of memory is one line."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import builder
from builder import memory
from builder.commands.entry import run as command
from builder.training import optimizer as optimizers
from dsl import loads

ROOT = Path(__file__).parents[1]
SPEC = """\
name = "Wide"

[model]
inputs = {{ x = ["N", {width}] }}
layers = [
  {{ name = "wide", type = "Linear", out_features = {width}, bias = false }},
  {{ name = "fc", type = "Linear", out_features = 2 }},
]

[loss]
type = "CrossEntropyLoss"

[optimizer]
type = "AdamW"

[data]
source = "random"
samples = {batch}
batch_size = {batch}
fields = {{ target = {{ shape = ["N"], dtype = "int64", high = 2 }} }}

[train]
epochs = 1
device = "cpu"
"""
FREE = 64 * 2**20


def test_four_terabytes_are_refused_at_once(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wide.toml").write_text(SPEC.format(width=2**20, batch=2))
    with pytest.raises(memory.TooLarge) as caught:
        builder.build("wide.toml")
    message = str(caught.value)
    assert message.startswith("the model does not fit: weights 4.0 TiB; ")
    assert message.endswith("The largest layer is wide (Linear, wide.toml:6) with 4.0 TiB")
    assert command(["wide.toml", "--train", "--out", "run"]) == 1
    assert capsys.readouterr().err.startswith("error: the model does not fit: weights 4.0 TiB; ")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("width", "batch", "fits"),
    [
        (2047, 1, True),  # 16 MiB of weights and, beside them, 48 MiB of gradients and Adam's two
        (2400, 1, False),
        (1024, 4096, True),  # 12 MiB, and 16 MiB of activations
        (1024, 16384, False),
    ],
)
def test_training_takes_gradients_slots_and_activations(width, batch, fits, monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "free", lambda device=None: FREE)
    spec = loads(SPEC.format(width=width, batch=batch))
    monkeypatch.setattr("builder.experiment.whole.fit", lambda *_, **__: iter(()))
    if fits:
        builder.train(spec, out=tmp_path / "run")
        return
    with pytest.raises(
        memory.TooLarge, match=r"gradients .* MiB, the optimizer's tensors .* MiB, activations of a batch"
    ):
        builder.train(spec, out=tmp_path / "run")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("SGD", {"lr": 0.1}), ("SGD", {"lr": 0.1, "momentum": 0.9}), ("Adam", {}), ("Adam", {"amsgrad": True}),
        ("AdamW", {}), ("AdamW", {"amsgrad": True}), ("Adamax", {}), ("NAdam", {}), ("RAdam", {}), ("Adadelta", {}),
        ("Adagrad", {}), ("RMSprop", {}), ("RMSprop", {"momentum": 0.9, "centered": True}), ("Rprop", {}), ("ASGD", {}),
        ("Muon", {}),
    ],
)  # fmt: skip
def test_what_an_optimizer_keeps_is_what_torch_keeps(name, arguments):
    model = nn.Linear(64, 64, bias=False)
    made = optimizers.make(name, arguments, [], model)
    told = memory.slots_of(made)
    model(torch.ones(1, 64)).sum().backward()
    made.step()
    kept = [each for state in made.state.values() for each in state.values() if isinstance(each, torch.Tensor)]
    assert told == sum(each.nbytes for each in kept if each.numel() > 1)


def test_what_is_free_is_known_here():
    there = memory.free()
    assert there is None or 0 < there < 2**50
    assert [memory.written(size) for size in (5, 2048, 3 * 2**39)] == ["5 bytes", "2.0 KiB", "1.5 TiB"]


def test_a_real_lack_of_memory_is_a_line_with_sizes(tmp_path):
    """A process that may have only so much address space, and a layer whose output alone takes 16 GiB."""
    large = """{ type = "unsqueeze", dim = 2 },
  { type = "Upsample", size = 268435456 },
  { type = "AdaptiveAvgPool1d", output_size = 1 },
  { type = "flatten", start_dim = 1 },
  { name = "fc\""""
    (tmp_path / "large.toml").write_text(SPEC.format(width=8, batch=2).replace('{ name = "fc"', large))
    program = (
        "import resource, sys, torch; from builder.commands.entry import run; torch.ones(1)\n"
        "resource.setrlimit(resource.RLIMIT_AS, (8 * 2**30, 8 * 2**30)); sys.exit(run(sys.argv[1:]))"
    )
    words = [sys.executable, "-c", program, "large.toml", "--train", "--out", "run", "--quiet"]
    done = subprocess.run(words, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.returncode == 3, done.stderr
    [line] = [each for each in done.stderr.splitlines() if each.startswith("error")]
    assert line.startswith("error: out of memory: 16.0 GiB more were asked for, ")
    assert line.endswith(" are free; a smaller batch_size takes less")


def test_the_limit_of_a_process_counts(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (2**30, 2**30))
    assert memory.free() < 2**30
