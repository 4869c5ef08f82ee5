"""The loss and the measures of a model over a set of samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from builder.training import seeding
from builder.training.batches import Batches, Piece, pieces
from builder.training.errors import TrainingError
from builder.training.processes import ALONE, Processes
from builder.training.settings import Settings
from builder.training.task import Task, outputs_and_loss, placed, precision_of


def evaluate(task: Task, batches: Batches, settings: Settings, processes: Processes = ALONE) -> dict[str, float]:
    """`{"loss": ..., "accuracy": ...}`: the loss and its terms, averaged over the samples, and what the task measures,
    in evaluation mode and without gradients.

    A short last batch weighs what it holds. A loss that is not finite is returned as it is. The task must be on the
    settings' device (`place_task`).
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
    for measure in task.measures.values():
        measure.reset()
    with _evaluation_mode(task.modules), torch.no_grad():
        for batch, share, samples in _until(interrupted, pieces(batches, 1, 0, processes)):
            own = round(share * samples)
            if own:
                ready = placed(task, batch, settings)
                outputs, _, told = outputs_and_loss(task, ready, precision_of(settings))
                losses.append((told, own))
                for measure in task.measures.values():
                    measure.update(outputs, ready)
    if interrupted():
        return None
    if not len(batches):
        raise TrainingError("there is no batch to evaluate on")
    names = ("loss", *(task.terms.names if task.terms is not None else ()))
    found = dict(zip(names, _averages(losses, len(names), processes), strict=True))
    return found | {name: measure.compute(processes) for name, measure in task.measures.items()}


def fetched(losses: Sequence[Tensor], processes: Processes = ALONE) -> list[list[float]]:
    """What is told of each loss as numbers, all brought from the device at once; each the sum of the processes' parts
    of it."""
    rows: list[list[float]] = processes.total(torch.stack(list(losses)).reshape(len(losses), -1)).tolist()
    return rows


def _averages(losses: list[tuple[Tensor, int]], count: int, processes: Processes) -> list[float]:
    """The mean of each number over the samples, from each batch's mean and size, in double precision."""
    rows = fetched([told for told, _ in losses]) if losses else []
    sums = [0.0] * (count + 1)
    for row, (_, samples) in zip(rows, losses, strict=True):
        sums = [total + each for total, each in zip(sums, [*(value * samples for value in row), samples], strict=True)]
    *totals, samples = processes.total(torch.tensor(sums, dtype=torch.float64)).tolist()
    return [total / samples for total in totals]


def _until(interrupted: Callable[[], bool], batches: Iterable[Piece]) -> Iterator[Piece]:
    for batch in batches:
        if interrupted():
            return
        yield batch


@contextmanager
def _evaluation_mode(roots: Sequence[nn.Module]) -> Iterator[None]:
    """Evaluation mode within; after it, every module is in the mode it was in."""
    modes = [(module, module.training) for root in roots for module in root.modules()]
    for root in roots:
        root.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
