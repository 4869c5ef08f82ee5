"""The `__init__` of one class: its modules and tensors, what is tied and what does not train."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from builder.codegen.calls import call, constructor
from builder.codegen.expressions import filled
from builder.codegen.holes import hole
from builder.codegen.literals import literal
from builder.codegen.paths import attribute, path_text
from builder.codegen.starts import Starts, filling
from builder.codegen.structure import Structure
from builder.graph import Node


@dataclass(slots=True)
class Construct:
    """calls: what makes each region that has a class or a function; blocks: the names of the classes of each named
    block."""

    structure: Structure
    name: str  # of the region
    calls: Mapping[str, str]
    blocks: Mapping[str, list[str]]

    @property
    def _starts(self) -> Starts:
        return Starts(self.structure, self.name, self.blocks)

    def base(self) -> str:
        """The class that a module without a level makes it derive from, else nn.Module."""
        node = self._unnamed()
        return "nn.Module" if node is None else self._constructor(node).partition("(")[0]

    def lines(self) -> list[str]:
        region, node = self.structure.regions[self.name], self._unnamed()
        body = [line for child in region.children for line in self._child(child)]
        body += [*self._ties(), *self._starts.of_base(node)]
        body += [
            *(self._starts.of_all(region, "self") if self.structure.starts_itself(region) else ()),
            *self._freezes(),
        ]
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
        yield from self._starts.of(child)

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


def _holds(region: str, path: str) -> bool:
    return not region or path.startswith(f"{region}.")


def _pair(key: str, made: str) -> str:
    """A name and a module, as a formatter writes them."""
    if "\n" not in made:
        return f'("{key}", {made})'
    return f'(\n    "{key}",\n{_indented([made], 4)})'


def _indented(made: list[str | None] | list[str], spaces: int) -> str:
    return "".join(textwrap.indent(f"{each},\n", " " * spaces) for each in made)
