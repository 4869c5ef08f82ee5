"""The loss and the accuracy of a model over a set of samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from builder.training import seeding
from builder.training.batches import Batch, Batches, Piece, pieces
from builder.training.errors import TrainingError
from builder.training.processes import ALONE, Processes
from builder.training.settings import Settings
from builder.training.task import Task, outputs_and_loss, placed, precision_of


def evaluate(task: Task, batches: Batches, settings: Settings, processes: Processes = ALONE) -> dict[str, float]:
    """`{"loss": ..., "accuracy": ...}`, averaged over the samples, in evaluation mode and without gradients.

    A short last batch weighs what it holds. "accuracy" (0 to 1) is there where the task measures it. A loss that is not
    finite is returned as it is. The model must be on the settings' device (`place_model`).
    """
    seeding.reseed(settings.device, seeding.mixed(settings.seed, seeding.VALIDATION, 0))
    found = evaluated(task, batches, settings, lambda: False, processes)
    assert found is not None  # nothing interrupts
    return found


def evaluated(
    task: Task, batches: Batches, settings: Settings, interrupted: Callable[[], bool], processes: Processes = ALONE
) -> dict[str, float] | None:
    """`evaluate`, given up between two batches once `interrupted()`: then None. Each process looks at its part."""
    losses: list[tuple[Tensor, int]] = []
    rights: list[tuple[Tensor, Tensor]] = []
    with _evaluation_mode(task.model), torch.no_grad():
        for batch, share, samples in _until(interrupted, pieces(batches, 1, 0, processes)):
            own = round(share * samples)
            if own:
                _measure(task, batch, own, settings, losses, rights)
    if interrupted():
        return None
    if not len(batches):
        raise TrainingError("there is no batch to evaluate on")
    found = {"loss": _average(losses, processes)}
    if task.accuracy is not None:
        found["accuracy"] = _share(rights, processes)
    return found


def fetched(losses: Sequence[Tensor], processes: Processes = ALONE) -> list[float]:
    """The losses as numbers, all brought from the device at once; each the sum of the processes' parts of it."""
    return [float(each) for each in processes.total(torch.stack(list(losses))).tolist()]


def _measure(
    task: Task, batch: Batch, count: int, settings: Settings, losses: list[tuple[Tensor, int]],
    rights: list[tuple[Tensor, Tensor]],
) -> None:  # fmt: skip
    batch = placed(task, batch, settings)
    outputs, loss = outputs_and_loss(task, batch, precision_of(settings))
    losses.append((loss, count))
    if task.accuracy is not None:
        rights.append(task.accuracy(outputs, batch))


def _average(losses: list[tuple[Tensor, int]], processes: Processes) -> float:
    """The mean loss of a sample, from each batch's mean and size, in double precision."""
    values = fetched([loss for loss, _ in losses]) if losses else []
    total = sum(value * count for value, (_, count) in zip(values, losses, strict=True))
    held = torch.tensor([total, sum(count for _, count in losses)], dtype=torch.float64)
    return float(torch.div(*processes.total(held)))


def _share(rights: list[tuple[Tensor, Tensor]], processes: Processes) -> float:
    held = torch.tensor([sum(int(each[column]) for each in rights) for column in (0, 1)])
    right, counted = processes.total(held).tolist()
    return float(right / counted) if counted else 0.0


def _until(interrupted: Callable[[], bool], batches: Iterable[Piece]) -> Iterator[Piece]:
    for batch in batches:
        if interrupted():
            return
        yield batch


@contextmanager
def _evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Evaluation mode within; after it, every module is in the mode it was in."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
