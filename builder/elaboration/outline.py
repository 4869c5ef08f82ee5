"""The outermost layers of a sound model in outline: what each reads and gives, so that after a change only what the
change reaches is looked at again. Where there is a doubt the answer is None, and the whole is to be checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from builder.elaboration.frame import Course, Mark
from builder.elaboration.inside import only
from builder.elaboration.outputs import result_of
from builder.elaboration.plainly import Closed, Outcome, Plain, Plainly, Row, closed, is_doubtful, texts
from builder.elaboration.sight import Seen
from builder.elaboration.whole import Elaboration, outputs_of
from builder.names import MODULE_ATTRIBUTES
from builder.shapes.call import Value
from builder.shapes.conditions import simplest
from dsl.records import Layer, Spec
from dsl.tables import Faults


@dataclass(frozen=True, kw_only=True)
class Outline:
    """rows: a plain layer or a closed one for each of `tables`, the layers as they are written. came_to: what each of
    them came to. inputs: the model's. taken: the names of entries. reader: how layers are read, and what layers of
    earlier texts came to."""

    spec: Spec
    tables: Sequence[Any]
    rows: Sequence[Row]
    came_to: Sequence[Outcome]
    inputs: Mapping[str, Seen]
    taken: frozenset[str]
    reader: Plainly

    def renewed(self, tables: Sequence[Any]) -> Outline | None:
        """The outline of the same spec with these layers, if they are sound for certain."""
        start, end = _alike_at_the_ends(self.tables, tables)
        old, rest = self.rows[start : len(self.rows) - end], self.rows[len(self.rows) - end :]
        new = [row for row in map(self.reader.plain, tables[start : len(tables) - end]) if row is not None]
        taken = self._taken(new, old)
        if taken is None or not tables or len(new) < len(tables) - end - start:
            return None
        made = replace(self, tables=tables, rows=[*self.rows[:start], *new, *rest], taken=taken)
        came_to = made._walked(self.came_to, start, end, {name for row in (*old, *new) for name in row.names})
        return replace(made, came_to=came_to) if came_to is not None else None

    @cached_property
    def outputs(self) -> dict[str, Value] | None:
        """What the model gives, by name; None where that is not certain."""
        last = Layer(place=self.spec.place, name=self.tables[-1].get("name"))
        block, faults = replace(self.spec.model, layers=(last,)), Faults()
        result = result_of(block, _Sight(self), self.seen(len(self.rows) - 1), faults)
        if faults or result is None or result.unknown:
            return None
        return {key: seen.value for key, seen in outputs_of(block, result).items()}

    @cached_property
    def conditions(self) -> list[str]:
        """What must hold of the free sizes, as of an Elaboration."""
        return simplest(text for each in dict.fromkeys(self.came_to) for text in each.conditions)

    @cached_property
    def at(self) -> dict[str, int]:
        """Which row each name stands for."""
        return {name: index for index, row in enumerate(self.rows) for name in row.names}

    def _taken(self, new: Sequence[Plain], old: Sequence[Row]) -> frozenset[str] | None:
        """The names of entries, once some layers have taken the place of others; None where one will not do."""
        gone = {name for row in old for name in row.names}
        names = [row.name for row in new if row.name is not None]
        if not gone and not names:
            return self.taken
        taken = self.taken - gone
        barred = {*self.spec.vars, *self.inputs, *MODULE_ATTRIBUTES, *taken}
        if len(set(names)) < len(names) or not barred.isdisjoint(names) or any(each[:2] == "__" for each in names):
            return None
        return taken.union(names)

    def _walked(self, before: Sequence[Outcome], start: int, end: int, changed: set[str]) -> list[Outcome] | None:
        """What the rows come to; None where one of them is not sound for certain.

        before: what those of the earlier text came to, of which `start` at the beginning and `end` at the end are the
        same. changed: names that may mean another thing now.
        """
        found, till = [*before[:start]], len(self.rows) - end
        earlier = before[len(before) - end - 1] if end < len(before) else None
        for index in range(start, len(self.rows)):
            row, old = self.rows[index], before[index - len(self.rows)] if index >= till else None
            if index >= till and _alike(found[-1] if found else None, earlier) and not self._reads(row, changed):
                now = old
            elif isinstance(row, Plain):
                now = row.kind.settled(self._feed(row, index, found))
            else:
                return None
            if now is None:
                return None
            if now is not old:
                changed.update(row.names)
            found.append(now)
            earlier = old if index >= till else earlier
        return found

    @staticmethod
    def _reads(row: Row, changed: set[str]) -> bool:
        """Whether a row may read one of these names."""
        if isinstance(row, Closed):
            return row.doubtful or not changed.isdisjoint(row.words)
        return row.reads is not None and not changed.isdisjoint(row.reads)

    def _feed(self, row: Plain, index: int, found: Sequence[Outcome]) -> tuple[Value, ...]:
        """What a plain row is fed; None among it where there is nothing of that name before it."""
        if row.reads is None:
            return (found[-1].value if found else _value(only(self.inputs)),)
        return tuple(self._value(name, index, found) for name in row.reads)

    def _value(self, name: str, index: int, found: Sequence[Outcome]) -> Value:
        at = self.at.get(name)
        if at is None:
            return _value(self.inputs.get(name))
        came_to = found[at] if at < index else None
        return _value(came_to.seens[name]) if isinstance(came_to, Closed) else came_to.value if came_to else None

    def seen(self, index: int, name: str = "") -> Seen | None:
        """What a row gives, as the outputs see it."""
        came_to = self.came_to[index]
        if isinstance(came_to, Closed):
            return came_to.seens[name] if name else came_to.seen
        return Seen(came_to.value, {"from": name}, name, parameters=came_to.owned)


class _Sight(Mapping[str, Seen]):
    """What the outputs of a model may name."""

    def __init__(self, outline: Outline) -> None:
        self.outline = outline

    def __getitem__(self, name: str) -> Seen:
        at = self.outline.at.get(name)
        seen = self.outline.inputs.get(name) if at is None else self.outline.seen(at, name)
        if seen is None:
            raise KeyError(name)
        return seen

    def __iter__(self) -> Iterator[str]:
        return iter({**self.outline.inputs, **self.outline.at})

    def __len__(self) -> int:
        return len(self.outline.inputs) + len(self.outline.at)


def outline_of(spec: Spec, model: Elaboration, tables: Sequence[Any]) -> Outline | None:
    """The outline of a sound model; None where its layers hang on each other in further ways."""
    course, inputs = model.course, spec.model.inputs or ()
    if course is None or spec.model.init is not None or any(each.options for each in inputs):
        return None
    if any(is_doubtful(key, text) for key, text in texts({"outputs": spec.model.outputs})):
        return None
    fed = {each.name: course.frame.scope[each.name] for each in inputs}
    made = Outline(spec=spec, tables=tables, rows=[], came_to=[], inputs=fed, reader=Plainly(spec),
                   taken=frozenset(course.frame.entries.names))  # fmt: skip
    found = _rows(made, course)
    return replace(made, rows=found[0], came_to=found[1]) if found is not None else None


def _rows(outline: Outline, course: Course) -> tuple[list[Row], list[Outcome]] | None:
    """The rows of a model that has been walked, and what they came to."""
    scope, inputs = course.frame.scope, outline.inputs
    names, before = list(scope), Mark(only(inputs), len(inputs), 0)
    rows: list[Row] = []
    came_to: list[Outcome] = []
    for table, mark in zip(outline.tables, course.marks, strict=True):
        row: Row | None = outline.reader.plain(table)
        outcome: Outcome | None = None
        if isinstance(row, Plain):
            fed = [before.seen] if row.reads is None else [scope.get(name) for name in row.reads]
            outcome = row.kind.settled(tuple(map(_value, fed)))
        if row is None or outcome is None or outcome.value != _value(mark.seen) or mark.names != before.names + 1:
            new = [name for name in names[before.names : mark.names] if not name.isdigit()]
            made = closed(table, outline.spec.vars, seens={name: scope[name] for name in new}, seen=mark.seen,
                                   conditions=course.conditions[before.conditions : mark.conditions])  # fmt: skip
            name = table.get("name")
            if "when" in made.words and (name == "" or (name is not None and mark.names == before.names)):
                return None  # a name may stand for several layers, of which one is there
            row = outcome = made
        rows.append(row)
        came_to.append(outcome)
        before = mark
    return rows, came_to


def _alike(one: Outcome | None, other: Outcome | None) -> bool:
    """Whether the next layer is fed the same."""
    return one is other or (
        one is not None and other is not None and one.value == other.value and one.owned == other.owned
    )


def _alike_at_the_ends(one: Sequence[Any], other: Sequence[Any]) -> tuple[int, int]:
    """How many layers at the beginning of both are the same, and how many of the others at the end."""
    most = min(len(one), len(other))
    start = next((at for at in range(most) if not _same(one[at], other[at])), most)
    return start, next((at for at in range(most - start) if not _same(one[-1 - at], other[-1 - at])), most - start)


def _same(one: Any, other: Any) -> bool:
    """Whether two values are written alike: 1 is neither 1.0 nor true, as it is to Python."""
    return one == other and _classes(one) == _classes(other)


def _classes(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    found: list[Any] = [each.__class__ for each in inner]
    if dict in found or list in found:
        found += map(_classes, inner)
    return found


def _value(seen: Seen | None) -> Value:
    return seen.value if seen is not None else None
