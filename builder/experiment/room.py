"""Whether the disk has room for what a run will write."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from torch import nn

from builder import memory

_CHECKPOINTS = 3  # the last, the one before it, and the next while it is written
_WEIGHTS = 3  # the best twice (for this program and for others), and the next while it is written


def too_little(folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer, *, averaged: bool) -> str:
    """What to tell where the disk has less room than the run's checkpoints will take; else nothing."""
    weights = sum(each.nbytes for each in model.state_dict().values() if isinstance(each, torch.Tensor))
    checkpoint = weights * (2 if averaged else 1) + memory.slots_of(optimizer)
    there = shutil.disk_usage(_existing(folder.absolute())).free
    standing = sum(each.stat().st_size for each in (folder / "checkpoints").glob("*") if each.is_file())
    needed = _CHECKPOINTS * checkpoint + _WEIGHTS * weights - standing
    if needed <= there:
        return ""
    sizes = f"the run's checkpoints take up to {memory.written(needed)} more, one of them {memory.written(checkpoint)}"
    return f"{folder} has too little room: {memory.written(there)} are free, and {sizes}"


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder
