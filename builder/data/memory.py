"""Samples that lie in memory, field by field."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from builder.data.arrays import Array, Arrays
from builder.data.fields import DataError, FieldType, Source


class TensorSource(Source):
    """A tensor for each field, (samples, *shape); a batch is gathered by index.

    divisors: fields that are kept as they are and divided when they are taken out, as float32.
    fields: worked out from the tensors where left out.
    """

    def __init__(
        self,
        tensors: Mapping[str, torch.Tensor],
        divisors: Mapping[str, int] | None = None,
        fields: tuple[FieldType, ...] | None = None,
    ) -> None:
        self._tensors = dict(tensors)
        self._divisors = dict(divisors or {})
        self._samples = _samples(self._tensors)
        self.fields = fields or tuple(
            FieldType(name, tuple(each.shape[1:]), "float32" if name in self._divisors else dtype_name(each))
            for name, each in self._tensors.items()
        )

    def __len__(self) -> int:
        return self._samples

    def batch(self, indices: torch.Tensor, seed: int | None = None) -> dict[str, torch.Tensor]:
        return {name: self._divided(name, each[indices]) for name, each in self._tensors.items()}

    def values(self, field: str) -> torch.Tensor:
        return self._divided(field, self._tensors[field])

    @property
    def device(self) -> torch.device:
        return next(iter(self._tensors.values())).device

    @property
    def bytes(self) -> int:
        """How much memory all samples take, as they are kept."""
        return sum(each.numel() * each.element_size() for each in self._tensors.values())

    def to(self, device: torch.device) -> TensorSource:
        """The same samples on a device: their batches are gathered and divided there."""
        moved = TensorSource(
            {name: each.to(device) for name, each in self._tensors.items()}, self._divisors, self.fields
        )
        moved.files = self.files
        return moved

    def _divided(self, name: str, values: torch.Tensor) -> torch.Tensor:
        return values.to(torch.float32) / self._divisors[name] if name in self._divisors else values


def in_memory(arrays: Arrays) -> TensorSource:
    """What a file reader gave, as a source; the memory is shared."""
    tensors = {name: torch.from_numpy(_writable(arrays, name)) for name in arrays.values}
    return TensorSource(tensors, arrays.divisors, arrays.fields)


def dtype_name(tensor: torch.Tensor) -> str:
    """ "float32", without `torch.`."""
    return str(tensor.dtype).removeprefix("torch.")


def _writable(arrays: Arrays, name: str) -> Array:
    values = arrays.values[name]
    return values if values.flags.writeable else values.copy()


def _samples(tensors: Mapping[str, torch.Tensor]) -> int:
    """How many samples every tensor holds."""
    if not tensors:
        raise DataError("a source needs a field")
    (first, tensor), *others = tensors.items()
    for name, each in tensors.items():
        if each.dim() == 0:
            raise DataError(f"'{name}' is a single number; a tensor with a sample for each row is wanted")
    for name, each in others:
        if len(each) != len(tensor):
            raise DataError(f"'{first}' has {len(tensor)} samples, but '{name}' has {len(each)}")
    return len(tensor)
