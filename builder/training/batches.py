"""What training asks of data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeAlias, runtime_checkable

import torch

from builder.training.processes import Processes

# Fields by name; the first dim of each is the batch.
Batch: TypeAlias = dict[str, torch.Tensor]
# What a process computes of a batch, what that weighs in the mean over all the batch's samples, how many those are.
Piece: TypeAlias = tuple[Batch, float, int]


class Batches(Protocol):
    """A set of samples, cut into batches anew for each epoch.

    `epoch(number, start)` gives the batches of epoch `number` (counted from 1) from the one at index `start` on, as CPU
    tensors. What it gives must hang on `number` alone: the same number gives the same batches in the same order,
    whatever was asked for before, or a resumed run would not be the run that was never stopped.
    """

    @property
    def samples(self) -> int:
        """How many samples an epoch holds."""
        ...

    def __len__(self) -> int:
        """How many batches an epoch holds: the steps of an epoch."""
        ...

    def epoch(self, number: int, start: int = 0) -> Iterable[Batch]: ...


@runtime_checkable
class Partible(Protocol):
    """Batches of which a process can read its part alone."""

    def part(
        self, number: int, start: int, rank: int, bounds: Callable[[int], tuple[int, int]]
    ) -> Iterable[tuple[Batch, int]]:
        """As `epoch`, the part of each batch that is of process `rank`, at least one sample; with how many samples the
        batch has over all processes. bounds: of so many samples, which are its own, from and up to."""
        ...


def size(batch: Batch) -> int:
    """How many samples the batch holds."""
    return next(iter(batch.values())).shape[0]


def pieces(batches: Batches, number: int, start: int, processes: Processes) -> Iterator[Piece]:
    """This process's pieces of an epoch. Where a batch has too few samples for all, some compute one that weighs
    nothing."""
    if processes.world == 1:
        yield from ((batch, 1.0, size(batch)) for batch in batches.epoch(number, start))
        return
    for batch, total in _parts(batches, number, start, processes):
        first, end = processes.bounds(total)
        yield batch, (end - first) / total, total


def _parts(batches: Batches, number: int, start: int, processes: Processes) -> Iterable[tuple[Batch, int]]:
    if isinstance(batches, Partible):
        yield from batches.part(number, start, processes.rank, processes.bounds)
        return
    for batch in batches.epoch(number, start):
        total = size(batch)
        first, end = processes.bounds(total)
        taken = slice(first, end) if first < end else slice(0, 1)
        yield {name: field[taken] for name, field in batch.items()}, total
