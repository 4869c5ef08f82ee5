"""The forward method of one class: which variable holds what, from line to line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from builder.codegen.calls import call, identifier, infix
from builder.codegen.expressions import argument_name, filled, has_lengths
from builder.codegen.forms import Key
from builder.codegen.literals import Code
from builder.codegen.loops import Line, looped
from builder.codegen.paths import path_text
from builder.codegen.structure import Structure
from builder.codegen.variables import Variables, word_of
from builder.graph import Node

# What generated source calls by these names, so that no variable may hide it: its imports, its own `packed`, Python's.
IMPORTED = frozenset(
    ("torch", "nn", "F", "Tensor", "OrderedDict", "functools", "packed", "float", "getattr", "super", "Any")
)


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of `forward`. feed: the reference or the key that a call of it hands over; None of the model's."""

    name: str
    kind: str
    default: str = ""
    feed: Any = None

    def __str__(self) -> str:
        return f"{self.name}: {self.kind}" + (f" = {self.default}" if self.default else "")


@dataclass(slots=True)
class Forward:
    """Lines are pairs: code, and the node whose result it makes, where it is one's."""

    structure: Structure
    name: str  # of the region
    holds: dict[Key, str] = field(default_factory=dict)
    last: dict[Key, int] = field(default_factory=dict)
    arguments: list[Argument] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.name:
            self._whole()
            return
        fed = self._fed()
        for key in self.structure.needs[self.name]:
            if key in fed:
                self.holds[key] = fed[key]
            elif self._text(key) is None:
                module = str(key[0]).startswith("@") and self._is_module(str(key[0])[1:])
                kind = "nn.Module" if module else "str" if self._is_choice({"from": key[0]}) else "Tensor"
                self.holds[key] = self._argument(self._word(key), kind, feed=key)

    def _fed(self) -> dict[Key, str]:
        """An argument for each of the region's inputs that is read; which of them holds a key from outside too, where
        no other call feeds it something else."""
        fed: dict[Key, str] = {}
        region = self.structure.regions[self.name]
        for name, reference in region.reads.items():
            if f"#{self.name}:{name}" in self.structure.read:
                kind = "str" if self._is_choice(reference) else "Any" if self._is_several(reference) else "Tensor"
                self.holds[(f"#{self.name}:{name}",)] = variable = self._argument(name, kind, feed=reference)
                if kind == "Tensor" and self.structure.is_called_once(region):
                    fed.setdefault(self.structure.key(reference), variable)
        return fed

    def _word(self, key: Key) -> str:
        name = str(key[0])
        known = name in self.structure.nodes
        if name.rpartition(".")[2].isdigit() and not self.arguments:
            return "x"  # the main path, which nothing has a name for
        return word_of(self.structure, name) if known else identifier(re.sub(r"^.*[@:]", "", name))

    def signature(self) -> str:
        return ", ".join(["self", *map(str, self.arguments)])

    def result_type(self) -> str:
        results = self.structure.regions[self.name].results
        if isinstance(results, list):
            return "tuple[Tensor, ...]"
        if results is None or "from" in results:
            return "Any" if results and self._is_several(results) else "Tensor"
        return "dict[str, Tensor]"

    def lines(self) -> list[Line]:
        results = self.structure.regions[self.name].results
        parts = list(self.structure.parts(self.name))
        reads = [*(each for _, each in parts), list(self.structure.keys(results))]
        self._note_last_uses(reads)
        taken = {each.name: each.kind for each in self.arguments}
        variables = Variables(self.structure, [part for part, _ in parts], reads, results, taken,
                              IMPORTED | self.structure.imported)  # fmt: skip
        lines = [self._statement(index, part, variables) for index, (part, _) in enumerate(parts)]
        several = isinstance(results, list) and len(results) > 1
        given = self._structured(results, "", "") if several else self._structured(results)
        return _returned(looped(lines, self.structure, self.name), given)

    def _note_last_uses(self, reads: Sequence[Sequence[Key]]) -> None:
        """In which line each key is read last; what a pick is of, as late as the pick."""
        for index, keys in enumerate(reads):
            for key in keys:
                self.last.update((key[:length], index) for length in range(1, len(key) + 1))

    def call_of(self, region: str) -> str:
        """How a region is called: its inputs by place, then what else it needs."""
        there = self.structure.regions[region]
        values = [self._value(each.feed) if isinstance(each.feed, tuple) else self._structured(each.feed)
                  for each in Forward(self.structure, region).arguments]  # fmt: skip
        text = f"{self._value((f'@{there.module}',))}({', '.join(values)})"
        return self._in_training(text, there.passes)

    # Lines

    def _statement(self, index: int, part: str, variables: Variables) -> Line:
        node = self.structure.nodes.get(part)
        expression = self.call_of(part) if node is None else self._expression(node)
        dying = self._forget_dead(index)
        variable = variables.name(index, {text.partition("[")[0] for text in self.holds.values()}, dying)
        if node is None:
            self._hold(self.structure.regions[part].results, variable)
        else:
            self.holds[(part,)] = variable
        return f"{variable} = {expression}", node

    def _expression(self, node: Node) -> str:
        values = [self._structured(each, "[", "]") for each in node.reads]
        if node.role == "value":
            device = self._value(self.structure.key(node.device)) + ".device" if node.device else ""
            return self._in_training(filled(node.expression, values, device), node.passes)
        named = {name: self._structured(each, "[", "]") for name, each in node.keyword_reads.items()}
        arguments = {key: self._argument_value(each, node) for key, each in node.arguments.items()}
        if node.device is not None:
            arguments["device"] = Code(self._value(self.structure.key(node.device)) + ".device")
        module = self._module(node)
        signed = infix(node, values, named)
        text = signed or call(replace(node, arguments=arguments), values, named, module)
        if has_lengths(node):
            text = f"packed({module}, {text.removeprefix(module)[1:]}"
        return self._in_training(text, node.passes)

    def _module(self, node: Node) -> str:
        """What is called; a module without a level is the class that holds it."""
        if node.role != "module":
            return ""
        own = node.module == self.structure.regions[node.region].module
        return "super().forward" if own else self._value((f"@{node.module}",))

    def _in_training(self, text: str, passes: Any) -> str:
        return text if passes is None else f"{text} if self.training else {self._structured(passes)}"

    def _argument_value(self, value: Any, node: Node) -> Any:
        """Sizes that are known only now become expressions over the tensors that have them."""
        if isinstance(value, dict) and set(value) == {"size"}:
            return Code(self._size(value["size"], node))
        if isinstance(value, list):
            return [self._argument_value(each, node) for each in value]
        return value

    def _size(self, text: str, node: Node) -> str:
        def found(name: str) -> str:
            reference, dim = node.sizes[name]
            return f"{self._value(self.structure.key(reference))}.shape[{dim}]"

        return found(text) if text in node.sizes else re.sub(r"[^\W\d]\w*", lambda match: found(match[0]), text)

    # Variables

    def _whole(self) -> None:
        inputs = [node for node in self.structure.nodes.values() if node.role == "input"]
        for index, node in enumerate(inputs):
            trailing = all(each.options for each in inputs[index:])
            default = f'"{node.options[0]}"' if node.options and trailing else ""
            name = argument_name(node)
            self.holds[(node.name,)] = self._argument(name, "str" if node.options else "Tensor", default)

    def _argument(self, name: str, kind: str, default: str = "", feed: Any = None) -> str:
        taken = {each.name for each in self.arguments} | IMPORTED | self.structure.imported
        if name == "x" and "x" in taken:
            name = "skip"
        while name in taken or name == "self":
            name += "_"
        self.arguments.append(Argument(name, kind, default, feed))
        return name

    def _hold(self, reference: Any, text: str) -> None:
        """What a reference, or a structure of them, names is now held by a variable."""
        if isinstance(reference, list):
            for index, each in enumerate(reference):
                self._hold(each, f"{text}[{index}]")
        elif isinstance(reference, dict) and isinstance(reference.get("from"), str):
            self.holds.setdefault(self.structure.key(reference), text)
        elif isinstance(reference, dict):
            for name, each in reference.items():
                self._hold(each, f'{text}["{name}"]')

    def _forget_dead(self, index: int) -> list[str]:
        """Forget what no later line reads. Gives the variables whose values this line read last."""
        dying = [text for key, text in self.holds.items() if self.last.get(key) == index]
        self.holds = {key: text for key, text in self.holds.items() if self.last.get(key, -1) > index}
        return dying

    def _value(self, key: Key) -> str:
        text = self._text(key)
        if text is None:
            raise KeyError(f"{key} is not computed before it is read")
        return text

    def _text(self, key: Key) -> str | None:
        for length in range(len(key), 0, -1):
            if key[:length] in self.holds:
                return self.holds[key[:length]] + "".join(self.structure.steps(key)[length - 1 :])
        if str(key[0]).startswith("@") and self.structure.inside(key, self.name):
            return path_text(self.structure, self.name, str(key[0])[1:])
        return None

    def _structured(self, reference: Any, opening: str = "(", closing: str = ")") -> str:
        if isinstance(reference, list):
            inner = ", ".join(self._structured(each, opening or "(", closing or ")") for each in reference)
            return f"{opening}{inner}{',' if len(reference) == 1 and opening == '(' else ''}{closing}"
        if isinstance(reference.get("from"), str):
            return self._value(self.structure.key(reference))
        return "{" + ", ".join(f'"{key}": {self._structured(each)}' for key, each in reference.items()) + "}"

    # What things are

    def _is_module(self, path: str) -> bool:
        return path in self.structure.regions or any(
            node.module == path and node.role == "module" for node in self.structure.nodes.values()
        )

    def _is_choice(self, reference: Any) -> bool:
        node = self.structure.nodes.get(str(reference.get("from"))) if isinstance(reference, dict) else None
        return node is not None and node.options is not None

    def _is_several(self, reference: Any) -> bool:
        if not isinstance(reference, dict) or not isinstance(reference.get("from"), str):
            return True
        shape: Any = self.structure.nodes[reference["from"]].shape
        for pick in reference.get("pick", ()):
            shape = shape[pick] if isinstance(shape, list | dict) else None
        several = isinstance(shape, dict) or any(isinstance(each, list) for each in shape or ())
        return several and "parameter" not in reference


def _returned(lines: list[Line], result: str) -> list[Line]:
    """The lines with what they give, by itself where the last line makes it."""
    if lines and lines[-1][0].startswith(f"{result} = "):
        code, node = lines[-1]
        return [*lines[:-1], (f"return {code.removeprefix(f'{result} = ')}", node)]
    return [*lines, (f"return {result}", None)]
