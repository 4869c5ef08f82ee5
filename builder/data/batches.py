"""Samples cut into batches, in an order that hangs on the seed and the epoch alone."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch.utils.data import DataLoader, Dataset

from builder.data.fields import DataError, Source
from builder.training.seeding import mixed

ORDER, READING = 16, 17  # streams of random numbers beside those of training

Batch = dict[str, torch.Tensor]
# A batch's samples, and the number from which its source may draw.
Share = tuple[torch.Tensor, int]
# How many samples a batch has -> which of them are one process's, from and up to.
Bounds = Callable[[int], tuple[int, int]]


class Batches:
    """What training reads: the same epoch number gives the same batches, wherever it is started and however many
    worker processes there are.

    indices: the samples to take; all of the source's where left out.
    num_workers: processes that read ahead; 0 reads in this one.
    lie: where the samples lie, in words for a person.
    pinned: batches lie in memory from which a GPU can fetch them while it computes.
    """

    def __init__(
        self,
        source: Source,
        indices: torch.Tensor | None = None,
        *,
        batch_size: int,
        shuffle: bool = False,
        drop_last: bool = False,
        seed: int = 0,
        num_workers: int = 0,
        pinned: bool = False,
        lie: str = "",
    ) -> None:
        self.lie = lie
        self._source = source
        self._indices = torch.arange(len(source)) if indices is None else indices
        self._batch_size = batch_size
        self._shuffle = shuffle
        self._drop_last = drop_last
        self._seed = seed
        self._workers = num_workers
        self._pinned = pinned
        _check(len(self._indices), batch_size, drop_last, num_workers)

    def __len__(self) -> int:
        """Batches in an epoch."""
        whole, rest = divmod(len(self._indices), self._batch_size)
        return whole + (rest > 0 and not self._drop_last)

    @property
    def samples(self) -> int:
        """Samples in an epoch."""
        return min(len(self) * self._batch_size, len(self._indices))

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of epoch `number`, from the one at index `start` on. DataError where a sample cannot be read."""
        return self._read(self._shares(number)[start:])

    def part(self, number: int, start: int, rank: int, bounds: Bounds) -> Iterator[tuple[Batch, int]]:
        """As `epoch`, what one of several processes computes of each batch, with the samples of the whole batch."""
        shares = self._shares(number)[start:]
        totals = [len(indices) for indices, _ in shares]
        own = []
        for (indices, seed), total in zip(shares, totals, strict=True):
            first, end = bounds(total)
            own.append((indices[first:end] if first < end else indices[:1], mixed(seed, READING, rank)))
        return zip(self._read(own), totals, strict=True)

    def _read(self, shares: list[Share]) -> Iterator[Batch]:
        if self._workers == 0 or not shares:
            batches = (self._source.batch(indices, seed) for indices, seed in shares)
            return map(_pinned, batches) if self._pinned else batches
        return _read_ahead(self._source, shares, min(self._workers, len(shares)), self._pinned)

    def _shares(self, number: int) -> list[Share]:
        order = self._indices
        if self._shuffle:
            generator = torch.Generator().manual_seed(mixed(self._seed, ORDER, number))
            order = order[torch.randperm(len(order), generator=generator)]
        parts = torch.split(order, self._batch_size)[: len(self)]
        draws = mixed(self._seed, READING, number)
        return [(indices, mixed(draws, READING, place)) for place, indices in enumerate(parts)]


@dataclass(frozen=True, slots=True)
class _Failure:
    """A DataError on its way out of a worker; torch would wrap the exception itself in a page of traceback."""

    message: str


class _Gathering(Dataset[Batch | _Failure]):
    """A whole batch as one item, so that a worker gathers it at once."""

    def __init__(self, source: Source, shares: list[Share]) -> None:
        self._source = source
        self._shares = shares

    def __len__(self) -> int:
        return len(self._shares)

    def __getitem__(self, place: int) -> Batch | _Failure:
        indices, seed = self._shares[place]
        try:
            return self._source.batch(indices, seed)
        except DataError as error:
            return _Failure(str(error))


def _read_ahead(source: Source, shares: list[Share], workers: int, pinned: bool) -> Iterator[Batch]:
    loader = DataLoader(
        _Gathering(source, shares),
        batch_size=None,
        num_workers=workers,
        pin_memory=pinned,
        worker_init_fn=_quiet,
        generator=torch.Generator(),  # or the loader would draw from torch's own, which is training's
    )
    iterator, given = iter(loader), 0
    while True:
        try:
            batch = next(iterator)
        except StopIteration:
            return
        except (RuntimeError, ConnectionError, EOFError) as error:  # what the loader says of a worker that was killed
            samples = ", ".join(str(index) for index in shares[given][0].tolist())
            raise DataError(
                f"a process that reads data ended unexpectedly, before batch {given} (samples {samples}): {error}"
            ) from error
        if isinstance(batch, _Failure):
            raise DataError(batch.message)
        given += 1
        yield batch


def _pinned(batch: Batch) -> Batch:
    return {name: each.pin_memory() for name, each in batch.items()}


def _quiet(_: int) -> None:
    """Ctrl-C reaches every process of a terminal; what happens then is for the first one to say."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _check(samples: int, batch_size: int, drop_last: bool, num_workers: int) -> None:
    if batch_size < 1:
        raise DataError(f"batch_size is {batch_size}; a batch has at least one sample")
    if num_workers < 0:
        raise DataError(f"num_workers is {num_workers}; it is 0 (none) or more")
    if samples == 0:
        raise DataError("there are no samples")
    if drop_last and samples < batch_size:
        raise DataError(
            f"drop_last leaves nothing: {samples} samples are less than one batch of {batch_size}; "
            "lower batch_size, or leave drop_last out"
        )
