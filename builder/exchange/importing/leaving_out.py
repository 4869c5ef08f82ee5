"""What of a layer need not be written, and what must be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from builder.elaboration.arguments import reads_nothing
from builder.exchange.importing.blocks import Block, Layer, Read
from builder.exchange.importing.definitions import Definition
from dsl.catalogue.lookup import find_known


def must_say(layer: Layer) -> bool:
    """Whether a function would read nothing if it did not say what: `pow` of two numbers is one too."""
    entry = find_known(layer.type) if layer.block is None else None
    return (
        entry is not None and entry.role != "module" and bool(layer.arguments) and reads_nothing(entry, layer.arguments)
    )


def without_defaults(table: dict[str, Any], kinds: Mapping[str, Definition]) -> dict[str, Any]:
    """The use of a block without params that are what they are by default."""
    definition = kinds.get(table.get("type", ""))
    defaults = definition.defaults if definition is not None else {}
    return {key: value for key, value in table.items() if key not in defaults or value != defaults[key]
            or type(value) is not type(defaults[key])}  # fmt: skip


def is_default(layer: Layer, key: str, value: Any) -> bool:
    entry = find_known(layer.type)
    if entry is None or entry.role != "module" or layer.type in ("Parameter", "Buffer"):
        return False
    for each in entry.parameters:
        if each.name == key:
            default = list(each.default) if isinstance(each.default, tuple) else each.default
            return not each.required and (
                (value == default and type(value) is type(default)) or _as_one(default) == value
            )
    return False


def _as_one(default: Any) -> Any:
    alike = isinstance(default, list) and default and all(each == default[0] for each in default)
    return default[0] if alike else default


def toml(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [toml(each) for each in value]
    if isinstance(value, dict):
        return {key: toml(each) for key, each in value.items()}
    return "${none}" if value is None else value


def is_fed_once(block: Block) -> bool:
    """Whether only its first layer reads what it is fed, one tensor, so that nothing in it needs a name for that."""
    return len(block.inputs) == 1 and repr(block.layers).count("Read(at=-1, ") == 1 and reads_first(block)


def reads_first(block: Block) -> bool:
    """Whether the first layer reads what the group is fed."""
    first = block.layers[0]
    if first.block is not None and len(first.feed) == 1 and first.feed == [Read(-1)]:
        return True
    return first.feed == [Read(-1)] and not first.named
