"""What a step costs beside a hand-written loop: `python benchmarks/step_overhead.py [ROUNDS]`.

The 784-256-10 network at batch 64 with SGD, the data whole in memory and shuffled. Rounds of both follow one another in
one process, so that the machine's moods reach both alike; the median of the rounds' ratios is what counts.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy
import torch
from torch import Tensor, nn

import dsl
from builder.experiment import Experiment
from builder.training import RunFolder
from builder.training.events import Started, StepDone

BATCH, STEPS = 64, 300
SPEC = f"""
name = "MLP"
[model]
inputs = {{ x = ["N", 784] }}
layers = [
  {{ name = "hidden", type = "Linear", out_features = 256 }},
  {{ name = "act", type = "ReLU" }},
  {{ name = "output", type = "Linear", out_features = 10 }},
]
[loss]
type = "CrossEntropyLoss"
[optimizer]
type = "SGD"
lr = 0.01
[data]
source = "samples.npz"
batch_size = {BATCH}
[train]
epochs = 1
device = "cpu"
"""


def ours(spec: dsl.Spec, folder: Path) -> float:
    """Seconds a step, from the start of training to the last loss; what is saved afterwards does not count."""
    began = ended = 0.0
    for event in Experiment(spec).events(RunFolder(folder)):
        if isinstance(event, Started):
            began = time.perf_counter()
        elif isinstance(event, StepDone):
            ended = time.perf_counter()
    return (ended - began) / STEPS


def by_hand(x: Tensor, target: Tensor) -> float:
    """Seconds a step of the loop that a person would write."""
    model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
    loss_function = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    began = time.perf_counter()
    total = torch.zeros(())
    for indices in torch.split(torch.randperm(len(x)), BATCH):
        optimizer.zero_grad()
        loss = loss_function(model(x[indices]), target[indices])
        loss.backward()
        optimizer.step()
        total += loss.detach()
    total.item()
    return (time.perf_counter() - began) / STEPS


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    generator = numpy.random.default_rng(0)
    x = generator.standard_normal((BATCH * STEPS, 784), dtype=numpy.float32)
    target = generator.integers(0, 10, BATCH * STEPS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        numpy.savez(folder / "samples.npz", x=x, target=target)
        (folder / "mlp.toml").write_text(SPEC, encoding="utf-8")
        spec = dsl.load(folder / "mlp.toml")
        pairs = []
        for number in range(rounds + 1):
            pairs.append((ours(spec, folder / f"run-{number}"), by_hand(torch.from_numpy(x), torch.from_numpy(target))))
    mine, hand = zip(*pairs[1:], strict=True)  # the first round warms up
    ratio = statistics.median(a / b for a, b in pairs[1:])
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {rounds} rounds of {STEPS} steps")
    print(f"ours {statistics.median(mine) * 1e6:.0f} us a step, by hand {statistics.median(hand) * 1e6:.0f} us a step")
    print(f"median ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
