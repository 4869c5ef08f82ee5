"""What a model takes of memory, held against what is free before anything is allocated.

What is counted is what cannot be done without, so that nothing is refused that would go: activations only of layers
with parameters, whose outputs the next layer's gradient needs.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from builder.graph import Node, parameter_count

if TYPE_CHECKING:
    import torch

_NUMBER: Final = 4  # bytes of a float32
# Tensors as large as the parameter that an optimizer of torch keeps for each; Adafactor's are vectors, and count as 0.
_SLOTS: Final = {
    "SGD": 0, "Adam": 2, "AdamW": 2, "Adamax": 2, "NAdam": 2, "RAdam": 2, "SparseAdam": 2, "Adadelta": 2, "Adagrad": 1,
    "RMSprop": 1, "Rprop": 2, "ASGD": 1, "Muon": 1, "Adafactor": 0, "LBFGS": 2,
}  # fmt: skip
_OPTIONAL_SLOTS: Final = {"momentum": ("SGD", "RMSprop"), "amsgrad": ("Adam", "AdamW"), "centered": ("RMSprop",)}


class TooLarge(ValueError):  # noqa: N818  (what it is)
    """The model does not fit the memory that is free: a sentence with the sizes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """slots: bytes that the optimizer keeps. batch: samples. half: activations take two bytes a number."""

    slots: int
    batch: int
    device: torch.device
    half: bool = False


def check(layers: Iterable[Node], *, training: Training | None = None) -> None:
    """Raise TooLarge where the weights of a model do not fit, or all that training it takes."""
    found = list(layers)
    weights = sum(parameter_count(each) for each in found) * _NUMBER
    trained = sum(parameter_count(each) for each in found if not each.frozen) * _NUMBER
    needs = {"weights": weights}
    if training is not None:
        needs = {"weights": weights, "gradients": trained, "the optimizer's tensors": training.slots}
        needs[f"activations of a batch of {training.batch}"] = _activations(found, training)
    there = free(training.device if training is not None else None)
    if there is None or sum(needs.values()) - (0 if training is None else weights) <= there:  # the weights are there
        return
    told = ", ".join(f"{what} {written(size)}" for what, size in needs.items())
    largest = max(found, key=parameter_count)
    raise TooLarge(
        f"the model does not fit: {told}; {written(there)} are free. The largest layer is {largest.name} "
        f"({largest.type}, {largest.file}:{largest.line}) with {written(parameter_count(largest) * _NUMBER)}"
    )


def slots_of(optimizer: torch.optim.Optimizer) -> int:
    """Bytes of the tensors that the optimizer will keep beside the parameters."""
    parts: Sequence[torch.optim.Optimizer] = getattr(optimizer, "parts", [optimizer])
    return sum(
        _slots(type(part).__name__, group) * sum(each.nbytes for each in group["params"])
        for part in parts for group in part.param_groups
    )  # fmt: skip


def _slots(kind: str, group: Mapping[str, Any]) -> int:
    return _SLOTS.get(kind, 0) + sum(kind in kinds and bool(group[name]) for name, kinds in _OPTIONAL_SLOTS.items()
                                     if name in group)  # fmt: skip


def free(device: torch.device | None = None) -> int | None:
    """Bytes that this process can still have, of the device or else of main memory; None where nobody tells."""
    if device is not None and device.type == "cuda":
        import torch

        return int(torch.cuda.mem_get_info(device)[0])
    told = [each for each in (_of_the_machine(), _of_the_group(), _of_the_process()) if each is not None]
    return min(told, default=None)


def told(error: RuntimeError) -> str:
    """torch's failure to allocate, in a line with sizes; empty where the error is another."""
    text = str(error)
    if "can't allocate memory" not in text and "out of memory" not in text.lower():
        return ""
    asked = re.search(r"[Tt]ried to allocate (\d+ bytes|[\d.]+ \w+)", text)
    size = f": {_asked(asked[1])} more were asked for" if asked else ""
    there = free() if "DefaultCPUAllocator" in text else None
    left = f", {written(there)} are free" if there is not None else ""
    return f"out of memory{size}{left}; a smaller batch_size takes less"


def written(size: int) -> str:
    """A size as people read it: "4.0 TiB"."""
    value, units = float(size), ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"]
    while value >= 1024 and len(units) > 1:
        value, units = value / 1024, units[1:]
    return f"{value:,.1f} {units[0]}" if units[0] != "bytes" else f"{size} bytes"


def _asked(text: str) -> str:
    return written(int(text.split()[0])) if text.endswith("bytes") else text


def _activations(layers: Sequence[Node], training: Training) -> int:
    return sum(_numbers(each.shape, training.batch) for each in layers if parameter_count(each)) * (
        _NUMBER // 2 if training.half else _NUMBER
    )


def _numbers(shape: Any, batch: int) -> int:
    """How many numbers a layer makes of a batch, at least: a free size that is not the batch counts as 1."""
    if isinstance(shape, dict):
        return sum(_numbers(each, batch) for each in shape.values())
    if not isinstance(shape, list):
        return 0
    if any(isinstance(each, list | dict) for each in shape):
        return sum(_numbers(each, batch) for each in shape)
    count = 1
    for index, each in enumerate(shape):
        count *= each if isinstance(each, int) else batch if index == 0 else 1
    return count


def _of_the_machine() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else None
    sizes = {line.partition(":")[0]: line.split()[1] for line in lines}
    return sum(int(sizes.get(name, 0)) for name in ("MemAvailable", "SwapFree")) * 1024


def _of_the_group() -> int | None:
    """What a container's limit leaves; what is only cached counts as free."""
    group = Path("/sys/fs/cgroup")
    try:
        limit, used = ((group / f"memory.{name}").read_text(encoding="ascii").strip() for name in ("max", "current"))
        cached = re.search(r"^inactive_file (\d+)", (group / "memory.stat").read_text(encoding="ascii"), re.MULTILINE)
    except OSError:
        return None
    return None if limit == "max" else int(limit) - int(used) + (int(cached[1]) if cached else 0)


def _of_the_process() -> int | None:
    """What `ulimit -v` leaves."""
    if sys.platform != "linux":
        return None
    import resource

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return None
    return limit - int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
