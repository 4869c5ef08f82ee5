"""Images that are read from the disk when a batch asks for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from builder.data.arrays import picked_fields
from builder.data.fields import FieldType, Source
from builder.data.folders import Folder
from builder.data.pictures import Shape, pixels


class ImageSource(Source):
    """The images of a folder, each read anew for every batch: in worker processes where `num_workers` says so."""

    def __init__(
        self, folder: Folder, shape: Shape, fields: tuple[FieldType, ...],
        mapping: Mapping[str, str | Sequence[str]] | None, *, resized: bool,
    ) -> None:  # fmt: skip
        self._files = folder.files
        self._targets = torch.tensor(folder.targets, dtype=torch.int64)
        self._shape = shape
        self._resized = resized
        self._image = fields[0].name
        chosen = mapping or {each.name: each.name for each in fields}
        self._from = {ours: str(theirs) for ours, theirs in chosen.items()}
        self.fields = picked_fields(fields, mapping)
        self.files = tuple(str(each) for each in folder.files)

    def __len__(self) -> int:
        return len(self._files)

    def batch(self, indices: torch.Tensor, seed: int | None = None) -> dict[str, torch.Tensor]:
        images = torch.stack([self._read(index) for index in indices.tolist()]).to(torch.float32) / 255
        return {
            each.name: images if self._from[each.name] == self._image else self._targets[indices]
            for each in self.fields
        }

    def values(self, field: str) -> torch.Tensor | None:
        self.field(field)
        return None if self._from[field] == self._image else self._targets

    def _read(self, index: int) -> torch.Tensor:
        return torch.from_numpy(pixels(self._files[index], self._shape, f" (sample {index})", resized=self._resized))
