"""Definitions become the tables of a spec: names where something refers to them, the rest left out."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from builder.exchange.importing.blocks import Block, Layer, Read, Size
from builder.exchange.importing.definitions import Definition, Definitions, Slot, is_literal
from builder.exchange.importing.errors import ImportingError
from builder.exchange.importing.runs import collapsed, repeated
from builder.exchange.importing.values import leaves, mapped
from dsl.catalogue.lookup import find_known
from dsl.keys import LAYER

_TAKEN: Final = frozenset(("i", "inf", "nan", "none", "true", "false", "self", "rest", "training"))
_NO_HINTS: Final = frozenset(("x", "out", "output", "outputs", "result", "hidden_states", "hidden_state"))


class ClashError(Exception):
    """A name that is wanted is another's here: the group needs inputs of its own."""


@dataclass(slots=True, eq=False)
class Level:
    """One block on the way, with what its layers are called. fixed: the names that the state dict gives. inputs: of a
    block with inputs of its own their names; None where it sees those around it. fed: what stands for its inputs
    there."""

    block: Block
    names: list[str | None]
    around: Level | None = None
    inputs: list[str] | None = None
    feed: Sequence[Any] = ()
    at: int = 0  # of the layer that is being written
    tables: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Tables:
    """Writes one definition after the other. params: of the block that is being written: slot -> name."""

    definitions: Definitions
    taken: set[str] = field(default_factory=set)
    ties: Mapping[str, str] = field(default_factory=dict)  # keys of the state dict: which one has the tensor of which
    shared: frozenset[str] = frozenset()  # paths of modules that are called again
    params: dict[Slot, str] = field(default_factory=dict)

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
        self.params = {slot: name for name, slots in definition.params.items() for slot in slots}
        table: dict[str, Any] = {"params": list(definition.params)} if definition.params else {}
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
        self.taken = {*params, *block.inputs, *_fixed(block, self.definitions), *_TAKEN}

    def _own_names(self, wanted: Sequence[str]) -> list[str]:
        """Names of inputs; one that a layer of the block has gets a number."""
        return list(wanted)

    def _names(self, block: Block) -> list[str | None]:
        """What each layer is called by others; what has no name of its own gets one when it is first referred to."""
        found: list[str | None] = []
        for layer in block.layers:
            if layer.name is not None and layer.name != "" and not layer.name.isdigit():
                found.append(layer.name)
            else:
                found.append(None)
        return found

    def _new(self, layer: Layer) -> str:
        """The variable that the model's code has for it, else its type."""
        stem = layer.hint if _may_name(layer.hint) and layer.hint not in _NO_HINTS else ""
        if not stem:
            stem = {"value": "value", "group": "group"}.get(layer.type, layer.type).rpartition(".")[2].lower()
        stem = stem if _may_name(stem) else "result"
        name, number = stem, 1
        while name in self.taken:
            number += 1
            name = f"{stem}{number}"
        self.taken.add(name)
        return name

    # Layers

    def _body(self, level: Level, slot: Slot, *, told: bool = False) -> dict[str, Any]:
        tables = []
        for at, layer in enumerate(level.block.layers):
            level.at = at
            tables.append(self._layer(layer, level, (*slot, at)))
        outputs = self._outputs(level, told)
        tables = [{**({"name": name} if name is not None else {}), **table}
                  for table, name in zip(tables, level.names, strict=True)]  # fmt: skip
        kinds = {each.named for each in self.definitions.of.values() if each.named}
        tables = [collapsed(each) for each in repeated(tables, kinds, outputs)]
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
            return f"${{{self.params[slot]}}}"
        if is_literal(value) or value is None or isinstance(value, str):
            return _DEFAULT if _is_default(layer, key, value) else "${none}" if value is None else _toml(value)

        def said(each: Any) -> Any:
            if isinstance(each, Size):
                return f"${{{self._size(each, level)}}}"
            if isinstance(each, Read):
                return self._reference(each, level)
            return "${none}" if each is None else each

        return _toml(mapped(value, said))

    def _fed(self, layer: Layer, level: Level) -> dict[str, Any]:
        if layer.named:
            return {"input": {key: self._fed_value(value, level) for key, value in layer.named.items()}}
        feed = layer.feed
        if not feed:
            return {}
        if len(feed) == 1 and isinstance(feed[0], Read) and self._is_before(feed[0], level):
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
                value = f"${{{self.params[inner]}}}" if inner in self.params else _toml(values[slots[0]])
                table[name] = value
            return table
        taken = set(self.taken)
        try:
            return self._seeing(layer, block, level, slot)
        except ClashError:
            self.taken = taken | {name for name in _all_names(level) if name}
            return self._apart(layer, block, level, slot)

    def _seeing(self, layer: Layer, block: Block, level: Level, slot: Slot) -> dict[str, Any]:
        """A group that sees the names around it, unless it is called again, where other names are around."""
        if layer.path in self.shared:
            raise ClashError
        inner = Level(block, self._names(block), level, None, layer.feed)
        body = self._body(inner, slot)
        first = layer.feed[0] if len(layer.feed) == 1 else None
        fed = {}
        if first is not None and not self._is_before(first, level) and _reads_first(block):
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

    # Names

    def _reference(self, read: Read, level: Level) -> str:
        name = self._name(read, level, level)
        return ".".join([name, *map(str, self._pick(read, level))])

    def _pick(self, read: Read, level: Level) -> tuple[Any, ...]:
        if read.at >= 0 or level.inputs is not None:
            return read.pick
        assert level.around is not None
        outer = level.feed[-1 - read.at]
        return (*self._pick(outer, level.around), *read.pick)

    def _name(self, read: Read, level: Level, start: Level, *, expression: bool = False) -> str:
        if read.at < 0 and level.inputs is not None:
            return self._clear(level.inputs[-1 - read.at], level, start)
        if read.at < 0:
            assert level.around is not None
            return self._name(level.feed[-1 - read.at], level.around, start, expression=expression)
        name = level.names[read.at]
        if name is None and level.block.layers[read.at].name is None:
            name = level.names[read.at] = self._new(level.block.layers[read.at])
        if name is None:
            if level.block.layers[read.at].name == "" or level is not start or expression:
                raise ClashError
            return str(read.at)
        if expression and not name.isidentifier():
            raise ClashError
        return self._clear(name, level, start)

    def _clear(self, name: str, level: Level, start: Level) -> str:
        """The name, if nothing between here and there is called the same."""
        at: Level | None = start
        while at is not None and at is not level:
            if name in at.names or (at.inputs is not None and name in at.inputs):
                raise ClashError
            at = at.around
        if name in self.params.values():
            raise ClashError
        return name

    def _text(self, text: str, operands: Sequence[Any], level: Level) -> str:
        def said(found: re.Match[str]) -> str:
            each = operands[int(found[1])]
            if isinstance(each, Size):
                size = self._size(each, level)
                return f"({size})" if re.search(r"[-+*/ ]", size) and _binds(text, found) else size
            return self._picked(each, level)

        return re.sub(r"\b_(\d+)_\b", said, text)

    def _size(self, size: Size, level: Level) -> str:
        return re.sub(r"\b_(\d+)_\b", lambda found: self._picked(size.reads[int(found[1])], level), size.text)

    def _picked(self, read: Read, level: Level) -> str:
        """A reference in an expression: `lstm[0]`, `topk.values`."""
        name = self._name(read, level, level, expression=True)
        picks = self._pick(read, level)
        return name + "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in picks)


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


def _binds(text: str, found: re.Match[str]) -> bool:
    """Whether an operator stands beside the place."""
    around = text[max(0, found.start() - 2) : found.start()] + text[found.end() : found.end() + 2]
    return bool(re.search(r"[-+*/%@]", around))


def _is_default(layer: Layer, key: str, value: Any) -> bool:
    entry = find_known(layer.type)
    if entry is None or entry.role != "module" or layer.type in ("Parameter", "Buffer"):
        return False
    for each in entry.parameters:
        if each.name == key:
            default = list(each.default) if isinstance(each.default, tuple) else each.default
            return not each.required and (
                value == default and type(value) is type(default) or _as_one(default) == value
            )
    return False


def _as_one(default: Any) -> Any:
    alike = isinstance(default, list) and default and all(each == default[0] for each in default)
    return default[0] if alike else default


def _toml(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_toml(each) for each in value]
    return "${none}" if value is None else value


def _may_name(word: str) -> bool:
    return word.isidentifier() and not keyword.iskeyword(word) and word not in _TAKEN and not word.startswith("_")


def _reads_first(block: Block) -> bool:
    """Whether the first layer reads what the group is fed."""
    first = block.layers[0]
    if first.block is not None and len(first.feed) == 1 and first.feed == [Read(-1)]:
        return True
    return first.feed == [Read(-1)] and not first.named


def _fixed(block: Block, definitions: Definitions) -> Iterator[str]:
    """Names of the state dict in a block and in what is written in it."""
    for layer in block.layers:
        if layer.name and not layer.name.isdigit():
            yield layer.name
        if layer.block is not None and not definitions.of[id(layer.block)].named:
            yield from _fixed(layer.block, definitions)
