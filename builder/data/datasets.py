"""Data from Python: a torch Dataset, or an iterable of finished batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from contextlib import suppress
from itertools import islice
from typing import Any

import torch
from torch.utils.data import DataLoader, IterableDataset

from builder.data.fields import DataError, FieldType, Source
from builder.data.items import drawing_from, named, tensor
from builder.data.memory import dtype_name


class DatasetSource(Source):
    """A map-style Dataset: anything with `len()` and `[index]`, whose items are dicts, tuples, lists or tensors.

    names: what the parts of a tuple are called, in order (`builder.data.items.named` has the rule): the model's inputs;
    one part more is `target`. The fields are those of the first item. What the Dataset draws at random hangs on the
    batch's seed, so it is the same in a resumed run and with any number of workers.
    """

    def __init__(self, dataset: Any, names: Sequence[str] = ()) -> None:
        if not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
            raise DataError(f"{type(dataset).__name__} has no len() and [index]; give a DataLoader of it instead")
        self._dataset = dataset
        self._names = tuple(names)
        if len(self) == 0:
            raise DataError("the dataset holds no samples")
        with drawing_from(0):
            first = self._item(0)
        self.fields = tuple(FieldType(name, tuple(each.shape), dtype_name(each)) for name, each in first.items())

    def __len__(self) -> int:
        return len(self._dataset)

    def batch(self, indices: torch.Tensor, seed: int | None = None) -> dict[str, torch.Tensor]:
        numbers: list[int] = indices.tolist()
        with drawing_from(seed):
            items = [self._item(index) for index in numbers]
        return {each.name: _stacked(each.name, items, numbers) for each in self.fields}

    def values(self, field: str) -> None:
        """None: the Dataset may read every sample from a disk."""
        self.field(field)

    def _item(self, index: int) -> dict[str, torch.Tensor]:
        what = f"sample {index} of the dataset"
        try:
            item = self._dataset[index]
        except Exception as error:  # somebody's own code: whatever it raises, the sample must be named
            raise DataError(f"{what} cannot be read: {type(error).__name__}: {error}") from error
        return {name: tensor(value, name, what) for name, value in named(item, self._names, what).items()}


class IterableBatches:
    """Finished batches from Python, such as a DataLoader, a list or a generator: what training reads, as `Batches` is.

    The batches' order is the giver's own: a resumed run is exact only if it hangs on nothing but torch's own random
    numbers. The fields are those of the first batch.
    """

    lie = "as they come"

    def __init__(self, batches: Iterable[Any], names: Sequence[str] = ()) -> None:
        self._batches = (
            list(batches) if isinstance(batches, Iterator) else batches
        )  # what can be had once alone is kept
        self._names = tuple(names)
        self._count = _count(self._batches)
        if len(self) == 0:
            raise DataError("there are no batches")
        with drawing_from(0):
            first = next(self.epoch(1))
        self._size = len(next(iter(first.values())))
        self.fields = tuple(FieldType(name, tuple(each.shape[1:]), dtype_name(each)) for name, each in first.items())

    def __len__(self) -> int:
        return self._count

    @property
    def samples(self) -> int:
        """Samples in an epoch, were every batch as large as the first."""
        return len(self) * self._size

    def epoch(self, number: int, start: int = 0) -> Iterator[dict[str, torch.Tensor]]:
        """The batches from the one at index `start` on; `number` is the giver's business."""
        for place, batch in enumerate(islice(self._batches, start, None), start):
            yield _checked(batch, self._names, f"batch {place}")


def _count(batches: Iterable[Any]) -> int:
    """How many there are: what they say, else what one pass finds (a DataLoader of an IterableDataset has no len)."""
    if isinstance(batches, Sized):
        with suppress(TypeError):
            return len(batches)
    with drawing_from(0):
        return sum(1 for _ in batches)


def samples_batched(samples: IterableDataset[Any], batch_size: int, workers: int, drop_last: bool) -> Iterable[Any]:
    """An IterableDataset gives samples, in its own order: they are put together in batches, read by processes where
    there are any. With several each must give a part of its own (`torch.utils.data.get_worker_info`)."""
    own = torch.Generator()  # or the loader would draw from torch's own, which is training's
    return DataLoader(samples, batch_size=batch_size, num_workers=workers, drop_last=drop_last, generator=own)


def _checked(batch: object, names: Sequence[str], what: str) -> dict[str, torch.Tensor]:
    """The batch's tensors by name, all of as many samples."""
    made = {name: tensor(value, name, what) for name, value in named(batch, names, what).items()}
    sizes = {name: tuple(each.shape[:1]) for name, each in made.items()}
    if len(set(sizes.values())) != 1 or () in sizes.values():
        raise DataError(f"{what} has fields of different lengths: {', '.join(f'{n} {s}' for n, s in sizes.items())}")
    return made


def _stacked(name: str, items: list[dict[str, torch.Tensor]], indices: list[int]) -> torch.Tensor:
    for item, index in zip(items, indices, strict=True):
        if name not in item:
            raise DataError(f"sample {index} of the dataset has no '{name}', which sample 0 has")
        if item[name].shape != items[0][name].shape:
            raise DataError(
                f"'{name}' is {tuple(item[name].shape)} in sample {index} of the dataset, but "
                f"{tuple(items[0][name].shape)} in sample {indices[0]}; "
                "a DataLoader with a collate_fn of your own can bring them to one shape"
            )
    return torch.stack([item[name] for item in items])
