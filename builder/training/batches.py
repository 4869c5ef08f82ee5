"""What training asks of data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeAlias

import torch

# Fields by name; the first dim of each is the batch.
Batch: TypeAlias = dict[str, torch.Tensor]


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


def size(batch: Batch) -> int:
    """How many samples the batch holds."""
    return next(iter(batch.values())).shape[0]
