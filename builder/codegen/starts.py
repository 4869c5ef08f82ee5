"""How parameters start, as lines of `__init__`: by themselves, by name, or by type and name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from builder.codegen.calls import constructor
from builder.codegen.literals import marked
from builder.codegen.paths import attribute, path_text
from builder.codegen.structure import Structure
from builder.graph import Node, Region


@dataclass(slots=True)
class Starts:
    """As seen from the class of a region. blocks: the names of the classes of each named block."""

    structure: Structure
    name: str
    blocks: Mapping[str, list[str]]

    def of(self, child: str) -> Iterator[str]:
        """Starts of a child, and of what stands in it without a class of its own; inner ones first."""
        if child in self.structure.nodes:
            node = self.structure.nodes[child]
            if node.role in ("parameter", "buffer"):
                return  # made as it starts
            optional = ["bias"] if node.kind == "convolution" else []
            for name, how in node.init.items():
                yield filling_line(how, self._parameter_text(str(node.module), name, optional))
        elif self.structure.forms[child] in ("chain", "list"):
            for each in self.structure.regions[child].children:
                yield from self.of(each)
            yield from self.of_all(self.structure.regions[child], path_text(self.structure, self.name, child))
        elif self.structure.forms[child] == "class" and not self.structure.starts_itself(self.structure.regions[child]):
            yield from self.of_all(self.structure.regions[child], path_text(self.structure, self.name, child))

    def _parameter_text(self, module: str, name: str, optional: Collection[str] = ()) -> str:
        """A parameter as it is reached from here. Through containers, and where torch says that it may be None, by its
        path, so that a type checker knows it for a parameter."""
        path = path_text(self.structure, self.name, module)
        if name not in optional and re.fullmatch(r"self(\.\w+)?", path):
            return attribute(path, name)
        around = self.structure.regions[self.name].module
        return f'self.get_parameter("{f"{module}.{name}".removeprefix(f"{around}." if around else "")}")'

    def of_base(self, node: Node | None) -> Iterator[str]:
        if node is not None:
            yield from (filling_line(how, attribute("self", name)) for name, how in node.init.items())

    def of_all(self, region: Region, owner: str) -> Iterator[str]:
        """Starts of all that stands in a region, by name or by type and name."""
        by_type: dict[str, dict[str, Any]] = {}
        for key, how in region.init.items():
            kind, _, name = key.rpartition(".")
            only = "" if kind else self._only(region, name)
            if kind:
                by_type.setdefault(kind, {})[name] = how
            elif only:
                yield filling_line(how, only)
            else:
                yield f"for name, parameter in {owner}.named_parameters():"
                yield f'    if name.rpartition(".")[2] == "{name}":'
                yield f"        {filling_line(how, 'parameter')}"
        yield from self._by_type(region, owner, by_type)

    def _by_type(self, region: Region, owner: str, by_type: Mapping[str, dict[str, Any]]) -> Iterator[str]:
        lines: dict[str, list[str]] = {}
        for kind, several in by_type.items():
            classes = self._class_text(kind, region)
            starts = [each for name, how in several.items() for each in self._guarded(region, kind, name, how)]
            same = next((other for other, written in reversed(lines.items()) if written == starts), None)
            if same is not None and same == next(reversed(lines)) and "(" not in same + classes:
                lines = {(f"{other}, {classes}" if other == same else other): each for other, each in lines.items()}
            else:
                lines[classes] = starts
        if lines:
            yield f"for module in {owner}.modules():"
        for index, (classes, starts) in enumerate(lines.items()):
            kinds = f"({classes})" if ", " in classes and not classes.startswith("(") else classes
            yield f"    {'el' if index else ''}if isinstance(module, {kinds}):"
            yield from (f"        {each}" for each in starts)

    def _guarded(self, region: Region, kind: str, name: str, how: Any) -> Iterator[str]:
        guard = self._guard(region, kind, name)
        if guard:
            yield guard
        yield f"{'    ' if guard else ''}{filling_line(how, attribute('module', name))}"

    def _only(self, region: Region, name: str) -> str:
        """The one parameter of this name that a region holds itself, as seen from here; "" where others have it too."""
        having = [each.name for each in self._nodes(region) if name in each.parameters
                  or (each.role == "parameter" and each.name.rpartition(".")[2] == name)]  # fmt: skip
        own = f"{region.name}.{name}" if region.name else name
        here = having == [own] and region.module == region.name
        return self._parameter_text(region.name, name) if here else ""

    def _nodes(self, region: Region) -> Iterator[Node]:
        for child in region.children:
            if child in self.structure.regions:
                yield from self._nodes(self.structure.regions[child])
            else:
                yield self.structure.nodes[child]

    def _class_text(self, kind: str, region: Region) -> str:
        """The class that a type's name means: a block's own, else torch's or one of this project's.

        A block that starts what it holds itself is the one being made, as no block contains itself.
        """
        modules = [node for node in self.structure.nodes.values() if node.role == "module"]
        node = next((node for node in modules if node.type.rpartition(".")[2] == kind), None)
        own = kind == self.structure.regions[self.name].type and region.name == self.name
        if own and (self.name or node is None):
            return "type(self)"
        if kind in self.blocks:
            names = list(dict.fromkeys(self.blocks[kind]))
            return names[0] if len(names) == 1 else f"({', '.join(names)})"
        if node is None:
            raise KeyError(f"no module is a {kind}")
        return constructor(node).partition("(")[0]

    def _guard(self, region: Region, kind: str, name: str) -> str:
        """The test that a parameter is there, where a module of this type may be without: a convolution's bias is None
        then, and a block whose `when` leaves the parameter out has no such attribute."""
        prefix = f"{region.name}." if region.name else ""
        nodes, regions = self.structure.nodes, self.structure.regions.values()
        modules = [each for each in nodes.values() if each.type.rpartition(".")[2] == kind and each.module == each.name]
        optional = name == "bias" and any(each.kind == "convolution" for each in modules)  # to a type checker
        if optional or any(name not in each.parameters for each in modules if each.name.startswith(prefix)):
            return f"if module.{name} is not None:"
        blocks = [each.name for each in regions if each.type == kind and each.module == each.name != ""]
        lacking = any(f"{each}.{name}" not in nodes for each in blocks if each.startswith(prefix))
        return f'if hasattr(module, "{name}"):' if lacking and kind in self.blocks else ""


def filling(how: Mapping[str, Any], tensor: str) -> str:
    """`nn.init.normal_(tensor, std=0.02)`."""
    name = str(how["type"]).rpartition(".")[2]
    arguments = "".join(f", {key}={marked(key, value)}" for key, value in how["arguments"].items())
    return f"nn.init.{name}({tensor}{arguments})"


def filling_line(how: Any, tensor: str) -> str:
    """The line that fills a parameter: a number, or one of torch.nn.init's ways."""
    if isinstance(how, dict):
        return filling(how, tensor)
    if how in (0, 1):
        return f"nn.init.{'zeros' if how == 0 else 'ones'}_({tensor})"
    return f"nn.init.constant_({tensor}, {marked('', how)})"
