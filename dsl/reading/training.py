"""The loss and the data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dsl.diagnostics import Fix
from dsl.reading.lasting import RunReader
from dsl.reading.measuring import MeasuringReader
from dsl.reading.weights import WeightsReader
from dsl.records import Block, Data, Loss
from dsl.tables import Table, described, is_texts, resolved


class TrainingReader(RunReader, MeasuringReader, WeightsReader):
    """All tables of a spec but its top."""

    def losses(self, top: Table) -> tuple[Loss, ...]:
        value = top.raw("loss")
        if value is None:
            return ()
        place = top.place.at("loss")
        if isinstance(value, dict):
            return (self.loss(Table(value, place, self.faults, self.scope)),)
        if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            tables = [Table(each, place.at(i), self.faults, self.scope) for i, each in enumerate(value)]
            return tuple(self.loss(table) for table in tables)
        fix = Fix(f'[loss] with type = "{value}"') if isinstance(value, str) else None
        top.wrong("loss", value, "a table or an array of tables", fix)
        return ()

    def loss(self, table: Table) -> Loss:
        factor = table.number("factor", 1.0)
        if table.has("layers"):
            name = self.name(table)
            block = self.block(table, ())
            table.close()
            return Loss(place=table.place, block=block, name=name, factor=factor)
        if not table.has("type") and not table.has("value"):
            if not self.misspelled_type(table):
                self.faults.add(table.place, "the loss has no `type`", "missing", part="key")
            return Loss(place=table.place, block=Block(place=table.place, inputs=(), layers=()))
        layer = self.layer(table)
        arguments = {key: value for key, value in layer.arguments.items() if key != "factor"}
        plain = replace(layer, name=None, arguments=arguments)
        return Loss(place=table.place, block=Block(place=table.place, inputs=(), layers=(plain,)),
                    name=layer.name, factor=factor)  # fmt: skip

    def data(self, table: Table | None) -> Data | None:
        if table is None:
            return None
        source = table.value("source", None, _is_source, "a name, a path or a table of files")
        if not table.has("source") and not table.meant("source", "validation"):
            self.faults.add(table.place, "the data has no `source`", "missing", part="key")
        validation = table.value("validation", None, _is_validation, "a part between 0 and 1, or a source")
        fields = resolved(table.raw("fields") or {}, table.place.at("fields"), self.faults, self.scope)
        if not isinstance(fields, dict):
            table.wrong("fields", table.values["fields"], "a table")
            fields = {}
        prepare = None
        if table.raw("prepare") is not None:
            layers = self.layers(table.raw("prepare"), table.place.at("prepare"))
            prepare = Block(place=table.place.at("prepare"), layers=layers)
        data = Data(
            place=table.place, source=source, validation=validation, batch_size=table.whole("batch_size", 32, 1),
            shuffle=table.truth("shuffle", True), num_workers=table.whole("num_workers", 0),
            drop_last=table.truth("drop_last", False), samples=table.whole("samples", 1000, 1),
            sizes=self.sizes(table), fields=self.fields(fields, table), prepare=prepare,
        )  # fmt: skip
        table.close()
        return data

    def sizes(self, table: Table) -> dict[str, int]:
        inner = table.table("sizes")
        return {} if inner is None else {name: inner.whole(name, 1, 1) for name in inner.values}

    def fields(self, values: dict[str, Any], table: Table) -> dict[str, Any]:
        """A declaration becomes an Input; a name of the source's, or several, stay as they are."""
        found: dict[str, Any] = {}
        for name, value in values.items():
            place = table.place.at("fields", name)
            if isinstance(value, dict):
                value = self.declared(name, Table(value, place, self.faults, self.scope))
            elif not isinstance(value, str) and not is_texts(value):
                self.faults.add(place, f"a field is the source's name for it or a declaration, not {described(value)}")
            found[name] = value
        return found


def _is_source(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, dict) and all(isinstance(v, str) for v in value.values()))


def _is_validation(value: Any) -> bool:
    return _is_source(value) or (isinstance(value, float) and 0 < value < 1)
