"""A graph as Python source: one class for the model and one for each part that is more than a chain of modules."""

from __future__ import annotations

import builtins
import inspect
import keyword
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder import graph as contract
from builder.codegen.checks import Checks
from builder.codegen.construct import Construct
from builder.codegen.forward import IMPORTED, Forward, commented, has_lengths, shape_comment
from builder.codegen.imports import import_lines, imported_names, targets_of
from builder.codegen.literals import WIDTH
from builder.codegen.structure import Structure
from dsl.catalogue import find

if TYPE_CHECKING:
    import networkx

# A class of such a name would hide what the source, our own layers' in it, calls.
_HIDDEN = IMPORTED | {"self"} | set(dir(builtins))


def source_of(graph: networkx.DiGraph[str], *, checks: bool = True) -> str:
    """The module's source. `class_name(graph)` is its class. It needs torch and the layers from Python it imports.

    checks: `forward` checks its inputs. What feeds a loss and the steps of `prepare` has been checked before.
    """
    return _Writer(graph, Structure(graph), checks).text()


def class_name(graph: networkx.DiGraph[str]) -> str:
    """The spec's name without the characters that Python forbids; `...Model` where the source needs the name itself."""
    name = re.sub(r"\W", "", str(graph.graph["name"]))
    name = name if name.isidentifier() else f"Model{name}"
    own = {target.rpartition(".")[2] for target in targets_of(contract.nodes(graph)) if _is_ours(target)}
    taken = own | _HIDDEN | imported_names(targets_of(contract.nodes(graph)))
    return f"{name}Model" if name in taken or keyword.iskeyword(name) else name


@dataclass(slots=True)
class _Writer:
    """classes: the name of each region's class. written: a class's text by its body, so that copies are one class."""

    graph: networkx.DiGraph[str]
    structure: Structure
    checks: bool
    classes: dict[str, str] = field(default_factory=dict)
    blocks: dict[str, list[str]] = field(default_factory=dict)
    written: dict[str, tuple[str, list[tuple[str, str]]]] = field(default_factory=dict)
    heads: dict[str, str] = field(default_factory=dict)

    def text(self) -> str:
        for name in self._inner_first(""):
            self._class(name)
        classes = [self._class_text(*each) for each in self.written.values()]
        body = "\n\n\n".join([*self._own_layers(), *classes]) + "\n"
        heading = _docstring(f"{self.graph.graph['name']}: written from a TOML spec.", "")
        foreign = import_lines(targets_of(self.structure.nodes.values()))
        imports = "\n".join([_imports(body), *foreign])
        return f"{heading}\n\nfrom __future__ import annotations\n\n{imports}\n\n\n{body}"

    def _inner_first(self, name: str) -> list[str]:
        """The regions that are classes, each after those that it uses."""
        inner = [each for child in self.structure.regions[name].children if child in self.structure.regions
                 for each in self._inner_first(child)]  # fmt: skip
        return [*inner, name] if self.structure.forms[name] == "class" else inner

    def _class(self, name: str) -> None:
        """Write a region's class, or find that another one is the same."""
        structure, region = self.structure, self.structure.regions[name]
        construct, forward = Construct(structure, name, self.classes, self.blocks), Forward(structure, name)
        made = construct.lines()
        lines: list[tuple[str, str]] = []
        if made:
            lines += [("    def __init__(self) -> None:", "")]
            lines += [(textwrap.indent(line, " " * 8), "") for line in made] + [("", "")]
        lines += [(f"    def forward({forward.signature()}) -> {forward.result_type()}:", "")]
        if not name and self.checks:
            lines += [(f"        {code}", "") for code in self._checks(forward)]
        lines += [(f"        {code}", comment) for code, comment in forward.lines()]
        body = "\n".join([region.type, construct.base(), *(code for code, _ in lines)])
        if name and body in self.written:
            label, earlier = self.written[body]
            same = [(code, comment if comment == other else "") for (code, comment), (_, other) in
                    zip(earlier, lines, strict=True)]  # fmt: skip
            self.written[body] = (label, same)
        else:
            label = self._new_class_name(name)
            self.written[body] = (label, lines)
            self.heads[label] = f"class {label}({construct.base()}):\n{textwrap.indent(self._doc(name), '    ')}\n"
        self.classes[name] = label
        if region.type and name:
            self.blocks.setdefault(region.type, []).append(label)

    def _checks(self, forward: Forward) -> Iterator[str]:
        inputs = [node for node in self.structure.nodes.values() if node.role == "input"]
        arguments = {node.name: forward.holds[(node.name,)] for node in inputs}
        return Checks(str(self.graph.graph["name"]), inputs, arguments, self.graph.graph["conditions"]).lines()

    def _class_text(self, label: str, lines: list[tuple[str, str]]) -> str:
        return "\n".join([self.heads[label], *(commented(line) for line in lines)])

    def _new_class_name(self, region: str) -> str:
        """A block's name; for a group the names of the parts that lead to it, from the block around it."""
        if not region:
            return class_name(self.graph)
        parts: list[str] = []
        at, base = region, ""
        while at and not base:
            there = self.structure.regions[at]
            if there.type:
                base = there.type
            else:
                parts.insert(0, at.rpartition(".")[2])
                at = at.rpartition(".")[0]
        words = [word for part in parts for word in re.split(r"\W|_", part) if word and not word.isdigit()]
        base += "".join(word[:1].upper() + word[1:] for word in words)
        base = base if base.isidentifier() and not keyword.iskeyword(base) else f"Group{base}"
        taken = {*self.classes.values(), class_name(self.graph), *_HIDDEN, *self.structure.imported}
        taken |= {node.target.rpartition(".")[2] for node in self.structure.nodes.values()}
        name, number = base, 2
        while name in taken:
            name, number = f"{base}{number}", number + 1
        return name

    def _doc(self, name: str) -> str:
        region = self.structure.regions[name]
        if name:
            shown = {key: value for key, value in region.params.items() if isinstance(value, int | float | str)}
            given = ", ".join(f"{key} = {value}" for key, value in shown.items())
            words = f"The block {region.type}" if region.type else f"The group `{name}`"
            return _docstring(f"{words}{f' with {given}' if given else ''}.", "")
        nodes = self.structure.nodes.values()
        shapes = [f"{n.name.partition('.')[2]}: {shape_comment(n)}" for n in nodes if n.role == "input"]
        results = [shape_comment(n) for n in nodes if n.role == "output"]
        doc = str(self.graph.graph["doc"]) or f"{self.graph.graph['name']}."
        return _docstring(doc, f"{', '.join(shapes)} -> {', '.join(results)}")

    def _own_layers(self) -> list[str]:
        """The source of this project's own modules and functions that the model uses."""
        called = targets_of(self.structure.nodes.values())
        used = {target.partition(".")[2] for target in called if _is_ours(target)}
        if any(has_lengths(node) for node in self.structure.nodes.values()):
            used.add("packed")
        if not used:
            return []
        from builder import layers

        return [inspect.getsource(getattr(layers, name)).rstrip() for name in sorted(used)]


def _is_ours(target: str) -> bool:
    """Whether its class stands in `builder/layers.py` and is written into the source; a Parameter has none."""
    entry = find(target) if target.startswith("tomograph.") else None
    return entry is not None and entry.role == "module"


def _docstring(first: str, second: str) -> str:
    text = first.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    lines = textwrap.wrap(text, WIDTH) or ["A model."]
    if not second:
        return '"""' + "\n".join(lines) + '"""'
    return '"""' + "\n".join([*lines, "", second]) + '\n"""'


# What generated source takes from Python's own library, by the word that needs it.
_STANDARD = {
    r"functools\.": "import functools",
    r"OrderedDict\(": "from collections import OrderedDict",
    r"\bAny\b": "from typing import Any",
}


def _imports(body: str) -> str:
    standard = [line for word, line in _STANDARD.items() if re.search(word, body)]
    lines = [*standard, ""] if standard else []
    if re.search(r"\btorch\.(?!nn)", body):
        lines.append("import torch")
    if re.search(r"\bF\.", body):
        lines.append("import torch.nn.functional as F")
    return "\n".join([*lines, "from torch import Tensor, nn"])
