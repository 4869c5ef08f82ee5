"""What somebody's own code gives (an item of a Dataset, a batch of a DataLoader), as named tensors."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy
import torch

from builder.data.fields import DataError


def named(item: object, names: Sequence[str], what: str) -> dict[str, object]:
    """The parts of an item by name.

    A dict and a named tuple have names. The parts of a tuple or list take `names` in order (the model's inputs), and
    one part more is `target`; without names a pair is `x` and `target`. Anything else is one part.
    """
    if isinstance(item, Mapping):
        return {str(name): value for name, value in item.items()}
    if isinstance(item, tuple) and hasattr(item, "_asdict"):
        return dict(item._asdict())
    parts = list(item) if isinstance(item, (tuple, list)) else [item]
    wanted = (list(names) or ["x"]) + ["target"]
    if not 0 < len(parts) <= len(wanted) or len(parts) < len(wanted) - 1:
        raise DataError(
            f"{what} has {len(parts)} parts, which cannot be named: {' and '.join(wanted)} are known; "
            "give dicts instead"
        )
    return dict(zip(wanted, parts, strict=False))


def tensor(value: object, name: str, what: str) -> torch.Tensor:
    """The part as a tensor: tensors as they are; numbers and numpy arrays of float64 become float32."""
    if isinstance(value, torch.Tensor):
        return value
    try:
        made = torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(
            f"'{name}' of {what} is a {type(value).__name__}, which cannot become a tensor: {error}"
        ) from error
    return made.to(torch.float32) if made.dtype == torch.float64 else made


@contextmanager
def drawing_from(seed: int | None) -> Iterator[None]:
    """Inside, Python's, numpy's and torch's own random numbers come from the seed; afterwards they go on as if nothing
    had been. None changes nothing."""
    if seed is None:
        yield
        return
    before = torch.default_generator.get_state(), random.getstate(), numpy.random.get_state()
    torch.default_generator.manual_seed(seed)
    random.seed(seed)
    numpy.random.seed(seed % 2**32)
    try:
        yield
    finally:
        torch.default_generator.set_state(before[0])
        random.setstate(before[1])
        numpy.random.set_state(before[2])
