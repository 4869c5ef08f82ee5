"""The batches that a spec trains on and is held against: from its own source, or from data of Python."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import torch
from torch.utils.data import IterableDataset

from builder.checking import Checked, request_of, target_of
from builder.checking.losses import COUNTS_CLASSES
from builder.data import (
    Batches,
    DataError,
    DatasetSource,
    IterableBatches,
    Request,
    Source,
    check_range,
    open_source,
    split,
)
from builder.data.datasets import samples_batched
from builder.experiment.missing import missing
from builder.experiment.residing import Reading, reading
from dsl.diagnostics import SpecError
from dsl.records import Data, Spec

FromPython: TypeAlias = "Source | IterableBatches"


def from_python(spec: Spec, data: Any) -> FromPython | None:
    """A Dataset (map-style, or iterable), or an iterable of batches; the model's inputs name its fields."""
    names = [each.name for each in spec.model.inputs or () if each.options is None]
    if data is None or isinstance(data, Source):
        return data
    if hasattr(data, "__getitem__") and hasattr(data, "__len__") and not isinstance(data, list):
        return DatasetSource(data, names)
    if isinstance(data, IterableDataset):
        said = spec.data
        data = samples_batched(data, said.batch_size if said else 32, said.num_workers if said else 0,
                               said.drop_last if said else False)  # fmt: skip
    return IterableBatches(data, names)


@dataclass(frozen=True, slots=True)
class Batching:
    """How a checked spec's samples come in batches. Raises SpecError where the data does not fit."""

    checked: Checked
    device: torch.device

    @property
    def spec(self) -> Spec:
        return self.checked.spec

    def both(self, source: FromPython | None, held: FromPython | None) -> tuple[Any, Any]:
        """The batches to train on, and those held out (None where there are none). source, held: in place of the
        spec's own."""
        if isinstance(source, IterableBatches):
            return source, held
        source = source if source is not None else self._own()
        try:
            held, train_indices, held_indices = self._held(source, held)
            self._check_targets(source)
            data, same = self.spec.data, held is source
            read = self._read(source)
            training = self._batches(read, train_indices, shuffle=data.shuffle if data else True,
                                     drop_last=data.drop_last if data else False)  # fmt: skip
            if held is None or isinstance(held, IterableBatches):
                return training, held
            return training, self._batches(read if same else self._read(held), held_indices)
        except DataError as error:
            raise self._fault(error, "source") from error

    def _read(self, source: Source) -> Reading:
        return reading(source, self.device, self.spec.data.num_workers if self.spec.data else 0)

    def _batches(self, read: Reading, indices: Any, *, shuffle: bool = False, drop_last: bool = False) -> Batches:
        return Batches(
            read.source, indices, batch_size=self.spec.data.batch_size if self.spec.data else 32, shuffle=shuffle,
            drop_last=drop_last, seed=self.spec.train.seed, num_workers=read.workers, pinned=read.pinned, lie=read.text,
        )  # fmt: skip

    def _own(self) -> Source:
        data = self._data()
        if data.source is None:
            raise missing(self.spec, "[data]", "data")
        return self._opened(request_of(self.spec, data, data.source), "source")

    def _data(self) -> Data:
        if self.spec.data is None:
            raise missing(self.spec, "[data]", "data")
        return self.spec.data

    def _held(self, source: Source, held: FromPython | None) -> tuple[FromPython | None, Any, Any]:
        """(what is held out, the indices to train on, those held out), as `validation` says."""
        chosen = self.spec.data.validation if self.spec.data is not None else None
        if held is not None or chosen is None:
            return held, None, None
        if isinstance(chosen, float):
            return source, *split(source, chosen, self._target(source))
        request = request_of(self.spec, self._data(), chosen, "validation")
        classes = {each.name: each.classes for each in source.fields if each.classes}
        return self._opened(replace(request, classes=classes), "validation"), None, None

    def _opened(self, request: Request, key: str) -> Source:
        try:
            return open_source(request)
        except DataError as error:
            raise self._fault(error, key) from error

    def _fault(self, error: DataError, key: str) -> Exception:
        if self.spec.data is None:
            return error
        return SpecError([self.spec.data.place.at(key).fault(str(error), "data")])

    def _target(self, source: Source) -> str | None:
        names = [each.name for each in source.fields]
        return target_of(self.checked.feeding, names) or ("target" if "target" in names else None)

    def _check_targets(self, source: Source) -> None:
        """Class numbers that the model does not have would crash deep inside torch."""
        target = self._target(source)
        layer = self.spec.losses[0].block.layers[0] if self.spec.losses else None
        if target is None or layer is None or layer.type not in COUNTS_CLASSES:
            return
        shape = next((node.shape for node in self.checked.model.nodes if node.role == "output"), None)
        field = source.field(target)
        prepared = self.checked.prepare is not None and target in self.checked.prepare.outputs
        if prepared or not shape or len(shape) < 2 or not isinstance(shape[1], int) or field.dtype != "int64":
            return
        ignored = int(layer.arguments.get("ignore_index", -100))
        check_range(source, target, 0, shape[1], ignored=ignored)
