"""What a step costs beside a hand-written loop: `python benchmarks/step_overhead.py [ROUNDS]`.

Three networks: the 784-256-10 one at batch 64 and LeNet at batch 32, each against a bare float32 loop that computes the
same; and AlexNet as its spec has it (bf16, channels_last, fused AdamW) against a bare float32 loop. The data lie whole
in memory and are shuffled, each image is brought to its size in the loop. Rounds of both follow one another in one
process, so that the machine's moods reach both alike; the median of the rounds' ratios is what counts.
"""

from __future__ import annotations

import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy
import torch
from torch import Tensor, nn
from torch.nn import functional

import dsl
from builder.experiment import Experiment
from builder.training import RunFolder
from builder.training.events import Started, StepDone

ROOT = Path(__file__).parents[1]
MLP = """
[model]
inputs = { x = ["N", 784] }
layers = [
  { name = "hidden", type = "Linear", out_features = 256 },
  { name = "act", type = "ReLU" },
  { name = "output", type = "Linear", out_features = 10 },
]
[loss]
type = "CrossEntropyLoss"
[optimizer]
type = "SGD"
lr = 0.01
[data]
source = "samples.npz"
batch_size = 64
[train]
epochs = 1
device = "cpu"
"""


class LeNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.max_pool2d(functional.relu(self.conv1(x)), 2)
        x = functional.max_pool2d(functional.relu(self.conv2(x)), 2).flatten(1)
        x = functional.relu(self.fc2(functional.relu(self.fc1(x))))
        return self.fc3(x)  # type: ignore[no-any-return]


def alexnet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 96, 11, 4), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Conv2d(96, 256, 5, padding=2), nn.ReLU(),
        nn.MaxPool2d(3, 2), nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(), nn.Conv2d(384, 384, 3, padding=1), nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Flatten(), nn.Linear(6400, 4096),
        nn.ReLU(), nn.Dropout(0.5), nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4096, 10),
    )  # fmt: skip


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))


@dataclass(frozen=True, slots=True)
class Case:
    """size: what images are brought to. most: what the ratio of times is to be at most."""

    name: str
    spec: str
    shape: tuple[int, ...]
    batch: int
    steps: int
    model: Callable[[], nn.Module]
    optimizer: Callable[[list[nn.Parameter]], torch.optim.Optimizer]
    most: float
    size: int | None = None


def _shortened(name: str) -> str:
    """The spec as it stands, for one epoch of other samples and nothing held out."""
    text = (ROOT / "specs" / name).read_text(encoding="utf-8")
    text = text.replace('source = "digits"\nvalidation = 0.2\n', 'source = "samples.npz"\n')
    return re.sub("epochs = .*", "epochs = 1", text).replace('device = "auto"', 'device = "cpu"')


CASES = (
    Case("784-256-10, batch 64", MLP, (784,), 64, 300, mlp,
         lambda parameters: torch.optim.SGD(parameters, lr=0.01), 1.15),
    Case("LeNet, batch 32", _shortened("lenet.toml"), (1, 8, 8), 32, 100, LeNet,
         lambda parameters: torch.optim.AdamW(parameters, lr=2e-3), 1.02, 32),
    Case("AlexNet, batch 32, bf16 and channels_last", _shortened("alexnet.toml"), (1, 8, 8), 32, 3, alexnet,
         lambda parameters: torch.optim.AdamW(parameters, lr=1e-4), 1 / 1.4, 224),
)  # fmt: skip


def ours(case: Case, folder: Path, number: int) -> float:
    """Seconds a step, from the start of training to the last loss; what is saved afterwards does not count."""
    began = ended = 0.0
    spec = dsl.loads(case.spec, str(folder / "spec.toml"))
    for event in Experiment(spec).events(RunFolder(folder / f"run-{number}")):
        if isinstance(event, Started):
            began = time.perf_counter()
        elif isinstance(event, StepDone):
            ended = time.perf_counter()
    shutil.rmtree(folder / f"run-{number}")
    return (ended - began) / case.steps


def by_hand(case: Case, x: Tensor, target: Tensor) -> float:
    """Seconds a step of the loop that a person would write."""
    model, loss_function = case.model(), nn.CrossEntropyLoss()
    optimizer = case.optimizer(list(model.parameters()))
    began = time.perf_counter()
    total = torch.zeros(())
    for indices in torch.split(torch.randperm(len(x)), case.batch):
        images = x[indices]
        if case.size is not None:
            images = functional.interpolate(images, size=(case.size, case.size), mode="bilinear")
        optimizer.zero_grad()
        loss = loss_function(model(images), target[indices])
        loss.backward()
        optimizer.step()
        total += loss.detach()
    total.item()
    return (time.perf_counter() - began) / case.steps


def row_of(case: Case, rounds: int) -> str:
    generator = numpy.random.default_rng(0)
    x = generator.random((case.batch * case.steps, *case.shape), dtype=numpy.float32)
    target = generator.integers(0, 10, len(x))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        numpy.savez(folder / "samples.npz", image=x, target=target)
        pairs = []
        for number in range(rounds + 1):
            mine = ours(case, folder, number)
            pairs.append((mine, by_hand(case, torch.from_numpy(x), torch.from_numpy(target))))
    mine, hand = (statistics.median(each) * 1e3 for each in zip(*pairs[1:], strict=True))  # the first round warms up
    ratio = statistics.median(a / b for a, b in pairs[1:])
    return f"| {case.name} | {mine:.3f} ms | {hand:.3f} ms | {ratio:.2f} | {case.most:.2f} |"


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {rounds} rounds")
    print("| network | ours, a step | by hand | ratio | at most |\n| --- | ---: | ---: | ---: | ---: |")
    for case in CASES:
        print(row_of(case, rounds), flush=True)


if __name__ == "__main__":
    main()
