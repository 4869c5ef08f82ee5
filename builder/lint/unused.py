"""What a spec has and does not use: layers, inputs, blocks, vars."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from builder.graph import Node, Region
from builder.lint.view import View, label, warning
from dsl.diagnostics import Diagnostic, Fix


def unused_layer(view: View) -> Iterator[Diagnostic]:
    """A layer that nothing reads and that is no output. What only it reads is told with it."""
    spared = _starts(view)
    words = _words(view.checked.spec.document.tables)
    for name in _unread(view):
        what = view.regions.get(name) or view.nodes[name]
        called = label(view, what)
        start = what.file, what.line, what.column
        if start in spared or called in words or (isinstance(what, Node) and what.role == "buffer"):
            continue
        behind = [f"`{each}`" for each in _behind(view, name)]
        notes = [f"only it needs {', '.join(behind)}"] if behind else []
        yield warning(view.at(what, "name"), "unused-layer", f"nothing reads `{called}`, and it is no output", *notes,
                      fix=Fix("name it in `outputs` or in the `input` of another layer, or take it out"))  # fmt: skip


def _starts(view: View) -> set[tuple[str, int, int]]:
    """Where the layers begin of which one use or one copy at least is used."""
    nodes = [view.nodes[name] for name in view.used if name in view.nodes]
    regions = [region for name, region in view.regions.items() if not _is_dead(view, name)]
    parts: list[Node | Region] = [*nodes, *regions]
    return {(each.file, each.line, each.column) for each in parts}


def _unread(view: View) -> Iterator[str]:
    """The outermost parts, by name, that no other part reads and no output hangs on."""
    todo = [name for name in view.regions if name.rpartition(": ")[2] == ""]
    while todo:
        name = todo.pop()
        prefix = f"{name.rpartition(': ')[0]}: " if ": " in name else ""
        for child in (prefix + each for each in view.regions[name].children):
            if not _is_dead(view, child):
                todo += [child] if child in view.regions else []
            elif all(_inside(each.reader, child) for inner in _nodes(view, child) for each in view.readers[inner]):
                yield child
            else:
                todo += [child] if child in view.regions else []


def _is_dead(view: View, part: str) -> bool:
    return not any(each in view.used for each in _nodes(view, part))


def _nodes(view: View, part: str) -> Iterator[str]:
    """The nodes of a region, or the node itself."""
    if part not in view.regions:
        yield part
        return
    prefix = part.rpartition(": ")[0]
    for child in view.regions[part].children:
        yield from _nodes(view, f"{prefix}: {child}" if prefix else child)


def _inside(name: str, part: str) -> bool:
    return f"{name}.".startswith(f"{part}.")


def _behind(view: View, part: str) -> list[str]:
    """The layers beside a part that are there for its sake alone, the nearest first, by what they are called."""
    found: dict[str, None] = {}
    todo = list(_nodes(view, part))
    seen = set(todo)
    for name in todo:
        for each in view.reads[name]:
            node = view.nodes.get(each.source)
            if node is not None and node.role != "input" and each.source not in view.used and each.source not in seen:
                seen.add(each.source)
                todo.append(each.source)
                found[_top(view, each.source, part)] = None
    return list(found)[:6]


def _top(view: View, name: str, beside: str) -> str:
    """The layer that stands beside a part and holds this node."""
    around = beside.rpartition(".")[0]
    inner = name.removeprefix(f"{around}.") if around else name
    part: Node | Region | None = view.regions.get(name[: len(name) - len(inner)] + inner.partition(".")[0])
    return label(view, part or view.nodes[name])


def unused_input(view: View) -> Iterator[Diagnostic]:
    """An input that neither a layer nor the loss reads."""
    words = _words(view.checked.spec.document.tables)
    for each in view.checked.spec.model.inputs or ():
        if not view.readers[f"inputs.{each.name}"] and each.name not in words:
            yield warning(each.place, "unused-input", f"nothing reads the input `{each.name}`")


def unused_block(view: View) -> Iterator[Diagnostic]:
    """A block of the spec's own file that no layer is of, at whatever remove."""
    spec = view.checked.spec
    tables = spec.document.tables
    named = {name: _texts(tables["blocks"][name]) & set(spec.blocks) for name in spec.blocks}
    used = _texts({key: each for key, each in tables.items() if key not in ("blocks", "name", "doc")})
    todo = [name for name in spec.blocks if name in used]
    used = set(todo)
    while todo:
        more = named[todo.pop()] - used
        used |= more
        todo += more
    left = [name for name in spec.blocks if name not in used]
    lower = {each for name in left for each in named[name] - {name}}
    for name in [each for each in left if each not in lower] or left:
        if spec.blocks[name].place.source == spec.document.source:
            yield warning(spec.blocks[name].place, "unused-block", f"no layer is of the block {name}", part="key")


def unused_var(view: View) -> Iterator[Diagnostic]:
    """A var of the spec's own file that no expression reads."""
    spec = view.checked.spec
    words = _words(spec.document.tables)
    for name in spec.vars:
        place = spec.place.at("vars", name)
        if name not in words and place.source == spec.document.source:
            yield warning(place, "unused-var", f"no expression reads the var `{name}`", part="key")


def _words(tables: Any) -> set[str]:
    """Every word in an expression."""
    found = " ".join(each for each in _strings(tables) if "${" in each)
    return set(re.findall(r"[^\W\d]\w*", found))


def _texts(tables: Any) -> set[str]:
    """Every text that is a value, and every word in an expression."""
    return set(_strings(tables)) | _words(tables)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for each in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _strings(each)
