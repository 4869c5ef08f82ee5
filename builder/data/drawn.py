"""Random samples, drawn one by one."""

from __future__ import annotations

import zlib

import torch

from builder.data.declared import INTEGERS
from builder.data.fields import FieldType, Source
from builder.training.seeding import mixed


class RandomSource(Source):
    """Floats from the standard normal, integers uniform in [low, high), truth values even.

    A value hangs on the seed, its field's name and its sample's index alone: not on other fields, on how many samples
    there are, on what was drawn before, nor on torch's own random state, which is left as it is. Nothing is kept, so
    any number of large samples fits into memory.
    """

    def __init__(self, fields: tuple[FieldType, ...], samples: int, seed: int) -> None:
        self.fields = fields
        self._samples = samples
        self._seed = seed

    def __len__(self) -> int:
        return self._samples

    def batch(self, indices: torch.Tensor, seed: int | None = None) -> dict[str, torch.Tensor]:
        numbers: list[int] = indices.tolist()
        return {each.name: self._drawn(each, numbers) for each in self.fields}

    def values(self, field: str) -> torch.Tensor:
        return self._drawn(self.field(field), list(range(self._samples)))

    def _drawn(self, field: FieldType, indices: list[int]) -> torch.Tensor:
        stream = zlib.crc32(field.name.encode())
        generator = torch.Generator()
        shape = [int(size) for size in field.shape]
        samples = torch.empty(len(indices), *shape, dtype=getattr(torch, field.dtype))
        for place, index in enumerate(indices):
            generator.manual_seed(mixed(self._seed, stream, index))
            _fill(samples[place], field, generator)
        return samples


def _fill(sample: torch.Tensor, field: FieldType, generator: torch.Generator) -> None:
    if field.dtype == "bool":
        sample.random_(0, 2, generator=generator)
    elif field.dtype in INTEGERS and field.low is not None and field.high is not None:
        sample.random_(field.low, field.high, generator=generator)
    else:
        sample.normal_(generator=generator)
