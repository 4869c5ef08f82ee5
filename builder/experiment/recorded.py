"""What a checkpoint keeps of the fields that the model was trained on, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from builder.data import FieldType
from builder.training import CheckpointError

KEY = "fields"  # in what a checkpoint holds for its caller


def as_data(fields: Sequence[FieldType]) -> list[dict[str, Any]]:
    return [asdict(each) for each in fields]


def recorded(about: Mapping[str, Any], name: str) -> tuple[FieldType, ...]:
    """The fields, in their order; none where the file holds weights alone. CheckpointError, with the file's name, where
    they are not what `as_data` wrote."""
    try:
        return tuple(_field(each) for each in about.get(KEY, ()))
    except (TypeError, KeyError, AttributeError) as error:
        raise CheckpointError(f"{name} does not say soundly which fields the model was trained on") from error


def _field(held: Mapping[str, Any]) -> FieldType:
    classes, columns = held["classes"], held["columns"]
    return FieldType(
        name=held["name"], shape=tuple(held["shape"]), dtype=held["dtype"], low=held["low"], high=held["high"],
        classes=None if classes is None else tuple(classes),
        columns=columns if columns is None or isinstance(columns, str) else tuple(columns),
    )  # fmt: skip
