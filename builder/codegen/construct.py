"""The `__init__` of one class: its modules and tensors, how they start, what is tied and what does not train."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from builder.codegen.calls import call, constructor
from builder.codegen.forward import filled
from builder.codegen.holes import hole
from builder.codegen.literals import literal, marked
from builder.codegen.paths import attribute, path_text
from builder.codegen.structure import Structure
from builder.graph import Node, Region


@dataclass(slots=True)
class Construct:
    """calls: what makes each region that has a class or a function; blocks: the names of the classes of each named
    block."""

    structure: Structure
    name: str  # of the region
    calls: Mapping[str, str]
    blocks: Mapping[str, list[str]]

    def base(self) -> str:
        """The class that a module without a level makes it derive from, else nn.Module."""
        node = self._unnamed()
        return "nn.Module" if node is None else self._constructor(node).partition("(")[0]

    def lines(self) -> list[str]:
        region, node = self.structure.regions[self.name], self._unnamed()
        body = [line for child in region.children for line in self._child(child)]
        body += [*self._ties(), *self._own_starts(node)]
        body += [*(self._starts(region, "self") if self.structure.starts_itself(region) else ()), *self._freezes()]
        if node is not None:
            return [f"super().__init__({self._constructor(node).partition('(')[2]}", *body]
        return ["super().__init__()", *body] if body else []

    def chain(self) -> list[str]:
        """The line of a function that makes the region, which is a chain."""
        return [f"return {self._container(self.name, 'chain')}"]

    def _unnamed(self) -> Node | None:
        module = self.structure.regions[self.name].module
        here = [self.structure.nodes[each] for each in self.structure.regions[self.name].children
                if each in self.structure.nodes]  # fmt: skip
        return next((node for node in here if node.role == "module" and node.module == module), None)

    # Modules and tensors

    def _child(self, child: str) -> Iterator[str]:
        """The lines that make a child, and those of what starts in it without a class of its own."""
        node = self.structure.nodes.get(child)
        if node is not None and node.role in ("parameter", "buffer"):
            if node.module == child:
                yield self._tensor(node)
            return
        made = self._made(child)
        if made is None:
            return
        key = child.rpartition(".")[2]
        yield f"self.{key} = {made}" if key.isidentifier() else f'self.add_module("{key}", {made})'
        yield from self._started(child)

    def _made(self, child: str) -> str | None:
        """The expression that makes a child's module, if it has one."""
        node = self.structure.nodes.get(child)
        if node is not None:
            if node.role == "parameter":
                return self._parameter(node)
            return self._constructor(node) if node.role == "module" and node.module == child else None
        form = self.structure.forms[child]
        if child in self.calls and form in ("class", "chain"):
            return self.calls[child]
        return self._container(child, form) if form in ("chain", "list") else None

    def _constructor(self, node: Node) -> str:
        given = {**self.structure.defaults.get(node.name, {}), **node.arguments}
        return constructor(replace(node, arguments=given))

    def _container(self, name: str, form: str) -> str:
        children = self.structure.regions[name].children
        keys = [child.rpartition(".")[2] for child in children]
        made = [self._made(child) for child in children]
        if form == "list":
            first = self.structure.nodes.get(children[0])
            kind = "nn.ParameterList" if first is not None and first.role == "parameter" else "nn.ModuleList"
            if len(made) > 2 and len(set(made)) == 1:
                return f"{kind}([{made[0]} for _ in range({len(made)})])"
            return f"{kind}(\n    [\n{_indented(made, 8)}    ]\n)"
        if keys == [str(i) for i in range(len(keys))]:
            alike = len(made) > 2 and len(set(made)) == 1
            return f"nn.Sequential(*({made[0]} for _ in range({len(made)})))" if alike else (
                f"nn.Sequential(\n{_indented(made, 4)})"
            )  # fmt: skip
        pairs = [_pair(key, str(each)) for key, each in zip(keys, made, strict=True)]
        return f"nn.Sequential(\n    OrderedDict(\n        [\n{_indented(pairs, 12)}        ]\n    )\n)"

    def _tensor(self, node: Node) -> str:
        key = node.name.rpartition(".")[2]
        if node.role == "parameter":
            made = self._parameter(node)
            return f"self.{key} = {made}" if key.isidentifier() else f'self.register_parameter("{key}", {made})'
        value = self._kept(node.reads[0]) if node.reads else self._filled(node)
        saved = ", persistent=False" if node.arguments.get("persistent") is False else ""
        return f'self.register_buffer("{key}", {value}{saved})'

    def _parameter(self, node: Node) -> str:
        floating = str(node.dtype).startswith(("float", "bfloat", "complex"))
        return f"nn.Parameter({self._filled(node)}{'' if floating else ', requires_grad=False'})"

    def _filled(self, node: Node) -> str:
        """A new tensor: drawn from the standard normal, unless it says how it starts."""
        shape = ", ".join(hole("size", str(size)) for size in node.shape)
        shape = f"({shape},)" if len(node.shape) == 1 else f"({shape})"
        dtype = "" if "dtype" not in node.arguments else f", dtype=torch.{node.arguments['dtype']}"
        how = node.init.get("")
        if how is None:
            return f"torch.randn({shape}{dtype})"
        if isinstance(how, dict):
            return filling(how, f"torch.empty({shape}{dtype})")
        if isinstance(how, list):
            return f"torch.tensor({how!r}, dtype=torch.{node.dtype})"
        if how in (0, 1) and not isinstance(how, bool):
            return f"torch.{'zeros' if how == 0 else 'ones'}({shape}{dtype})"
        plain = isinstance(how, float) and node.dtype == "float32"  # what torch takes a number with a point for
        return f"torch.full({shape}, {literal(how)}{dtype or ('' if plain else f', dtype=torch.{node.dtype}')})"

    def _kept(self, reference: Any) -> str:
        """The value of a buffer that keeps what was worked out: one expression over what makes it."""
        if isinstance(reference, list):
            return f"[{', '.join(self._kept(each) for each in reference)}]"
        node = self.structure.nodes[reference["from"]]
        if node.role in ("parameter", "buffer") or "parameter" in reference:
            path = str(self.structure.key(reference)[0])[1:]
            return path_text(self.structure, self.name, path) + ".detach()"
        values = [self._kept(each) for each in node.reads]
        named = {key: self._kept(each) for key, each in node.keyword_reads.items()}
        text = filled(node.expression, values, '"cpu"') if node.role == "value" else call(node, values, named, "")
        picks = "".join(f".{each}" if isinstance(each, str) else f"[{each}]" for each in reference.get("pick", ()))
        return (f"({text})" if node.role == "value" else text) + picks

    # How they start

    def _started(self, child: str) -> Iterator[str]:
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
                yield from self._started(each)
            yield from self._starts(self.structure.regions[child], path_text(self.structure, self.name, child))
        elif self.structure.forms[child] == "class" and not self.structure.starts_itself(self.structure.regions[child]):
            yield from self._starts(self.structure.regions[child], path_text(self.structure, self.name, child))

    def _parameter_text(self, module: str, name: str, optional: Collection[str] = ()) -> str:
        """A parameter as it is reached from here. Through containers, and where torch says that it may be None, by its
        path, so that a type checker knows it for a parameter."""
        path = path_text(self.structure, self.name, module)
        if name not in optional and re.fullmatch(r"self(\.\w+)?", path):
            return attribute(path, name)
        around = self.structure.regions[self.name].module
        return f'self.get_parameter("{f"{module}.{name}".removeprefix(f"{around}." if around else "")}")'

    def _own_starts(self, unnamed: Node | None) -> Iterator[str]:
        if unnamed is not None:
            yield from (filling_line(how, attribute("self", name)) for name, how in unnamed.init.items())

    def _starts(self, region: Region, owner: str) -> Iterator[str]:
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
        yield from self._starts_by_type(region, owner, by_type)

    def _starts_by_type(self, region: Region, owner: str, by_type: Mapping[str, dict[str, Any]]) -> Iterator[str]:
        lines: dict[str, list[str]] = {}
        for kind, several in by_type.items():
            classes = self._class_text(kind, region)
            starts = [each for name, how in several.items() for each in self._guarded_start(region, kind, name, how)]
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

    def _guarded_start(self, region: Region, kind: str, name: str, how: Any) -> Iterator[str]:
        guard = self._guard(region, kind, name)
        if guard:
            yield guard
        yield f"{'    ' if guard else ''}{filling_line(how, attribute('module', name))}"

    def _only(self, region: Region, name: str) -> str:
        """The one parameter of this name that a region holds itself, as seen from here; "" where others have it too."""
        inside = [each for each in self.structure.nodes if each.startswith(f"{region.name}." if region.name else "")]
        having = [each for each in inside if name in self.structure.nodes[each].parameters
                  or (self.structure.nodes[each].role == "parameter" and each.rpartition(".")[2] == name)]  # fmt: skip
        own = f"{region.name}.{name}" if region.name else name
        here = having == [own] and region.module == region.name
        return self._parameter_text(region.name, name) if here else ""

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

    # Ties and what does not train

    def _ties(self) -> Iterator[str]:
        """Ties whose two ends lie in this class and not both in one of its parts."""
        for node in self.structure.tied:
            for name, written in node.ties.items():
                target = self.structure.tied_to(written)
                if self._class_around(str(node.module), target) == self.name:
                    own = path_text(self.structure, self.name, str(node.module)) if node.module else "self"
                    yield f"{attribute(own, name)} = {path_text(self.structure, self.name, target)}"

    def _class_around(self, module: str, target: str) -> str:
        """The innermost region with a class that holds both."""
        at = module
        while at not in self.structure.forms or self.structure.forms[at] != "class" or not _holds(at, target):
            at = at.rpartition(".")[0]
        return at

    def _freezes(self) -> Iterator[str]:
        region = self.structure.regions[self.name]
        if region.frozen:
            if not self._frozen_around(self.name):
                yield "self.requires_grad_(False)"
            return
        yield from (line for child in region.children for line in self._frozen(child))

    def _frozen(self, child: str) -> Iterator[str]:
        """What stops training in a child, or in what stands in it without a class of its own."""
        node = self.structure.nodes.get(child)
        if node is not None:
            trains = not (node.frozen and (node.parameters or node.role == "parameter"))
            if not trains and node.module == child:
                yield f"{path_text(self.structure, self.name, child)}.requires_grad_(False)"
            elif not trains and node.module == self.structure.regions[self.name].module:
                yield from (f"{attribute('self', name)}.requires_grad_(False)" for name in node.parameters)
        elif self.structure.forms[child] in ("chain", "list"):
            if self.structure.regions[child].frozen:
                yield f"{path_text(self.structure, self.name, child)}.requires_grad_(False)"
            else:
                yield from (line for each in self.structure.regions[child].children for line in self._frozen(each))

    def _frozen_around(self, name: str) -> bool:
        """Whether a class around freezes this one along with itself."""
        while name:
            name = name.rpartition(".")[0]
            if name in self.structure.regions and self.structure.regions[name].frozen:
                return True
        return False


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


def _holds(region: str, path: str) -> bool:
    return not region or path.startswith(f"{region}.")


def _pair(key: str, made: str) -> str:
    """A name and a module, as a formatter writes them."""
    if "\n" not in made:
        return f'("{key}", {made})'
    return f'(\n    "{key}",\n{_indented([made], 4)})'


def _indented(made: list[str | None] | list[str], spaces: int) -> str:
    return "".join(textwrap.indent(f"{each},\n", " " * spaces) for each in made)
