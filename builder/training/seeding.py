"""Randomness that hangs on the seed and the step alone, so that no random state need be saved.

Before each step the generators that torch draws from by default are seeded anew. A run resumed at any step then draws
what the unbroken run drew there.
"""

from __future__ import annotations

import torch

# What a number counts: the numbers of different streams must not meet.
STEP, EPOCH, VALIDATION = range(3)

_BITS = (1 << 64) - 1


def mixed(seed: int, stream: int, number: int) -> int:
    """One number of 63 bits for the three, spread evenly, the same on every machine and in every version.

    The mixing steps are those of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators",
    OOPSLA 2014).
    """
    return _spread(_spread(_spread(seed) ^ stream) ^ number) >> 1


def of_step(seed: int, step: int, rank: int) -> int:
    """The number that a step starts from: the first process's is that of a run of one process."""
    number = mixed(seed, STEP, step)
    return number if rank == 0 else mixed(number, STEP, rank)


def reseed(device: torch.device, number: int) -> None:
    """Seed torch's default generator of the CPU and that of the device.

    The generators are seeded directly: `torch.manual_seed` costs eighty times as much, and this is done every step.
    """
    torch.default_generator.manual_seed(number)
    if device.type == "cuda":
        index = torch.cuda.current_device() if device.index is None else device.index
        torch.cuda.default_generators[index].manual_seed(number)
    elif device.type == "mps":
        torch.mps.manual_seed(number)


def _spread(number: int) -> int:
    number = (number + 0x9E3779B97F4A7C15) & _BITS
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _BITS
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _BITS
    return number ^ (number >> 31)
