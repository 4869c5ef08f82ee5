"""`--where`: which file and line, or which `--set`, a value comes from, and what it hides."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from dsl.catalogue import find, find_optimizer, suggest
from dsl.formatting import TOP, in_line
from dsl.overrides import located, parse_path
from dsl.records import Data, Spec, Train
from dsl.source import Path, Setting, key_text
from dsl.traced import Traced

_LONGEST: Final = 80  # of a value's text, in characters
_OF_A_LAYER: Final = (
    "name", "type", "input", "layers", "inputs", "outputs", "share", "value", "repeat", "parallel", "when", "tie",
    "init", "freeze", "train_only", "args",
)  # fmt: skip


def where(spec: Spec, key: str, format: str) -> list[dict[str, Any]]:
    """Tell where each value at or below a key comes from. Raises ValueError for a key that nothing is called."""
    whole = spec.document.traced
    path = parse_path(key)
    if path is None:
        raise ValueError(f"--where {key}: this is not a key such as train.epochs or model.layers[0].p")
    try:
        path = located(whole, path)
    except LookupError as error:
        raise ValueError(f"--where {key}: {error}") from error
    node = whole.find(path)
    found = list(_written(node, path)) if node is not None else [_not_written(spec, path)]
    if format == "text":
        for each in found:
            _show(each)
    return found


def _written(node: Traced, path: Path) -> Iterator[dict[str, Any]]:
    """Each value on its own; a table's and an array of tables' one after another."""
    parts = node.opened()
    inner: Iterable[tuple[str | int, Traced]] = parts.items() if isinstance(parts, dict) else enumerate(parts or ())
    below = list(inner) if isinstance(parts, dict) or _holds_tables(parts or []) else []
    for step, each in below:
        yield from _written(each, (*path, step))
    if not below or node.hides is not None:
        hidden = [_placed(each) for each in node.stack()]
        yield {"key": key_text(path), **hidden[0], "hides": hidden[1:]}


def _holds_tables(parts: list[Traced]) -> bool:
    return any(each.table() is not None for each in parts)


def _placed(node: Traced) -> dict[str, Any]:
    span = node.source.span(node.path)
    return {"value": node.plain(), "file": node.source.name, "line": span.line, "column": span.column}


def _not_written(spec: Spec, path: Path) -> dict[str, Any]:
    known = _known(spec, path[:-1])
    if path[-1] not in known:
        raise ValueError(_unknown(spec, path))
    return {"key": key_text(path), "value": known[path[-1]], "file": None}


def _known(spec: Spec, holder: Path) -> dict[Any, Any]:
    """The keys that a table may have, each with what holds where it is left out; None where nothing does."""
    table = spec.document.traced.find(holder)
    parts = (table.table() if table is not None else None) or {}
    if not holder:
        return {**dict.fromkeys(TOP), "name": spec.name, "doc": spec.doc}
    if holder in (("train",), ("data",)):
        record = spec.train if holder == ("train",) else spec.data
        fields = dataclasses.fields(Train if holder == ("train",) else Data)
        return {each.name: getattr(record, each.name, None) for each in fields if each.name != "place"}
    kind = parts["type"].value if "type" in parts else None
    if isinstance(kind, str):
        entry = find_optimizer(kind) if holder == ("optimizer",) else find(kind)
        own = {each.name: None if each.required else each.default for each in entry.parameters} if entry else {}
        return {**dict.fromkeys(() if holder == ("optimizer",) else _OF_A_LAYER), **own, **_of_block(spec, kind)}
    return dict.fromkeys(_OF_A_LAYER if "layers" in parts else ())


def _of_block(spec: Spec, kind: str) -> dict[str, Any]:
    defaults = spec.document.traced.find(("blocks", kind, "defaults"))
    params = spec.document.traced.find(("blocks", kind, "params"))
    named = params.plain() if params is not None else []
    return {**dict.fromkeys(named), **(defaults.plain() if defaults is not None else {})}


def _unknown(spec: Spec, path: Path) -> str:
    """What is said of a key that neither the spec nor the language has: at the first step that is not there."""
    whole = spec.document.traced
    missing = (i for i in range(len(path)) if whole.find(path[: i + 1]) is None)
    depth = next(i for i in missing if path[i] not in _known(spec, path[:i]))
    table = whole.find(path[:depth])
    there = [*_known(spec, path[:depth]), *((table.table() if table is not None else None) or {})]
    near = suggest(str(path[depth]), [str(each) for each in there])
    hint = f"; did you mean {key_text((*path[:depth], near[0]))}?" if near else ""
    return f"--where {key_text(path)}: there is no `{key_text(path[: depth + 1])}` in the spec{hint}"


def _show(found: Mapping[str, Any]) -> None:
    key, value = found["key"], found["value"]
    if found["file"] is None:
        print(
            f"{key}: nothing writes it" if value is None else f"{key} = {_text(value)}  the default: nothing writes it"
        )
        return
    print(f"{key} = {_text(value)}  {_place(found)}")
    for each in found["hides"]:
        print(f"  hides {_text(each['value'])}  {_place(each)}")


def _place(found: Mapping[str, Any]) -> str:
    file: str = found["file"]
    return file if file == Setting.NAME else f"{file}:{found['line']}:{found['column']}"


def _text(value: Any) -> str:
    text = in_line(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 4] + " ..."
