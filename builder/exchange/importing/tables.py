"""Definitions become the tables of a spec: names where something refers to them, the rest left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from builder.exchange.importing.blocks import Block, Layer, Read, Size
from builder.exchange.importing.definitions import Definition, Definitions, Slot, is_literal
from builder.exchange.importing.errors import ImportingError
from builder.exchange.importing.leaving_out import (
    is_default,
    is_fed_once,
    must_say,
    reads_first,
    toml,
    without_defaults,
)
from builder.exchange.importing.naming import TAKEN, ClashError, Level, Naming
from builder.exchange.importing.runs import collapsed, repeated
from builder.exchange.importing.values import leaves, mapped
from dsl.keys import LAYER


@dataclass(slots=True, eq=False)
class Tables(Naming):
    """Writes one definition after the other. params: of the block that is being written: slot -> what stands there."""

    definitions: Definitions = field(kw_only=True)
    ties: Mapping[str, str] = field(default_factory=dict)  # keys of the state dict: which one has the tensor of which
    shared: frozenset[str] = frozenset()  # paths of modules that are called again
    params: dict[Slot, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.shared = frozenset(_shared(self.definitions.whole.block))

    def blocks(self) -> dict[str, dict[str, Any]]:
        """`[blocks.NAME]` by name, inner ones first."""
        found: dict[str, dict[str, Any]] = {}
        for definition in dict.fromkeys(self.definitions.of.values()):
            if definition.named:
                found[definition.named] = self.block(definition)
        return found

    def block(self, definition: Definition) -> dict[str, Any]:
        block = definition.block
        self.params = {slot: f"${{{name}}}" for name, slots in definition.params.items() for slot in slots}
        self.params |= definition.worked_out
        needed = [name for name in definition.params if name not in definition.defaults]
        table: dict[str, Any] = {"params": needed} if needed else {}
        if definition.defaults:
            table["defaults"] = toml(definition.defaults)
        self._begin(block, definition.params)
        inputs = self._own_names(block.inputs)
        if inputs != ["x"]:
            table["inputs"] = inputs
        level = Level(block, self._names(block), None, inputs)
        return {**table, **self._body(level, ())}

    def model(self, *, told: bool = False) -> dict[str, Any]:
        """`[model]`. told: its outputs are told where they could be left out too."""
        block = self.definitions.whole.block
        self.params = {}
        self._begin(block, {})
        level = Level(block, self._names(block), None, list(block.inputs))
        return self._body(level, (), told=told)

    def _begin(self, block: Block, params: Mapping[str, Any]) -> None:
        self.taken = {*params, *block.inputs, *_fixed(block, self.definitions), *TAKEN}

    def _own_names(self, wanted: Sequence[str]) -> list[str]:
        """Names of inputs; one that a layer of the block has gets a number."""
        return list(wanted)

    # Layers

    def _body(self, level: Level, slot: Slot, *, told: bool = False) -> dict[str, Any]:
        tables = []
        for at, layer in enumerate(level.block.layers):
            level.at = at
            tables.append(self._layer(layer, level, (*slot, at)))
        outputs = self._outputs(level, told)
        tables = [{**({"name": name} if name is not None else {}), **table}
                  for table, name in zip(tables, level.names, strict=True)]  # fmt: skip
        kinds = {each.named: each for each in self.definitions.of.values() if each.named}
        tables = [without_defaults(collapsed(each), kinds) for each in repeated(tables, kinds, outputs)]
        return {"layers": tables, **({"outputs": outputs} if outputs is not None else {})}

    def _outputs(self, level: Level, told: bool) -> Any:
        outputs, last = level.block.outputs, len(level.block.layers) - 1
        if last == 0 and level.block.layers[0].name == "" and level.around is None:
            return None  # the model is one module of torch.nn, and gives what that gives
        if outputs == [Read(last)] and not told:
            return None
        found = [self._reference(each, level) for each in outputs]
        return found[0] if len(found) == 1 else found

    def _layer(self, layer: Layer, level: Level, slot: Slot) -> dict[str, Any]:
        table = self._untied(layer, level, slot)
        ties = self._ties(layer, level)
        return {**table, "tie": ties} if ties else table

    def _ties(self, layer: Layer, level: Level) -> dict[str, str]:
        """Of the keys in a layer those that have the tensor of one outside it, but in the same block."""
        here = f"{level.block.path}." if level.block.path else ""
        if not layer.path or layer.share or layer.path == level.block.path:
            return {}
        below = f"{layer.path}."
        return {key.removeprefix(below): other.removeprefix(here) for key, other in self.ties.items()
                if key.startswith(below) and other.startswith(here) and not other.startswith(below)}  # fmt: skip

    def _untied(self, layer: Layer, level: Level, slot: Slot) -> dict[str, Any]:
        table: dict[str, Any] = {"name": ""} if layer.name == "" else {}
        if layer.share:
            return {**table, "share": self._shared(layer, level), **self._fed(layer, level)}
        if layer.block is not None:
            return {**table, **self._group(layer, level, slot)}
        if layer.type == "value":
            return {**table, "value": f"${{{self._text(layer.text, layer.operands, level)}}}"}
        table["type"] = layer.type
        table |= self._fed(layer, level)
        for key, value in layer.arguments.items():
            self._put(table, key, self._argument(layer, key, value, level, (*slot, key)))
        return table

    def _put(self, table: dict[str, Any], key: str, value: Any) -> None:
        if value is _DEFAULT:
            return
        if key in LAYER and not (table.get("type") in ("Parameter", "Buffer") and key == "init"):
            table.setdefault("args", {})[key] = value
        else:
            table[key] = value

    def _argument(self, layer: Layer, key: str, value: Any, level: Level, slot: Slot) -> Any:
        if slot in self.params:
            return self.params[slot]
        if is_literal(value) or value is None or isinstance(value, str):
            return _DEFAULT if is_default(layer, key, value) else "${none}" if value is None else toml(value)

        def said(each: Any) -> Any:
            if isinstance(each, Size):
                return f"${{{self._size(each, level)}}}"
            if isinstance(each, Read):
                return self._reference(each, level)
            return "${none}" if each is None else each

        return toml(mapped(value, said))

    def _fed(self, layer: Layer, level: Level) -> dict[str, Any]:
        if layer.named:
            return {"input": {key: self._fed_value(value, level) for key, value in layer.named.items()}}
        feed = layer.feed
        if not feed:
            return {}
        if len(feed) == 1 and isinstance(feed[0], Read) and self._is_before(feed[0], level) and not must_say(layer):
            return {}
        if len(feed) == 1 and isinstance(feed[0], list):
            return {"input": [self._nested(each, level) for each in feed[0]]}
        found = [self._nested(each, level) for each in feed]
        return {"input": found[0] if len(found) == 1 else found}

    def _fed_value(self, value: Any, level: Level) -> Any:
        if isinstance(value, (Read, list)) and all(isinstance(each, Read) for each in leaves(value)):
            return self._nested(value, level)
        return "${none}" if value is None else value

    def _nested(self, value: Any, level: Level) -> Any:
        if isinstance(value, (list, tuple)):
            return [self._nested(each, level) for each in value]
        return self._reference(value, level)

    def _is_before(self, read: Read, level: Level) -> bool:
        """Whether it is what a layer reads that says nothing."""
        if level.at:
            return read == Read(level.at - 1)
        if level.inputs is not None:
            return read == Read(-1) and len(level.inputs) == 1
        return len(level.feed) == 1 and read == Read(-1)

    # Groups

    def _group(self, layer: Layer, level: Level, slot: Slot) -> dict[str, Any]:
        block = layer.block
        assert block is not None
        definition = self.definitions.of[id(block)]
        if definition.named:
            table: dict[str, Any] = {"type": definition.named, **self._fed(layer, level)}
            values = self.definitions.flat(block)
            for name, slots in definition.params.items():
                inner = (*slot, name)
                table[name] = self.params[inner] if inner in self.params else toml(values[slots[0]])
            return table
        taken = set(self.taken)
        try:
            return self._seeing(layer, block, level, slot)
        except ClashError:
            self.taken = taken | {name for name in _all_names(level) if name}
            return self._apart(layer, block, level, slot)

    def _seeing(self, layer: Layer, block: Block, level: Level, slot: Slot) -> dict[str, Any]:
        """A group that sees the names around it, unless it is called again, where other names are around."""
        if layer.path in self.shared and not is_fed_once(block):
            raise ClashError
        inner = Level(block, self._names(block), level, None, layer.feed)
        body = self._body(inner, slot)
        first = layer.feed[0] if len(layer.feed) == 1 else None
        fed = {}
        if first is not None and not self._is_before(first, level) and reads_first(block):
            fed = {"input": self._reference(first, level)}
        return {**fed, **body}

    def _apart(self, layer: Layer, block: Block, level: Level, slot: Slot) -> dict[str, Any]:
        """A group with inputs of its own."""
        names = []
        for each in block.inputs:
            name, number = each, 1
            while name in self.taken or name in names:
                number += 1
                name = f"{each}{number}"
            names.append(name)
        self.taken |= set(names)
        inner = Level(block, self._names(block), level, names, layer.feed)
        fed = self._fed(layer, level)
        return {**fed, "inputs": names, **self._body(inner, slot)}

    def _shared(self, layer: Layer, level: Level) -> str:
        """The way to an earlier module from what is in sight."""
        around: Level | None = level
        while around is not None:
            prefix = f"{around.block.path}." if around.block.path else ""
            if layer.share.startswith(prefix):
                head = layer.share.removeprefix(prefix)
                if any(
                    each.path == layer.share or layer.share.startswith(f"{each.path}.") for each in around.block.layers
                ):
                    return head
            around = around.around
        raise ImportingError(f"{layer.share} is called a second time where it is out of sight: a spec cannot say this")


_DEFAULT: Final = object()


def _shared(block: Block) -> Iterator[str]:
    for layer in block.layers:
        if layer.share:
            yield layer.share
        if layer.block is not None:
            yield from _shared(layer.block)


def _all_names(level: Level | None) -> Iterator[str | None]:
    while level is not None:
        yield from level.names
        level = level.around


def _fixed(block: Block, definitions: Definitions) -> Iterator[str]:
    """Names of the state dict in a block and in what is written in it."""
    for layer in block.layers:
        if layer.name and not layer.name.isdigit():
            yield layer.name
        if layer.block is not None and not definitions.of[id(layer.block)].named:
            yield from _fixed(layer.block, definitions)
