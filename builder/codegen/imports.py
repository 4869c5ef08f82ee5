"""How generated source gets at layers that come from Python: by import, each under the name that specs call it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

from builder.graph import Node
from dsl.catalogue import from_python
from dsl.catalogue.registered import HANDED_OVER, Registered, allowed, hand_over
from dsl.catalogue.signatures import PYTHON, origin_of


def comes_from_python(target: str) -> bool:
    return target.startswith(PYTHON)


def targets_of(nodes: Iterable[Node]) -> Iterator[str]:
    """What a source of these nodes calls: their targets, and those of layers that are values (`norm_layer`)."""
    for node in nodes:
        yield node.target
        yield from _inside(node.arguments)


def _inside(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("type"), str) and "arguments" in value:
            yield value["type"]
        for each in value.values():
            yield from _inside(each)
    elif isinstance(value, list):
        for each in value:
            yield from _inside(each)


def imported_names(targets: Iterable[str]) -> frozenset[str]:
    """The names that `import_lines` brings: classes and variables of the source need others."""
    return frozenset(each.entry.name for each in _used(targets))


def import_lines(targets: Iterable[str]) -> list[str]:
    """`from mypackage.layers import MyLayer as Mine`, a line for each layer from Python among what a source calls, in
    order of their names; none for torch's and our own."""
    return [_line(each) for each in sorted(_used(targets), key=lambda each: each.entry.name)]


def _used(targets: Iterable[str]) -> list[Registered]:
    return [from_python(target) for target in dict.fromkeys(targets) if comes_from_python(target)]


def _line(layer: Registered) -> str:
    name = layer.entry.name
    if not layer.importable:
        hand_over(layer)
        return f"from {HANDED_OVER} import {name}  # {origin_of(layer.object)}, found only where it has been registered"
    module, _, own = layer.entry.target.removeprefix(PYTHON).rpartition(".")
    line = f"from {module} import {own}" + (f" as {name}" if own != name else "")
    return line + _remark(module, os.path.basename(allowed().get(module, "")))


def _remark(module: str, file: str) -> str:
    """Of a file that the person running the program allowed: no package holds it."""
    if not file:
        return ""
    renamed = "" if file == f"{module}.py" else f", as {module}.py"
    return f"  # {file} must be where Python finds it{renamed}"
