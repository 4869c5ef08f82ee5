"""A graph as Python source: one class for the model and one for each part that is more than a chain of modules."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.codegen.checks import Checks
from builder.codegen.construct import Construct
from builder.codegen.expressions import has_lengths
from builder.codegen.forward import Forward
from builder.codegen.holes import unmarked
from builder.codegen.imports import import_lines, targets_of
from builder.codegen.literals import literal
from builder.codegen.merging import merged
from builder.codegen.names import HIDDEN, class_name, is_ours, label_of, snake
from builder.codegen.parameters import UnsettledError
from builder.codegen.shapes import comment, first_reads, reference_of, typed, typed_reference
from builder.codegen.structure import Structure
from builder.codegen.units import Group, Unit, apart, grouped
from builder.codegen.wrapping import documented, with_comment, wrapped

if TYPE_CHECKING:
    import networkx


def source_of(graph: networkx.DiGraph[str], *, checks: bool = True) -> str:
    """The module's source. `class_name(graph)` is its class. It needs torch and the layers from Python it imports.

    checks: `forward` checks its inputs. What feeds a loss and the steps of `prepare` has been checked before.
    """
    return _Writer(graph, Structure(graph), checks).text()


@dataclass(slots=True)
class _Writer:
    """calls: what makes each region that is a class or a function. blocks: names of the classes of each block.
    written: by name the region that it was first made for, and the text. defaults: of each block, arguments by name.
    bodies: names by what stands under them. taken: names that no class may have."""

    graph: networkx.DiGraph[str]
    structure: Structure
    checks: bool
    calls: dict[str, str] = field(default_factory=dict)
    blocks: dict[str, list[str]] = field(default_factory=dict)
    written: dict[str, tuple[str, str]] = field(default_factory=dict)
    defaults: dict[str, dict[str, str]] = field(default_factory=dict)
    bodies: dict[tuple[str, str], str] = field(default_factory=dict)
    taken: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        called = {node.target.rpartition(".")[2] for node in self.structure.nodes.values()}
        self.taken = frozenset({class_name(self.graph), *HIDDEN, *self.structure.imported, *called})

    def text(self) -> str:
        heights: dict[str, int] = {}
        self._note_heights("", heights)
        order = list(heights)
        for height in range(heights.pop("")):
            for group in grouped(self._unit(name) for name in order if heights.get(name) == height):
                self._write(group)
        places = {name: place for place, name in enumerate(order)}
        parts = sorted(self.written.values(), key=lambda each: places[each[0]])
        body = "\n\n\n".join([*self._own_layers(), *(text for _, text in parts), self._whole()]) + "\n"
        heading = documented(f"{self.graph.graph['name']}: written from a TOML spec.", 0)
        foreign = import_lines(targets_of(self.structure.nodes.values()))
        imports = "\n".join([_imports(body), *foreign])
        return f"{heading}\n\nfrom __future__ import annotations\n\n{imports}\n\n\n{body}"

    def _note_heights(self, name: str, heights: dict[str, int]) -> int:
        """Of each region that is a class or a function how many of them stand in each other there, inner ones first."""
        inner = [self._note_heights(child, heights) for child in self.structure.regions[name].children
                 if child in self.structure.regions]  # fmt: skip
        height = max(inner, default=0)
        if self.structure.forms[name] == "class" or self.structure.is_function(name):
            heights[name] = height
            return height + 1
        return height

    def _unit(self, name: str) -> Unit:
        structure, region = self.structure, self.structure.regions[name]
        construct, label = Construct(structure, name, self.calls, self.blocks), label_of(structure, name)
        results = typed_reference(structure, region.results)
        if structure.is_function(name):
            inputs = [("x", typed_reference(structure, each)) for each in first_reads(structure, region)]
            return Unit(region, snake(label), "", construct.chain(), inputs=inputs, results=results,
                        defaults=self._defaults(region.type))  # fmt: skip
        forward = Forward(structure, name)
        lines = forward.lines()
        feeds = {
            each.name: reference_of(structure, each.feed) for each in forward.arguments if each.kind != "nn.Module"
        }
        inputs = [(name, typed_reference(structure, feed)) for name, feed in feeds.items()]
        return Unit(region, label, construct.base(), construct.lines(), forward.signature(), forward.result_type(),
                    lines, inputs, results, self._defaults(region.type))  # fmt: skip

    def _defaults(self, name: str) -> dict[str, str]:
        """What modules in a block's instances leave out, where it is in all of them the same."""
        if name not in self.defaults:
            found: dict[str, set[str]] = {}
            for node, given in self.structure.defaults.items():
                if self.structure.regions[self.structure.block_around(self.structure.nodes[node].region)].type == name:
                    for key, value in given.items():
                        found.setdefault(key, set()).add(literal(value))
            self.defaults[name] = {key: texts.pop() for key, texts in found.items() if len(texts) == 1}
        return self.defaults[name]

    def _write(self, group: Group) -> None:
        """Write the class of a group; if its units cannot say how they differ, one for each that differs."""
        taken = HIDDEN | self.structure.imported | self.written.keys()
        label = self._free_name(group.units[0].label)
        if len(group.units) == 1 and not group.units[0].base:
            return  # a chain that is made once is written where it stands
        try:
            whole = merged(group, label, taken)
        except UnsettledError:
            for each in apart(group):
                self._write(each)
            return
        text = whole.text()
        body = text.replace(label, "", 1).replace(documented(whole.doc(), 4), "", 1)
        known = self.bodies.setdefault((group.units[0].region.type, body), label)
        if known == label:
            self.written[label] = (group.units[0].region.name, text)
        for index, unit in enumerate(group.units):
            self.calls[unit.region.name] = whole.call(index).replace(label, known, 1)
            if unit.region.type and unit.base:
                self.blocks.setdefault(unit.region.type, []).append(known)

    def _whole(self) -> str:
        """The class of the model itself."""
        construct, forward = Construct(self.structure, "", self.calls, self.blocks), Forward(self.structure, "")
        lines = [f"class {class_name(self.graph)}({construct.base()}):", self._doc(), ""]
        made = [line for each in construct.lines() for line in textwrap.indent(unmarked(each), " " * 8).splitlines()]
        if made:
            lines += ["    def __init__(self) -> None:", *wrapped(made), ""]
        body = [(code, "") for code in (self._checks(forward) if self.checks else ())]
        body += [(unmarked(code), comment([typed(node)], {}) if node else "") for code, node in forward.lines()]
        lines += wrapped([f"    def forward({forward.signature()}) -> {forward.result_type()}:"])
        return "\n".join([*lines, *(each for line in body for each in with_comment(line, 8))])

    def _checks(self, forward: Forward) -> Iterator[str]:
        inputs = [node for node in self.structure.nodes.values() if node.role == "input"]
        arguments = {node.name: forward.holds[(node.name,)] for node in inputs}
        return Checks(str(self.graph.graph["name"]), inputs, arguments, self.graph.graph["conditions"]).lines()

    def _doc(self) -> str:
        nodes = self.structure.nodes.values()
        shapes = [f"{n.name.partition('.')[2]}: {comment([typed(n)], {})}" for n in nodes if n.role == "input"]
        results = [comment([typed(n)], {}) for n in nodes if n.role == "output"]
        doc = str(self.graph.graph["doc"]) or f"{self.graph.graph['name']}."
        return documented(doc, 4, f"{', '.join(shapes)} -> {', '.join(results)}")

    def _free_name(self, base: str) -> str:
        name, number = base, 2
        while name in self.written or name in self.taken:
            name, number = f"{base}{number}" if base[0].isupper() else f"{base}_{number}", number + 1
        return name

    def _own_layers(self) -> list[str]:
        """The source of this project's own modules and functions that the model uses."""
        called = targets_of(self.structure.nodes.values())
        used = {target.partition(".")[2] for target in called if is_ours(target)}
        if any(has_lengths(node) for node in self.structure.nodes.values()):
            used.add("packed")
        if not used:
            return []
        from builder import layers

        return [inspect.getsource(getattr(layers, name)).rstrip() for name in sorted(used)]


# What generated source takes from Python's own library, by the word that needs it.
_STANDARD = {
    r"functools\.": "import functools",
    r"OrderedDict\(": "from collections import OrderedDict",
    r"\bMapping\[": "from collections.abc import Mapping",
    r"\bSequence\[": "from collections.abc import Sequence",
    r"\bAny\b": "from typing import Any",
}


def _imports(body: str) -> str:
    standard = [line for word, line in _STANDARD.items() if re.search(word, body)]
    if len([line for line in standard if "collections.abc" in line]) > 1:
        standard = [line for line in standard if "abc" not in line] + ["from collections.abc import Mapping, Sequence"]
    lines = [*standard, ""] if standard else []
    if re.search(r"\btorch\.(?!nn)", body):
        lines.append("import torch")
    if re.search(r"\bF\.", body):
        lines.append("import torch.nn.functional as F")
    return "\n".join([*lines, "from torch import Tensor, nn"])
