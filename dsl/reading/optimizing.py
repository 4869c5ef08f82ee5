"""The optimizer and the course of its learning rate."""

from __future__ import annotations

from typing import Any

from dsl.diagnostics import Fix
from dsl.reading.blocks import BlockReader
from dsl.records import Group, Optimizer, Place, Scheduler
from dsl.tables import FAULTY, Table, described, is_texts, resolved


class OptimizerReader(BlockReader):
    """What a type is given stays as it is written; whether it fits is seen when the spec is held together."""

    def optimizer(self, table: Table | None) -> Optimizer | None:
        if table is None:
            return None
        kind = self.type_of(table, "optimizer")
        if kind is None:
            return None
        groups = self.groups(table.raw("groups"), table.place.at("groups"))
        return Optimizer(place=table.place, type=kind, arguments=self.rest(table, "type", "groups"), groups=groups)

    def groups(self, value: Any, place: Place) -> tuple[Group, ...]:
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            self.faults.add(place, f"`groups` is an array of tables, not {described(value)}")
            return ()
        found = (self.group_of(Table(each, place.at(i), self.faults, self.scope)) for i, each in enumerate(value))
        return tuple(each for each in found if each is not None)

    def group_of(self, table: Table) -> Group | None:
        fits = "a pattern of parameter names, or several"
        match = table.value("match", None, lambda value: isinstance(value, str) or is_texts(value), fits)
        arguments = self.rest(table, "match", "type")
        if match is None:
            if not table.has("match"):
                self.faults.add(table.place, "a group of parameters has no `match`", "missing")
            return None
        patterns = (match,) if isinstance(match, str) else tuple(match)
        return Group(place=table.place, match=patterns, arguments=arguments, type=table.text("type"))

    def schedulers(self, top: Table) -> tuple[Scheduler, ...]:
        """`[scheduler]`, or several `[[scheduler]]` that follow one another."""
        value = top.raw("scheduler")
        if value is None:
            return ()
        place = top.place.at("scheduler")
        if isinstance(value, dict):
            found = [self.scheduler(Table(value, place, self.faults, self.scope))]
        elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            tables = (Table(each, place.at(index), self.faults, self.scope) for index, each in enumerate(value))
            found = [self.scheduler(each) for each in tables]
        else:
            fix = Fix(f'[scheduler] with type = "{value}"') if isinstance(value, str) else None
            top.wrong("scheduler", value, "a table or an array of tables", fix)
            return ()
        kept = [each for each in found if each is not None]
        self.endless(kept[:-1])
        return tuple(kept)

    def endless(self, several: list[Scheduler]) -> None:
        """What is followed by another says how long it is."""
        for each in several:
            if each.steps is None:
                self.faults.add(each.place, f"{each.type} is followed by another scheduler and has no `steps`",
                                "missing", part="key", notes=("`steps` counts steps or epochs, as `every` says",),
                                fix=Fix("say how long it runs: steps = 500"))  # fmt: skip

    def scheduler(self, table: Table) -> Scheduler | None:
        kind = self.type_of(table, "scheduler")
        every = table.word("every", "", ("step", "epoch")) or None
        steps, metric = table.whole("steps", None, 1), table.text("metric")
        if kind is None:
            return None
        arguments = self.rest(table, "type", "every", "steps", "metric", "lr_lambda")
        course = table.text("lr_lambda") if "${" not in str(table.values.get("lr_lambda")) else table.raw("lr_lambda")
        arguments |= {} if course is None else {"lr_lambda": course}  # worked out at each step
        return Scheduler(place=table.place, type=kind, arguments=arguments, every=every, steps=steps, metric=metric)

    def type_of(self, table: Table, what: str) -> str | None:
        kind = table.text("type")
        if kind is None and not table.has("type") and not self.misspelled_type(table):
            self.faults.add(table.place, f"the {what} has no `type`", "missing", part="key")
        return None if kind is None else str(kind)

    def rest(self, table: Table, *own: str) -> dict[str, Any]:
        """What a type is given, its expressions worked out."""
        written = {key: value for key, value in table.values.items() if key not in own}
        found = resolved(written, table.place, self.faults, self.scope)
        return {} if found is FAULTY else dict(found)
