"""Several processes that train one model, each on a part of every batch, as `torchrun` starts them."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import torch
import torch.distributed as dist
from torch import Tensor

# How long a process waits for the others before it gives up: reading data for the first batch may take minutes.
TIMEOUT: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Processes:
    """rank: which of the `world` processes this one is, from 0. local: which of those on this machine."""

    rank: int = 0
    world: int = 1
    local: int = 0

    @property
    def first(self) -> bool:
        """Whether this is the one that writes and tells."""
        return self.rank == 0

    def most(self, number: int) -> int:
        """The greatest of everyone's numbers; all must ask."""
        if self.world == 1:
            return number
        held = torch.tensor(number)
        dist.all_reduce(held, dist.ReduceOp.MAX)
        return int(held)

    def total(self, tensor: Tensor) -> Tensor:
        """The sum of everyone's tensors; all must ask."""
        if self.world > 1:
            tensor = tensor.clone()
            dist.all_reduce(tensor)
        return tensor

    def text(self, text: str) -> str:
        """The first one's text; all must ask."""
        if self.world == 1:
            return text
        held = [text]
        dist.broadcast_object_list(held, src=0)
        return held[0]

    def bounds(self, samples: int) -> tuple[int, int]:
        """Which of a batch's samples are this one's, from and up to: the parts differ by one at most."""
        whole, rest = divmod(samples, self.world)
        start = self.rank * whole + min(self.rank, rest)
        return start, start + whole + (self.rank < rest)


ALONE: Final = Processes()


@contextmanager
def joined(environment: Mapping[str, str] = os.environ) -> Iterator[Processes]:
    """The processes that torchrun started, joined for as long as it is entered; ALONE where it started none.

    On an error the group is left as it is: to take it down would wait for those that still compute. torchrun then ends
    them all.
    """
    if dist.is_available() and dist.is_initialized():  # whoever calls has joined them
        yield Processes(rank=dist.get_rank(), world=dist.get_world_size(), local=int(environment.get("LOCAL_RANK", 0)))
        return
    if int(environment.get("WORLD_SIZE", 1)) == 1 or "RANK" not in environment:
        yield ALONE
        return
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo", timeout=TIMEOUT)
    yield Processes(rank=dist.get_rank(), world=dist.get_world_size(), local=int(environment["LOCAL_RANK"]))
    gc.collect()
    dist.barrier()
    dist.destroy_process_group()
