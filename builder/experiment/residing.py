"""Where the samples lie while a model is trained: whole on the device where they are small, else on their way to it."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from builder.data import Source, TensorSource

PART = 4  # a set may take one part in so many of the device's free memory


@dataclass(frozen=True, slots=True)
class Reading:
    """How a source's samples reach the device. source: to read from. workers: processes that read ahead. pinned: as
    of `Batches`. text: that in words."""

    source: Source
    workers: int
    pinned: bool
    text: str


def reading(source: Source, device: torch.device, workers: int) -> Reading:
    """Samples that lie in memory go to a GPU as a whole, where they fit; nothing is then read ahead. All others are
    brought batch by batch. workers: as the spec asks."""
    if device.type == "cuda" and isinstance(source, TensorSource) and source.bytes <= _free(device) // PART:
        return Reading(source.to(device), 0, False, f"all on {device}")
    where = "in memory" if isinstance(source, TensorSource) else "read as they are needed"
    if workers:
        where += f", by {workers} {'process' if workers == 1 else 'processes'} ahead"
    return Reading(source, workers, device.type == "cuda", where)


def _free(device: torch.device) -> int:
    """Bytes of a GPU's memory that nothing has taken."""
    return int(torch.cuda.mem_get_info(device)[0])
