"""A graph as Python source: one class for the model and one for each group that is more than a chain of modules."""

from __future__ import annotations

import inspect
import keyword
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from builder import graph as contract
from builder.codegen.imports import import_lines, imported_names
from builder.codegen.literals import WIDTH, call, constructor, entry_of, identifier
from builder.graph import Node, Region
from builder.shapes.call import shape_text

if TYPE_CHECKING:
    import networkx

IMPORTED = frozenset(("torch", "nn", "F", "Tensor", "OrderedDict"))  # names at the top of generated source
Key = tuple[Any, ...]  # a node's name, then the picks among its results


def source_of(graph: networkx.DiGraph[str]) -> str:
    """The module's source. It needs torch alone; the class is `class_name(graph)`."""
    return _Writer(graph).text()


def class_name(graph: networkx.DiGraph[str]) -> str:
    """The spec's name without the characters that Python forbids; `...Model` where the source needs the name itself."""
    name = re.sub(r"\W", "", str(graph.graph["name"]))
    name = name if name.isidentifier() else f"Model{name}"
    own = {node.target.rpartition(".")[2] for node in contract.nodes(graph) if node.target.startswith("tomograph.")}
    taken = own | IMPORTED | imported_names(node.target for node in contract.nodes(graph))
    return f"{name}Model" if name in taken or keyword.iskeyword(name) else name


def argument_name(node: Node) -> str:
    """What `forward` calls an input."""
    name = node.name.partition(".")[2]
    return name if name.isidentifier() else f"x{re.sub(r'[^0-9a-zA-Z_]', '_', name)}"


@dataclass(slots=True)
class _Writer:
    graph: networkx.DiGraph[str]
    nodes: dict[str, Node] = field(default_factory=dict)
    regions: dict[str, Region] = field(default_factory=dict)
    classes: dict[str, str] = field(default_factory=dict)  # of each region that needs one
    imported: frozenset[str] = IMPORTED

    def __post_init__(self) -> None:
        self.nodes = {node.name: node for node in contract.nodes(self.graph)}
        self.imported = IMPORTED | imported_names(node.target for node in self.nodes.values())
        self.regions = contract.regions(self.graph)
        for name in self.regions:
            if not name or not self._is_chain(name):
                self.classes[name] = self._new_class_name(name)

    def text(self) -> str:
        classes = [self._class(name) for name in reversed(self.classes)]
        body = "\n\n\n".join([*self._own_layers(), *classes]) + "\n"
        heading = _docstring(f"{self.graph.graph['name']}: written from a TOML spec.", "")
        imports = "\n".join([_imports(body), *import_lines(node.target for node in self.nodes.values())])
        return f"{heading}\n\nfrom __future__ import annotations\n\n{imports}\n\n\n{body}"

    def _own_layers(self) -> list[str]:
        used = dict.fromkeys(n.target for n in self.nodes.values() if n.target.startswith("tomograph."))
        if not used:
            return []
        from builder import layers

        return [inspect.getsource(getattr(layers, target.partition(".")[2])).rstrip() for target in sorted(used)]

    def _new_class_name(self, region: str) -> str:
        if not region:
            return class_name(self.graph)
        base = "".join(part[:1].upper() + part[1:] for part in re.split(r"\W|_", region) if part)
        base = base if base.isidentifier() else f"Group{base}"
        taken = {*self.classes.values(), *self.imported, *(n.target.rpartition(".")[2] for n in self.nodes.values())}
        return base if base not in taken else f"{base}{len(taken)}"

    def _is_chain(self, name: str) -> bool:
        """Whether a group is what nn.Sequential does: modules one after another, one tensor in and out."""
        before: Any = None
        for position, child in enumerate(self.regions[name].children):
            if child in self.regions:
                reads, arguments = self._region_reads(child), False
                if child in self.classes or not self._is_chain(child):
                    return False
                result = self.regions[child].results
            else:
                node = self.nodes[child]
                if node.role != "module" or node.keyword_reads or node.module != child:
                    return False
                reads, result = [_key(each) for each in node.reads], {"from": child}
                arguments = bool(_forward_arguments(node))
            if len(reads) != 1 or arguments or (position and reads[0] != before):
                return False
            before = _key(result)
        return before is not None and _key(self.regions[name].results) == before

    def _region_reads(self, name: str) -> list[Key]:
        """What a group reads from outside, each once, in the order of use."""
        inside = f"{name}."
        found: dict[Key, None] = {}
        for node in self.nodes.values():
            if node.name.startswith(inside):
                for reference in _flat([node.reads, node.keyword_reads]):
                    if not str(reference["from"]).startswith(inside):
                        found[_key(reference)] = None
        for reference in _flat(self.regions[name].results):
            if not str(reference["from"]).startswith(inside):
                found[_key(reference)] = None
        return list(found)

    def _class(self, name: str) -> str:
        region = self.regions[name]
        forward = _Forward(self, region)
        lines = [f"class {self.classes[name]}(nn.Module):", textwrap.indent(self._doc(name), "    "), ""]
        made = [line for child in region.children for line in self._assignment(child)]
        if made:
            lines += ["    def __init__(self) -> None:", "        super().__init__()"]
            lines += [textwrap.indent(line, " " * 8) for line in made] + [""]
        lines += [f"    def forward(self, {forward.signature()}) -> {forward.result_type()}:"]
        lines += [textwrap.indent(line, " " * 8) for line in forward.body()]
        return "\n".join(lines)

    def _doc(self, name: str) -> str:
        if name:
            return _docstring(f"The group `{name}`.", "")
        shapes = [f"{n.name.partition('.')[2]}: {_shape(n)}" for n in self.nodes.values() if n.role == "input"]
        results = [_shape(n) for n in self.nodes.values() if n.role == "output"]
        doc = str(self.graph.graph["doc"]) or f"{self.graph.graph['name']}."
        return _docstring(doc, f"{', '.join(shapes)} -> {', '.join(results)}")

    def _assignment(self, child: str) -> Iterator[str]:
        """The lines of `__init__` that make a child's module, if it has one."""
        made = self._constructor(child)
        if made is None:
            return
        key = child.rpartition(".")[2]
        yield f"self.{key} = {made}" if key.isidentifier() else f'self.add_module("{key}", {made})'

    def _constructor(self, child: str) -> str | None:
        if child in self.classes:
            return f"{self.classes[child]}()"
        if child in self.regions:
            return self._sequential(child)
        node = self.nodes[child]
        return constructor(node) if node.role == "module" and node.module == child else None

    def _sequential(self, name: str) -> str:
        keys = [child.rpartition(".")[2] for child in self.regions[name].children]
        made = [self._constructor(child) for child in self.regions[name].children]
        if keys == [str(i) for i in range(len(keys))]:
            lines = "".join(textwrap.indent(f"{each},\n", "    ") for each in made)
            return f"nn.Sequential(\n{lines})"
        pairs = zip(keys, made, strict=True)
        lines = "".join(textwrap.indent(f'("{key}", {each}),\n', "    ") for key, each in pairs)
        return f"nn.Sequential(OrderedDict([\n{lines}]))"


@dataclass(slots=True)
class _Forward:
    """The forward method of one region: which variable holds what, from line to line."""

    writer: _Writer
    region: Region
    holds: dict[Key, str] = field(default_factory=dict)
    arguments: list[tuple[str, str, str]] = field(default_factory=list)  # name, type, default

    def __post_init__(self) -> None:
        if self.region.name:
            for key in self.writer._region_reads(self.region.name):
                name = identifier(str(key[0]))
                self._argument(key, f"{name}_" if name in self.writer.imported else name, "Tensor", "")
            return
        inputs = [node for node in self.writer.nodes.values() if node.role == "input"]
        for index, node in enumerate(inputs):
            trailing = all(each.options for each in inputs[index:])
            default = f'"{node.options[0]}"' if node.options and trailing else ""
            self._argument((node.name,), argument_name(node), "str" if node.options else "Tensor", default)

    def _argument(self, key: Key, name: str, kind: str, default: str) -> None:
        taken = {each for each, _, _ in self.arguments}
        while name in taken or name == "self":
            name += "_"
        self.arguments.append((name, kind, default))
        self.holds[key] = name

    def signature(self) -> str:
        return ", ".join(f"{n}: {kind}" + (f" = {default}" if default else "") for n, kind, default in self.arguments)

    def result_type(self) -> str:
        results = self.region.results
        if isinstance(results, list):
            return "tuple[Tensor, ...]"
        return "Tensor" if results is None or "from" in results else "dict[str, Tensor]"

    def body(self) -> list[str]:
        steps = [(child, self._reads(child)) for child in self.region.children]
        returned = [_key(each) for each in _flat(self.region.results)]
        lines = []
        for index, (child, _) in enumerate(steps):
            later = {key for _, keys in steps[index + 1 :] for key in keys} | set(returned)
            lines.append(self._statement(child, later))
        lines.append(f"return {self._structure(self.region.results)}")
        return lines

    def _reads(self, child: str) -> list[Key]:
        if child in self.writer.regions:
            return self.writer._region_reads(child)
        node = self.writer.nodes[child]
        return [_key(each) for each in _flat([node.reads, node.keyword_reads])]

    def _statement(self, child: str, later: set[Key]) -> str:
        reads = self._reads(child)
        expression = self._expression(child, reads)
        variable = self._variable(child, reads, later)
        self._forget(variable)
        note = ""
        if child in self.writer.regions:
            self._hold_results(child, variable)
        else:
            self.holds[(child,)] = variable
            note = f"  # {_shape(self.writer.nodes[child])}"
        line = f"{variable} = {expression}"
        return line + note if len(line + note) <= WIDTH else line

    def _hold_results(self, child: str, variable: str) -> None:
        results = self.writer.regions[child].results
        if isinstance(results, list):
            self.holds |= {_key(each): f"{variable}[{i}]" for i, each in enumerate(results)}
        elif isinstance(results, dict) and "from" not in results:
            self.holds |= {_key(each): f'{variable}["{name}"]' for name, each in results.items()}
        elif results:
            self.holds[_key(results)] = variable

    def _expression(self, child: str, reads: list[Key]) -> str:
        key = child.rpartition(".")[2]
        module = f"self.{key}" if key.isidentifier() else f'getattr(self, "{key}")'
        if child in self.writer.regions:
            return f"{module}({', '.join(self._value(each) for each in reads)})"
        node = self.writer.nodes[child]
        values = [self._structure(each, "[", "]") for each in node.reads]
        named = {name: self._structure(each, "[", "]") for name, each in node.keyword_reads.items()}
        return call(node, values, named, module)

    def _variable(self, child: str, reads: list[Key], later: set[Key]) -> str:
        """`x` where it is free; else a variable whose value dies here, or one by the layer's own name."""
        live = {self._value(key).partition("[")[0] for key in later if self._known(key)}
        given = {name for name, _, _ in self.arguments}
        if "x" not in live:
            return "x"
        for key in reads:
            variable = self._value(key)
            if variable.isidentifier() and variable not in live and variable not in given:
                return variable
        name = identifier(child)
        while name in live | given | self.writer.imported or name == "self":
            name += "_"
        return name

    def _known(self, key: Key) -> bool:
        return key in self.holds or (key[0],) in self.holds

    def _forget(self, variable: str) -> None:
        gone = [key for key, held in self.holds.items() if held.partition("[")[0] == variable]
        for key in gone:
            del self.holds[key]

    def _value(self, key: Key) -> str:
        if key in self.holds:
            return self.holds[key]
        for length in range(len(key) - 1, 0, -1):
            if key[:length] in self.holds:
                picks = "".join(f".{each}" if isinstance(each, str) else f"[{each}]" for each in key[length:])
                return self.holds[key[:length]] + picks
        raise KeyError(f"{key} is not computed before it is read")

    def _structure(self, reference: Any, opening: str = "(", closing: str = ")") -> str:
        if isinstance(reference, list):
            inner = ", ".join(self._structure(each, opening, closing) for each in reference)
            return f"{opening}{inner}{',' if len(reference) == 1 and opening == '(' else ''}{closing}"
        if "from" in reference:
            return self._value(_key(reference))
        return "{" + ", ".join(f'"{key}": {self._structure(each)}' for key, each in reference.items()) + "}"


def _forward_arguments(node: Node) -> set[str]:
    return {each.name for each in entry_of(node).inputs} & set(node.arguments)


def _flat(reads: Any) -> Iterator[dict[str, Any]]:
    """The single references in a structure of them."""
    if isinstance(reads, list):
        for each in reads:
            yield from _flat(each)
    elif isinstance(reads, dict) and isinstance(reads.get("from"), str):
        yield reads
    elif isinstance(reads, dict):
        for each in reads.values():
            yield from _flat(each)


def _key(reference: Any) -> Key:
    if isinstance(reference, dict) and "from" in reference:
        return (reference["from"], *reference.get("pick", ()))
    return ()


def _shape(node: Node) -> str:
    if node.options:
        return "one of " + ", ".join(node.options)
    if not isinstance(node.shape, list):
        return "any shape"
    if node.shape and not all(isinstance(size, int | str) for size in node.shape):
        return ", ".join(shape_text(each) if isinstance(each, list) else "..." for each in node.shape)
    return shape_text(node.shape) if node.dtype in ("float32", None) else f"{node.dtype} {shape_text(node.shape)}"


def _docstring(first: str, second: str) -> str:
    text = first.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    lines = textwrap.wrap(text, WIDTH) or ["A model."]
    if not second:
        return '"""' + "\n".join(lines) + '"""'
    return '"""' + "\n".join([*lines, "", second]) + '\n"""'


def _imports(body: str) -> str:
    lines = ["import torch"] if re.search(r"\btorch\.(?!nn)", body) else []
    if "OrderedDict(" in body:
        lines = ["from collections import OrderedDict", "", *lines]
    if "F." in body:
        lines.append("import torch.nn.functional as F")
    return "\n".join([*lines, "from torch import Tensor, nn"])
