"""Optimizers and schedulers said in a spec: every one of torch's, with torch's own sample arguments."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler
from torch.testing._internal.common_optimizers import optim_db

import builder
import dsl
from builder.checking import check
from builder.commands.entry import run as command
from builder.experiment import Experiment
from dsl.catalogue import optimizer_names

MODEL = """
[model]
inputs = { image = ["N", 1, 8, 8] }
layers = [
  { type = "flatten", start_dim = 1 },
  { name = "hidden", type = "Linear", out_features = 16 },
  { type = "Tanh" },
  { name = "fc", type = "Linear", out_features = 10 },
]

[loss]
type = "CrossEntropyLoss"

[data]
source = "digits"
batch_size = 60

[train]
steps = 30
device = "cpu"
"""
WORDS = """
[model]
inputs = { words = { shape = ["N", 6], dtype = "int64", high = 50 } }
layers = [
  { name = "table", type = "EmbeddingBag", num_embeddings = 50, embedding_dim = 3, sparse = true },
]

[loss]
type = "CrossEntropyLoss"

[data]
source = "random"
fields = { target = { shape = ["N"], dtype = "int64", high = 3 } }

[train]
steps = 100
device = "cpu"
"""
# Rates at which each gets on in a few steps, where torch's own default is too small or too large for that.
RATES = {"SGD": 0.5, "ASGD": 0.5, "Adadelta": 1.0, "Adafactor": 0.1, "SparseAdam": 0.05, "RAdam": 0.05, "Muon": 0.02}


def losses(text: str, folder: Path) -> list[float]:
    """Before and after training, over all samples."""
    spec = dsl.loads(text)
    before = Experiment(spec).evaluate()["loss"]
    return [before, builder.train(spec, out=folder).rows[-1]["train_loss"]]  # type: ignore[list-item]


@pytest.mark.parametrize("name", optimizer_names())
def test_every_optimizer_lowers_a_loss(name: str, tmp_path: Path) -> None:
    optimizer = f'[optimizer]\ntype = "{name}"\nlr = {RATES.get(name, 0.01)}\n'
    if name == "Muon":
        optimizer += 'groups = [{ match = "*.bias", type = "AdamW", lr = 0.01 }]\n'
    text = WORDS if name == "SparseAdam" else MODEL
    if name == "LBFGS":  # a line is searched on one function: all samples at once
        text, optimizer = text.replace("batch_size = 60", "batch_size = 1797"), '[optimizer]\ntype = "LBFGS"\n'
    before, after = losses(text + optimizer, tmp_path / "run")
    assert after < 0.95 * before


def sayable(arguments: dict[str, Any]) -> bool:
    return not any(isinstance(each, torch.Tensor) or callable(each) for each in arguments.values())


SAMPLES = [(info.optim_cls.__name__, sample.kwargs)
           for info in optim_db for sample in info.optim_inputs_func(device="cpu")]  # fmt: skip


def test_of_torchs_sample_arguments_only_tensors_cannot_be_said() -> None:
    left_out = [arguments for _, arguments in SAMPLES if not sayable(arguments)]
    assert (len(SAMPLES), len(left_out)) == (91, 5)
    assert all(isinstance(each["lr"], torch.Tensor) or "betas" in each for each in left_out)


@pytest.mark.parametrize(("name", "arguments"), [each for each in SAMPLES if sayable(each[1])])
def test_torchs_sample_arguments_pass_through_a_spec(name: str, arguments: dict[str, Any], tmp_path: Path) -> None:
    written = {key: "${none}" if each is None else list(each) if isinstance(each, tuple) else each
               for key, each in arguments.items()}  # fmt: skip
    more = {"groups": [{"match": "*.bias", "type": "SGD"}]} if name == "Muon" else {}
    spec = dsl.loads((WORDS if name == "SparseAdam" else MODEL) + '[optimizer]\ntype = "SGD"\n',
                     overrides={"optimizer": {"type": name, **written, **more}})  # fmt: skip
    if arguments.get("differentiable") or arguments.get("capturable"):
        check(spec)  # the one is for steps that are differentiated, the other for a GPU: the spec says it all the same
        return
    made = Experiment(spec).optimizer()
    first = getattr(made, "parts", [made])[0]
    assert type(first).__name__ == name
    for key, value in arguments.items():
        assert first.defaults[key] == value or first.param_groups[0][key] == value


SCHEDULERS = """
[optimizer]
type = "SGD"
lr = 0.1

[[scheduler]]
type = "LinearLR"
start_factor = 0.1
every = "step"
steps = 10

[[scheduler]]
type = "CosineAnnealingLR"
every = "step"
"""


def test_schedulers_follow_one_another(tmp_path: Path) -> None:
    spec = dsl.loads(MODEL + SCHEDULERS, overrides={"train.steps": 20})
    run = builder.train(spec, out=tmp_path / "run")
    assert run.rows[-1]["lr"] == pytest.approx(0, abs=1e-9)  # a cosine over the ten steps that are left


def test_a_course_of_ones_own(tmp_path: Path) -> None:
    text = MODEL + '[optimizer]\ntype = "SGD"\nlr = 0.1\n[vars]\nhalf = 10\n[scheduler]\nevery = "step"\n'
    course = 'type = "LambdaLR"\nlr_lambda = "${1 / (1 + step / half)}"\n'
    run = builder.train(dsl.loads(text + course), out=tmp_path / "run")
    assert run.rows[-1]["lr"] == pytest.approx(0.1 / (1 + 30 / 10))


def test_the_metric_that_a_scheduler_watches_is_one_of_the_run(tmp_path: Path) -> None:
    text = MODEL + '[optimizer]\ntype = "SGD"\nlr = 0.1\n[scheduler]\ntype = "ReduceLROnPlateau"\n'
    with pytest.raises(dsl.SpecError, match="`val_loss` is not measured by this run"):
        builder.train(dsl.loads(text), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    builder.train(dsl.loads(text + 'metric = "train_loss"\n'), out=tmp_path / "run")


def test_every_scheduler_of_torch_can_be_said(tmp_path: Path) -> None:
    needed = {"LambdaLR": 'lr_lambda = "${0.9 ** epoch}"', "MultiplicativeLR": 'lr_lambda = "${0.9}"',
              "StepLR": "step_size = 2", "MultiStepLR": "milestones = [1, 3]", "ExponentialLR": "gamma = 0.9",
              "CyclicLR": "base_lr = 0.01\nmax_lr = 0.1", "OneCycleLR": "max_lr = 0.1"}  # fmt: skip
    for name in dsl.catalogue.scheduler_names():
        text = f'[optimizer]\ntype = "SGD"\nlr = 0.1\nmomentum = 0.9\n[scheduler]\ntype = "{name}"\n'
        spec = dsl.loads(MODEL + text + needed.get(name, ""))
        check(spec)
        settings = Experiment(spec).settings
        assert hasattr(lr_scheduler, settings.stretches[0].type)


def test_a_run_says_what_it_chose(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "spec.toml"
    more = 'deterministic = true\naverage = { type = "EMA" }\n[optimizer]\ntype = "AdamW"\n'
    spec.write_text(MODEL.replace("steps = 30", "steps = 3") + more, encoding="utf-8")
    assert command([str(spec), "--train", "--out", str(tmp_path / "run")]) == 0
    first = capsys.readouterr().err.splitlines()[0]
    told = "cpu, float32, deterministic, EMA of the weights, fused AdamW, 1,797 samples in memory, into "
    assert first.startswith(told)


def test_without_a_compiler_compile_is_refused_in_a_sentence(tmp_path: Path) -> None:
    spec = tmp_path / "spec.toml"
    spec.write_text(MODEL + 'compile = true\n[optimizer]\ntype = "SGD"\nlr = 0.1\n', encoding="utf-8")
    environment = {"PATH": "/nothing", "CXX": "no-compiler", "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "cache"),
                   "PYTHONPATH": str(Path(__file__).parents[1])}  # fmt: skip
    done = subprocess.run([sys.executable, "-m", "builder", str(spec), "--train", "--out", str(tmp_path / "run")],
                          env=environment, capture_output=True, text=True, timeout=120)  # fmt: skip
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: torch.compile cannot compile the model (")
    assert last.endswith("it trains without `compile`")


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's compiler uses what torch deprecates
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_compiled_steps_come_to_the_same(tmp_path: Path) -> None:
    text = MODEL + '[optimizer]\ntype = "SGD"\nlr = 0.1\n'
    plain, compiled = (builder.train(dsl.loads(text, overrides={"train.compile": each}), out=tmp_path / str(each)).rows
                       for each in (False, True))  # fmt: skip
    assert compiled[-1]["train_loss"] == pytest.approx(plain[-1]["train_loss"], rel=1e-5)
