"""A small task to train in tests: its data, its model, and a run of it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

from builder.training import RunFolder, Settings, Task, fit
from builder.training import optimizer as optimizers
from builder.training.events import Event, StepDone
from builder.training.measures import Share


class Memory:
    """Samples in memory, in an order that hangs on the epoch; the last batch may be short."""

    def __init__(self, fields: dict[str, torch.Tensor], batch_size: int, shuffle: bool = False) -> None:
        self.fields, self.batch_size, self.shuffle = fields, batch_size, shuffle
        self.samples = len(next(iter(fields.values())))

    def __len__(self) -> int:
        return -(-self.samples // self.batch_size)

    def epoch(self, number: int, start: int = 0) -> Iterator[dict[str, torch.Tensor]]:
        order = torch.arange(self.samples)
        if self.shuffle:
            order = torch.randperm(self.samples, generator=torch.Generator().manual_seed(number))
        for chosen in list(order.split(self.batch_size))[start:]:
            yield {name: field[chosen] for name, field in self.fields.items()}


def samples(count: int, seed: int) -> dict[str, torch.Tensor]:
    """Points of four numbers in three classes that can be told apart."""
    generator = torch.Generator().manual_seed(seed)
    target = torch.randint(3, (count,), generator=generator)
    shift = torch.eye(3, 4)[target] * 2
    return {"x": torch.randn(count, 4, generator=generator) + shift, "target": target}


def network(dropout: float = 0.5) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(dropout), nn.Linear(8, 3))


def right_answers(outputs, batch):
    return (outputs.argmax(1) == batch["target"]).sum(), torch.tensor(len(outputs))


def task_of(model: nn.Module, **changes) -> Task:
    parts = {
        "model": model,
        "forward": lambda model, batch: model(batch["x"]),
        "objective": lambda outputs, batch: nn.functional.cross_entropy(outputs, batch["target"]),
        "measures": {"accuracy": Share(right_answers)},
    }
    return Task(**{**parts, **changes})


TRAIN = Memory(samples(22, 1), 4, shuffle=True)  # six batches, the last of two
VALIDATION = Memory(samples(7, 2), 3)


def run(path: Path, model: nn.Module, *, stop_at: int | None = None, optimizer=None, **changes) -> list[Event]:
    """Train for three epochs, or as `changes` say, and return the events; a SIGTERM comes after step `stop_at`."""
    settings = {"seed": 3, "report_seconds": 0.0, **changes.pop("settings", {})}
    settings = Settings(**settings if "steps" in settings else {"epochs": 3, **settings})
    task = changes.pop("task", None) or task_of(model)
    made = optimizer or optimizers.make("AdamW", {"lr": 0.02}, [], model)
    train, validation = changes.pop("train", TRAIN), changes.pop("validation", VALIDATION)
    events = []
    for event in fit(task, made, train, validation, settings, RunFolder(path), **changes):
        events.append(event)
        if isinstance(event, StepDone) and event.step == stop_at:
            signal.raise_signal(signal.SIGTERM)
    return events


def only(kind: type, events: list[Event]) -> list:
    return [event for event in events if isinstance(event, kind)]
