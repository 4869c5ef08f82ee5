"""What the classes and functions of generated source are called."""

from __future__ import annotations

import builtins
import keyword
import re
from typing import TYPE_CHECKING

from builder import graph as contract
from builder.codegen.forward import IMPORTED
from builder.codegen.imports import imported_names, targets_of
from builder.codegen.structure import Structure
from dsl.catalogue import find

if TYPE_CHECKING:
    import networkx

# A class of such a name would hide what the source, our own layers' in it, calls.
HIDDEN = IMPORTED | {"self", "Mapping", "Sequence"} | set(dir(builtins))


def class_name(graph: networkx.DiGraph[str]) -> str:
    """The spec's name without the characters that Python forbids; `...Model` where the source needs the name itself."""
    name = re.sub(r"\W", "", str(graph.graph["name"]))
    name = name if name.isidentifier() else f"Model{name}"
    own = {target.rpartition(".")[2] for target in targets_of(contract.nodes(graph)) if is_ours(target)}
    taken = own | HIDDEN | imported_names(targets_of(contract.nodes(graph)))
    return f"{name}Model" if name in taken or keyword.iskeyword(name) else name


def label_of(structure: Structure, region: str) -> str:
    """A block's name; for a group the names of the parts that lead to it, from the block around it."""
    parts: list[str] = []
    at, base = region, ""
    while at and not base:
        there = structure.regions[at]
        if there.type:
            base = there.type
        else:
            parts.insert(0, at.rpartition(".")[2])
            at = at.rpartition(".")[0]
    words = [word for part in parts for word in re.split(r"\W|_", part) if word and not word.isdigit()]
    base += "".join(word[:1].upper() + word[1:] for word in words) or ("Part" if parts else "")
    return base if base.isidentifier() and not keyword.iskeyword(base) else f"Group{base}"


def is_ours(target: str) -> bool:
    """Whether its class stands in `builder/layers.py` and is written into the source; a Parameter has none."""
    entry = find(target) if target.startswith("tomograph.") else None
    return entry is not None and entry.role == "module"


def snake(label: str) -> str:
    """`conv_bn_relu` for ConvBNReLU."""
    plain = re.sub(r"[A-Z][a-z]*LU(?![a-z])", lambda found: found[0].capitalize(), label)  # ReLU is one word
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", plain).lower()
    return f"{words}_" if keyword.iskeyword(words) else words
