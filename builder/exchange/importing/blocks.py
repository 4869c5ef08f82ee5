"""Groups in a form of their own: what each reads is an entry of the same block, or one of its inputs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from builder.exchange.importing.errors import ImportingError, SizeError
from builder.exchange.importing.groups import Entry, Group, made
from builder.exchange.importing.holding import Holding
from builder.exchange.importing.sizes import Dim, Formula, formula
from builder.exchange.importing.steps import Step
from builder.exchange.importing.values import Known, Ref, Vary, leaves, mapped, refs


@dataclass(frozen=True, slots=True)
class Read:
    """What an entry reads: the entry at `at`, or below 0 the input at -1 - at. pick: one of several results, or a
    parameter of it."""

    at: int
    pick: tuple[int | str, ...] = ()


@dataclass(frozen=True, slots=True)
class Size:
    """A size that is not fixed: Python's text with `_0_.shape[1]` for the reads."""

    text: str
    reads: tuple[Read, ...]


@dataclass(slots=True, eq=False)
class Layer:
    """An entry of a block. name: in the state dict, else None; "" adds no level. block: what it holds, where it is a
    group. hint: the variable that took its result. feed, named, arguments, operands: as of a step, with `Read`s."""

    name: str | None
    type: str
    feed: list[Any] = field(default_factory=list)
    named: dict[str, Any] = field(default_factory=dict)
    arguments: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    operands: list[Any] = field(default_factory=list)
    block: Block | None = None
    hint: str = ""
    ties: dict[str, str] = field(default_factory=dict)
    share: str = ""
    when: Any = None
    repeat: int = 0
    path: str = ""
    shape: Any = None


@dataclass(slots=True, eq=False)
class Block:
    """inputs: names for what it reads from outside, `shapes` their shapes. outputs: what it gives."""

    kind: str
    path: str
    inputs: list[str] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)
    outputs: list[Read] = field(default_factory=list)
    shapes: list[Any] = field(default_factory=list)


@dataclass(slots=True)
class Making:
    """known: of tensors. holding: parameters that modules have. model: refs of the model's own inputs, by name."""

    known: list[Known]
    holding: Holding
    model: Mapping[str, Ref]

    def whole(self, group: Group, results: Sequence[Ref]) -> Block:
        """The whole model, whose inputs are all there whether or not they are read."""
        _sized(group, self, [], list(self.model.values()))
        return self.block(group, list(self.model.values()), list(results), list(self.model))

    def block(self, group: Group, inputs: list[Ref], outputs: list[Ref], names: list[str]) -> Block:
        block = Block(group.kind, group.path, names, shapes=[self.known[ref.number].shape if ref.number >= 0 else ()
                                                             for ref in inputs])  # fmt: skip
        sight: dict[Ref, Read] = {ref: Read(-1 - at) for at, ref in enumerate(inputs)}
        for at, (name, entry) in enumerate(group.entries):
            needed = set(outputs) | {ref for _, each in group.entries[at + 1 :] for ref in self.reads(each)}
            block.layers.append(self.layer(name, entry, sight, needed, at))
        block.outputs = [sight[each] for each in outputs]
        return block

    def layer(self, name: str | None, entry: Entry, sight: dict[Ref, Read], needed: set[Ref], at: int) -> Layer:
        if isinstance(entry, Step):
            layer = self.step(name, entry, sight)
            _see(sight, entry.result, Read(at))
            for ref, (owner, word) in self.holding.owned.items():
                if owner is entry:
                    sight[ref] = Read(at, (word,))
            return layer
        inputs = self.outer(entry)
        outputs = [ref for ref in dict.fromkeys([*refs(entry.result), *made(entry), *self._owned(entry)])
                   if ref in needed and (ref in made(entry) or ref in self._owned(entry))]  # fmt: skip
        if not outputs:
            outputs = made(entry)[-1:]
        hint = entry.spot.variable if entry.spot is not None else ""
        layer = Layer(name, "group", [self._seen(ref, sight, entry) for ref in inputs], hint=hint, path=entry.path)
        layer.block = self.block(entry, inputs, outputs, self._names(entry, inputs))
        layer.share = entry.path if entry.again else ""
        for number, ref in enumerate(outputs):
            sight[ref] = Read(at, (number,) if len(outputs) > 1 else ())
        layer.shape = [self.known[ref.number].shape for ref in outputs if ref.number >= 0]
        return layer

    def step(self, name: str | None, entry: Step, sight: Mapping[Ref, Read]) -> Layer:
        def seen(value: Any) -> Any:
            if isinstance(value, Ref):
                return self._seen(value, sight, entry)
            if isinstance(value, Formula):
                return Size(value.text, tuple(self._seen(each.of, sight, entry) for each in value.dims))
            return value

        hint = entry.spot.variable if entry.spot is not None else ""
        layer = Layer(name, entry.type, mapped(entry.feed, seen), mapped(entry.named, seen),
                      mapped(entry.arguments, seen), entry.text, mapped(entry.operands, seen), hint=hint,
                      share=str(entry.path) if entry.again else "", path=entry.path or "")  # fmt: skip
        shapes = [self.known[ref.number].shape for ref in refs(entry.result) if ref.number >= 0]
        layer.shape = shapes
        return layer

    def _seen(self, ref: Ref, sight: Mapping[Ref, Read], entry: Entry) -> Read:
        if ref not in sight:
            where = entry.path if isinstance(entry, Group) else str(entry.spot)
            raise ImportingError(f"{where}: it reads a tensor whose maker the record does not show")
        return sight[ref]

    def _owned(self, entry: Entry) -> list[Ref]:
        if isinstance(entry, Step):
            return [ref for ref, (owner, _) in self.holding.owned.items() if owner is entry]
        return [ref for _, each in entry.entries for ref in self._owned(each)]

    def outer(self, group: Group) -> list[Ref]:
        """What a group reads from outside: first what its `forward` is handed, in that order."""
        inside = {*made(group), *self._owned(group)}
        read = [ref for ref in self.reads(group) if ref not in inside]
        order = [ref for each in group.args.values() for ref in refs(each) if ref in read]
        return list(dict.fromkeys([*order, *read]))

    def reads(self, entry: Entry) -> list[Ref]:
        if isinstance(entry, Step):
            found = entry.reads()
            for each in leaves([entry.feed, entry.named, entry.arguments, entry.operands]):
                if isinstance(each, Formula):
                    found += [dim.of for dim in each.dims]
            return list(dict.fromkeys(found))
        return list(dict.fromkeys(ref for _, each in entry.entries for ref in self.reads(each)))

    def _names(self, group: Group, inputs: Sequence[Ref]) -> list[str]:
        found: list[str] = []
        for ref in inputs:
            name = next((key for key, value in group.args.items() if value == ref), "")
            name = name or next((key for key, value in group.args.items() if ref in refs(value)), "")
            name = name or next((key for key, value in self.model.items() if value == ref), "") or "x"
            name = "x" if name in ("self", "input") or not re.fullmatch(r"[A-Za-z]\w*", name) else name
            while name in found:
                name = f"{name.rstrip('0123456789')}{int(name[len(name.rstrip('0123456789')) :] or 1) + 1}"
            found.append(name)
        return found


def _see(sight: dict[Ref, Read], result: Any, read: Read) -> None:
    """Each tensor of a result under its pick."""
    if isinstance(result, Ref):
        sight[result] = read
    elif isinstance(result, (list, tuple)):
        fields: Iterable[Any] = getattr(result, "_fields", range(len(result)))
        for at, each in zip(fields, result, strict=True):
            _see(sight, each, Read(read.at, (*read.pick, at)))
    elif isinstance(result, dict):
        for key, each in result.items():
            _see(sight, each, Read(read.at, (*read.pick, key)))


# Sizes


def _sized(group: Group, making: Making, before: list[Ref], last: list[Ref]) -> None:
    """Numbers that vary become sizes of tensors in sight: of what the layer reads, else of what the group does."""
    outer = making.outer(group)
    here: list[Ref] = []
    for _, entry in group.entries:
        if isinstance(entry, Group):
            _sized(entry, making, [*outer, *here, *before], last)
        else:
            _size(entry, making, [*entry.reads(), *outer, *here, *last, *before])
        here += made(entry)


def _size(step: Step, making: Making, sight: Sequence[Ref]) -> None:
    dims: list[Dim] = []

    def found(value: Any) -> Any:
        if not isinstance(value, Vary):
            return value
        if not dims:
            dims.extend(Dim(ref, at, size) for ref in dict.fromkeys(sight) if ref.number >= 0
                        for at, size in enumerate(making.known[ref.number].shape))  # fmt: skip
        form = formula(value, dims)
        if form is None:
            raise SizeError(f"{step.spot}: a number hangs on the sizes of the inputs in a way that was not found "
                                 f"({', '.join(map(str, value.values))})")  # fmt: skip
        return Formula(
            re.sub(r"_(\d+)_", lambda at: f"_{at[1]}_.shape[{form.dims[int(at[1])].dim}]", form.text), form.dims
        )

    step.arguments, step.feed = mapped(step.arguments, found), mapped(step.feed, found)
    step.operands = mapped(step.operands, found)
