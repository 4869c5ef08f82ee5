"""Lines that call the modules of a list one after another, as a `for` over the list."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

from builder.codegen.structure import Structure
from builder.graph import Node

# Code, and the node whose result it makes.
Line: TypeAlias = tuple[str, Node | None]

_INDEXED = re.compile(r"\bself\.(\w+)\[(\d+)\]\(")


def looped(lines: Sequence[Line], structure: Structure, region: str) -> list[Line]:
    """Lines of a `forward`: `x = self.layers[0](x)` and so on to the last of the list become one line in a loop."""
    words = set(re.findall(r"\w+", " ".join(code for code, _ in lines)))
    at, done = 0, []
    while at < len(lines):
        found = _INDEXED.search(lines[at][0])
        count = _alike(lines[at:]) if found and found[2] == "0" else 0
        module = structure.regions[region].module
        path = f"{module}.{found[1]}" if found and module else found[1] if found else ""
        if found and count > 1 and path in structure.regions and count == structure.regions[path].copies:
            variable = _singular(found[1], words)
            code = lines[at][0].replace(f"self.{found[1]}[0](", f"{variable}(")
            done += [(f"for {variable} in self.{found[1]}:", None), (f"    {code}", _common(lines[at : at + count]))]
            at += count
        else:
            done.append(lines[at])
            at += 1
    return done


def _alike(lines: Sequence[Line]) -> int:
    """How many lines are the first one with the next index each."""
    first = lines[0][0]
    for number, (code, _) in enumerate(lines):
        if code != _INDEXED.sub(rf"self.\g<1>[{number}](", first):
            return number
    return len(lines)


def _common(lines: Sequence[Line]) -> Node | None:
    """A node for all of them, if they make tensors of one shape."""
    first = lines[0][1]
    same = all(node is not None and first is not None and node.shape == first.shape for _, node in lines)
    return first if same else None


def _singular(name: str, words: set[str]) -> str:
    """`layer` for `layers`; another word where the lines have it already."""
    for each in (name.removesuffix("s"), name, "each", "module", f"{name}_"):
        if each.isidentifier() and each not in words - {name} and each not in ("x", "self"):
            return each
    return f"{name}_each"
