"""New data for a trained model: which fields it must have, and what of it is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from builder.checking import Checked
from builder.data import FieldType, Request, Source, is_idx, is_table, open_source
from builder.lint.reads import reads_of
from dsl.records import Data, Input


def needed(checked: Checked) -> list[str]:
    """The source's fields that the model's inputs come from, through `prepare` where it makes them."""
    made = checked.prepare
    if made is None:
        return list(dict.fromkeys(checked.feeding.values()))
    nodes = {node.name: node for node in made.nodes}
    waiting = [f"outputs.{each}" if f"outputs.{each}" in nodes else f"inputs.{each}"
               for each in checked.feeding.values()]  # fmt: skip
    seen: dict[str, None] = {}
    while waiting:
        name = waiting.pop()
        if name not in seen and name in nodes:
            seen[name] = None
            waiting += [read.source for read in reads_of(nodes[name])]
    return [each.name for each in checked.fields or () if f"inputs.{each.name}" in seen]


def opened(request: Request, trained: Sequence[FieldType], names: Sequence[str], data: Data | None) -> Source:
    """The fields of these names from new data, under the names that they had in training. DataError where it lacks one.

    Columns, and the numbers of classes that are text, are those of the training data.
    """
    wanted = [each for each in trained if each.name in names]
    classes = {each.name: each.classes for each in wanted if each.classes}
    if len(names) == 1 and is_idx(request):  # a file of images needs none of labels beside it
        request = replace(request, source={names[0]: request.text})
    source = open_source(replace(request, fields=_mapping(request, wanted, data), classes=classes))
    there = [each.name for each in source.fields]
    if len(names) == 1 and names[0] not in there:  # a single one takes the first field, whatever its name
        return Renamed(source, {there[0]: names[0]})
    return source


def _mapping(request: Request, wanted: Sequence[FieldType], data: Data | None) -> Mapping[str, Any] | None:
    """The new data's names of the fields: columns as in training; else as the spec says them of data of its kind."""
    if is_table(request):
        columns = {each.name: each.columns for each in wanted if each.columns is not None}
        return columns if len(columns) == len(wanted) else None
    said = {} if data is None else {name: each for name, each in data.fields.items() if not isinstance(each, Input)}
    names = {each.name: said[each.name] for each in wanted if isinstance(said.get(each.name), str)}
    return names if len(names) == len(wanted) else None


class Renamed(Source):
    """A source whose fields are called otherwise; those that are not named are left out."""

    def __init__(self, source: Source, names: Mapping[str, str]) -> None:
        self._source = source
        self._names = dict(names)
        self.files = source.files
        self.fields = tuple(replace(each, name=names[each.name]) for each in source.fields if each.name in names)

    def __len__(self) -> int:
        return len(self._source)

    def batch(self, indices: Any, seed: int | None = None) -> dict[str, Any]:
        found = self._source.batch(indices, seed)
        return {ours: found[theirs] for theirs, ours in self._names.items()}

    def values(self, field: str) -> Any:
        return self._source.values(next(theirs for theirs, ours in self._names.items() if ours == field))
