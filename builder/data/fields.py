"""What a source of data is: named fields, in an order, sample by sample. Imports no torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


class DataError(ValueError):
    """Something about the data that the user can mend: one plain sentence that names the file, row or field.

    meant: what the source may have been to be called, where it is a name that there is not.
    """

    meant: str | None = None


@dataclass(frozen=True, slots=True)
class FieldType:
    """One field of a sample.

    shape: without the batch dim. A name stands for a free size; only declarations for random data have them.
    dtype: as batches carry it, torch's name without `torch.`: "float32".
    low, high: every value lies in [low, high), where that is known.
    classes: the texts that the class indices stand for, where the file holds text.
    """

    name: str
    shape: tuple[int | str, ...]
    dtype: str = "float32"
    low: int | None = None
    high: int | None = None
    classes: tuple[str, ...] | None = None


class Source(ABC):
    """Samples by index. Every field of a batch has the batch as its first dim."""

    fields: tuple[FieldType, ...]

    @abstractmethod
    def __len__(self) -> int:
        """How many samples there are."""

    @abstractmethod
    def batch(self, indices: torch.Tensor, seed: int | None = None) -> dict[str, torch.Tensor]:
        """The samples at these indices (int64, one dim), field by field: (batch, *shape).

        seed: what a source that draws while it reads (augmentation) draws from, so that a batch can be had again.
        """

    @abstractmethod
    def values(self, field: str) -> torch.Tensor | None:
        """One field of all samples, (samples, *shape); None where that would mean to read every sample from a slow
        place. KeyError if there is no such field."""

    def field(self, name: str) -> FieldType:
        """The field of this name; KeyError if there is none."""
        for each in self.fields:
            if each.name == name:
                return each
        raise KeyError(name)
