"""Blocks that are alike become one definition; what is not the same in its uses becomes a param."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from builder.exchange.importing.blocks import Block, Layer, Read, Size
from builder.exchange.importing.following import following
from builder.exchange.importing.values import leaves
from dsl.keys import LAYER

Slot: TypeAlias = tuple[Any, ...]


@dataclass(slots=True, eq=False)
class Definition:
    """block: the first of its instances, which stands for all. named: it is a block of the spec; else it is written
    where it stands. params: by name, the slots that they fill. worked_out: slots that follow from the shapes of the
    inputs or from params, as they are written. defaults: of params, what they are most often."""

    block: Block
    instances: list[Block] = field(default_factory=list)
    named: str = ""
    uses: int = 0
    params: dict[str, list[Slot]] = field(default_factory=dict)
    worked_out: dict[Slot, Any] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Definitions:
    """whole: of the model. of: each block's definition, by identity."""

    whole: Definition
    of: dict[int, Definition]

    def flat(self, block: Block) -> dict[Slot, Any]:
        """Every literal of a block by where it stands; of a named block in it, its params."""
        found: dict[Slot, Any] = {}
        for at, layer in enumerate(block.layers):
            found |= {(at, key): value for key, value in layer.arguments.items() if is_literal(value)}
            if layer.block is None or layer.share:
                continue
            inner = self.of[id(layer.block)]
            values = self.flat(layer.block)
            if inner.named:
                found |= {(at, name): values[slots[0]] for name, slots in inner.params.items()}
            else:
                found |= {(at, *slot): value for slot, value in values.items()}
        return found


def is_literal(value: Any) -> bool:
    """A number, a truth value or a list of such: what may be a param."""
    if isinstance(value, str) or value is None:
        return False
    return not any(isinstance(each, (Read, Size, str)) for each in leaves(value))


def defined(whole: Block) -> Definitions:
    found: dict[Any, Definition] = {}
    of: dict[int, Definition] = {}
    for block in _inner_first(whole):
        key = _key(block, of)
        definition = found.setdefault(key, Definition(block))
        definition.instances.append(block)
        of[id(block)] = definition
    done = Definitions(of[id(whole)], of)
    _count(done, done.whole, set())
    names: set[str] = set()
    for definition in found.values():
        kind = _kind(definition) if definition.uses > 1 else ""
        worth = definition.block.inputs and not _is_small(definition.block) and not _is_run(definition.block, of)
        if definition.uses > 1 and kind and worth:
            definition.named = _name(kind, names)
        _set_params(done, definition)
    return done


def _inner_first(block: Block) -> Iterator[Block]:
    for layer in block.layers:
        if layer.block is not None:
            yield from _inner_first(layer.block)
    yield block


def _count(done: Definitions, definition: Definition, seen: set[int]) -> None:
    if id(definition) in seen:
        return
    seen.add(id(definition))
    for layer in definition.block.layers:
        if layer.block is not None and not layer.share:
            inner = done.of[id(layer.block)]
            inner.uses += 1
            _count(done, inner, seen)


def _key(block: Block, of: dict[int, Definition]) -> Any:
    return (
        block.kind.rstrip("0123456789"),
        len(block.inputs),
        tuple(block.outputs),
        tuple(_layer_key(each, of) for each in block.layers),
    )


def _layer_key(layer: Layer, of: dict[int, Definition]) -> Any:
    arguments = tuple((key, None if is_literal(value) else repr(value)) for key, value in layer.arguments.items())
    inner = id(of[id(layer.block)]) if layer.block is not None else 0
    below = layer.share.rpartition(".")[2]
    return (layer.name, layer.type, repr(layer.feed), repr(layer.named), arguments, layer.text, repr(layer.operands),
            inner, below, tuple(layer.ties))  # fmt: skip


def _kind(definition: Definition) -> str:
    """A block's name: its class. A container's is what it is called where it stands, or what it holds."""
    kind = definition.block.kind.rstrip("0123456789") or definition.block.kind
    if kind not in _CONTAINERS:
        return kind
    names = {each.path.rpartition(".")[2] for each in definition.instances}
    if len(names) == 1 and not (name := names.pop()).isdigit() and name:
        return _camel(name)
    types = [each.type for each in definition.block.layers]
    if 1 < len(types) <= 4 and "group" not in types:
        return "".join(re.sub(r"\dd$", "", _camel(each.rpartition(".")[2])) for each in types)
    words = [each for each in definition.block.path.split(".") if not each.isdigit()]
    return f"{_camel(words[-1])}Item" if words else ""


def _camel(name: str) -> str:
    return "".join(each[:1].upper() + each[1:] for each in re.split(r"\W|_", name))


def _is_run(block: Block, of: dict[int, Definition]) -> bool:
    """Whether a container holds copies of one block, which `repeat` says where it stands."""
    inner = {id(of[id(each.block)]) if each.block is not None else 0 for each in block.layers}
    return block.kind in _CONTAINERS and len(inner) == 1 and 0 not in inner


def _is_small(block: Block) -> bool:
    """Whether it is one plain layer, which is said as shortly where it stands."""
    return len(block.layers) == 1 and block.layers[0].block is None and len(block.layers[0].arguments) < 2


def _name(kind: str, names: set[str]) -> str:
    name, number = re.sub(r"\W", "_", kind), 1
    while (f"{name}{number}" if number > 1 else name) in names:
        number += 1
    found = f"{name}{number}" if number > 1 else name
    names.add(found)
    return found


def _set_params(done: Definitions, definition: Definition) -> None:
    """Slots that are not the same in all instances; those that always go together are one param, and those that follow
    from others are worked out."""
    several = [done.flat(each) for each in definition.instances]
    together: dict[str, list[Slot]] = {}
    for slot in several[0]:
        values = [each[slot] for each in several]
        if any(value != values[0] or type(value) is not type(values[0]) for value in values):
            together.setdefault(repr(values), []).append(slot)
    if not definition.named:
        return
    taken = {each.name for each in definition.block.layers} | set(definition.block.inputs)
    given: dict[str, Sequence[Any]] = {}
    groups = sorted(together.values(), key=lambda slots: _is_base(slots[0]), reverse=True)
    for slots in groups:
        numbers: Sequence[Any] = [each[slots[0]] for each in several]
        text = following(numbers, _dims(definition), given)
        if text is not None:
            definition.worked_out |= dict.fromkeys(slots, text)
            continue
        name = _param_name(definition.block, slots[0], taken | set(definition.params))
        definition.params[name] = slots
        given[name] = numbers
    for name, numbers in given.items():
        common = max(numbers, key=lambda value: sum(value == each and type(value) is type(each) for each in numbers))
        if 2 * sum(common == each and type(common) is type(each) for each in numbers) > len(numbers):
            definition.defaults[name] = common


def _is_base(slot: Slot) -> bool:
    """Whether others are likelier to follow from it than it from them."""
    return slot[-1] in (
        "out_channels",
        "out_features",
        "kernel_size",
        "stride",
        "hidden_size",
        "num_heads",
        "embedding_dim",
    )


def _dims(definition: Definition) -> dict[str, Sequence[Any]]:
    """The fixed sizes of the inputs of all instances, by how they are written."""
    found: dict[str, Sequence[Any]] = {}
    for at, name in enumerate(definition.block.inputs):
        if name in set(_fixed_names(definition.block)) or not name.isidentifier():
            continue
        shapes = [each.shapes[at] for each in definition.instances]
        if len({len(each) for each in shapes}) == 1:
            for dim in range(len(shapes[0])):
                sizes = [each[dim] for each in shapes]
                if all(isinstance(each, int) for each in sizes) and len(set(sizes)) > 1:
                    found[f"{name}.shape[{dim}]"] = sizes
    return found


def _fixed_names(block: Block) -> Iterator[str]:
    for layer in block.layers:
        if layer.name:
            yield layer.name
        if layer.block is not None:
            yield from _fixed_names(layer.block)


def _param_name(block: Block, slot: Slot, taken: set[str | None]) -> str:
    """The argument's own name; with what it belongs to where that is taken."""
    words = [str(slot[-1])]
    layers = block.layers
    for at in slot[:-1]:
        layer = layers[at]
        words.insert(
            -1, layer.name if layer.name and not layer.name.isdigit() else layer.type if layer.type != "group" else ""
        )
        layers = layer.block.layers if layer.block is not None else []
    words = [each for each in words if each]
    for start in range(len(words) - 1, -1, -1):
        name = "_".join([*words[start:-1], words[-1]])
        name = re.sub(r"\W", "_", name).lower() if start < len(words) - 1 else name
        if name not in taken and name not in _KEYS:
            return name
    number = 2
    while f"{words[-1]}{number}" in taken:
        number += 1
    return f"{words[-1]}{number}"


_CONTAINERS = ("", "Sequential", "ModuleList", "ModuleDict")
_KEYS = set(LAYER) | {"inputs", "outputs", "i", "rest"}
