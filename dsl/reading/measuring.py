"""The metrics."""

from __future__ import annotations

from typing import Any

from dsl.reading.blocks import BlockReader
from dsl.records import Metric
from dsl.tables import FAULTY, Table, described, resolved


class MeasuringReader(BlockReader):
    """`[metrics]`: by name what the outputs are measured by."""

    def metrics(self, table: Table | None) -> tuple[Metric, ...]:
        if table is None:
            return ()
        found = []
        for name in table.values:
            value, place = table.raw(name), table.place.at(name)
            if not name.isidentifier():
                self.faults.add(place, f"a metric's name has letters, digits and `_`, unlike `{name}`", "name",
                                part="key")  # fmt: skip
            elif not isinstance(value, dict):
                self.faults.add(place, f'a metric is a table such as {{ type = "F1Score" }}, not {described(value)}')
            else:
                found.append(self.metric(name, Table(value, place, self.faults, self.scope)))
        return tuple(each for each in found if each is not None)

    def metric(self, name: str, table: Table) -> Metric | None:
        kind = table.text("type")
        if not table.has("type") and not self.misspelled_type(table):
            self.faults.add(table.place, "the metric has no `type`", "missing", part="key")
        reads: Any = table.value("input", None, _are_names, "an array of names")
        rest = {key: value for key, value in table.values.items() if key not in ("type", "input")}
        arguments = resolved(rest, table.place, self.faults, self.scope)
        if kind is None or arguments is FAULTY:
            return None
        return Metric(place=table.place, name=name, type=kind, arguments=arguments,
                      input=None if reads is None else tuple(reads))  # fmt: skip


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, str) for each in value)
