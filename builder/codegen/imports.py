"""How generated source gets at layers that come from Python: by import, each under the name that specs call it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Final

from builder.graph import Node
from dsl.catalogue import from_python
from dsl.catalogue.registered import Registered, allowed
from dsl.catalogue.signatures import PYTHON

# The module in which `builder.register` puts what no import statement finds by its own name.
HANDED_OVER: Final = "tomograph_python"


def comes_from_python(target: str) -> bool:
    return target.startswith(PYTHON)


def imported_names(nodes: Iterable[Node]) -> frozenset[str]:
    """The names that `import_lines` brings: classes and variables of the source need others."""
    return frozenset(each.entry.name for each in _used(nodes))


def import_lines(nodes: Iterable[Node]) -> list[str]:
    """`from mypackage.layers import MyLayer as Mine`, a line for each layer from Python, in order of their names."""
    return [_line(each) for each in sorted(_used(nodes), key=lambda each: each.entry.name)]


def _used(nodes: Iterable[Node]) -> list[Registered]:
    targets = dict.fromkeys(node.target for node in nodes if comes_from_python(node.target))
    return [from_python(target) for target in targets]


def _line(layer: Registered) -> str:
    name, target = layer.entry.name, layer.entry.target.removeprefix(PYTHON)
    if not layer.importable:
        return f"from {HANDED_OVER} import {name}  # {target}, found only where it has been registered"
    module, _, own = target.rpartition(".")
    line = f"from {module} import {own}" + (f" as {name}" if own != name else "")
    return line + _remark(module, os.path.basename(allowed().get(module, "")))


def _remark(module: str, file: str) -> str:
    """Of a file that the person running the program allowed: no package holds it."""
    if not file:
        return ""
    renamed = "" if file == f"{module}.py" else f", as {module}.py"
    return f"  # {file} must be where Python finds it{renamed}"
