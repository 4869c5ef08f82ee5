"""What the oracle reads: places in the state dict, names in sight, references and expressions."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

KEYS = {"type", "name", "input", "layers", "inputs", "outputs", "share", "value", "repeat", "parallel", "when", "tie",
        "init", "freeze", "train_only", "args"}  # fmt: skip
TENSOR_WORDS = {word: getattr(torch, word) for word in ("tanh", "cat", "exp", "stack", "relu")}
NUMBER_WORDS: dict[str, Any] = {"len": len, "min": min, "max": max, "abs": abs, "sum": sum}
CONSTANTS = {"none": None, "true": True, "false": False}


@dataclass
class Module:
    """What stands at one level of the state dict, in the order in which it was made."""

    parameters: list[str] = field(default_factory=list)
    buffers: list[str] = field(default_factory=list)
    children: dict[str, Module] = field(default_factory=dict)

    def keys(self, prefix: str = "") -> Iterator[str]:
        yield from (prefix + name for name in [*self.parameters, *self.buffers])
        for name, child in self.children.items():
            yield from child.keys(f"{prefix}{name}.")


@dataclass
class Feeds:
    """What a call is given: by place, and by name."""

    places: list[Any] = field(default_factory=list)
    names: dict[str, Any] = field(default_factory=dict)

    def first(self) -> Any:
        return [*self.places, *self.names.values()][0]

    def handed_on(self, names: list[str] | None, result: Any) -> Feeds:
        """What the next copy of a repeat is fed, after one with these inputs gave this."""
        if names is None:
            if self.places:
                return Feeds([result, *self.places[1:]], self.names)
            return Feeds([], {**self.names, next(iter(self.names)): result}) if self.names else self
        fed = dict(zip(names, self.places, strict=False)) | self.names
        by_name = {name: result[name] for name in names if isinstance(result, dict) and name in result}
        return Feeds([], fed | (by_name or {names[0]: result}))


@dataclass
class Call:
    """Something with a name, that may be called again, tied, or asked for a parameter. path: its key."""

    path: str
    again: Callable[[Feeds], Any] | None = None
    parts: dict[str, Call] = field(default_factory=dict)
    names: list[str] | None = None  # of its inputs


@dataclass
class Place:
    """Where a layer's keys stand. module: None in a call of what was made before."""

    path: str
    module: Module | None

    def below(self, name: str) -> Place:
        child = None if self.module is None else self.module.children.setdefault(name, Module())
        return Place(f"{self.path}.{name}" if self.path else name, child)


@dataclass
class Scope:
    """A block while it runs. around: the one whose names a group sees. host: the one that a nameless one stands in."""

    place: Place
    variables: dict[str, Any]
    around: Scope | None = None
    host: Scope | None = None
    values: dict[str, Any] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)
    previous: Any = None
    entries: int = 0
    start: int = 0  # of a nameless named block: its own position 0, in the block around it

    def find(self, name: str) -> tuple[Any, Call | None]:
        if name in self.values:
            return self.values[name], self.calls.get(name)
        if self.around is None:
            raise KeyError(name)
        return self.around.find(name)

    def as_it_is(self) -> Scope:
        """The names in sight now: what stands later is not seen by a call made again later."""
        around = self.around and self.around.as_it_is()
        return replace(self, around=around, values=dict(self.values), calls=dict(self.calls))

    def position(self) -> int:
        return self.host.position() if self.host else self.entries

    def enter(self, name: str, value: Any, call: Call | None, counts: int) -> None:
        """Let a name be seen here, and where this stands without a name of its own."""
        own = str(int(name) - self.start) if name.isdigit() else name
        self.values[own] = value
        if call is not None:
            self.calls[own] = call
        self.entries += counts
        if self.host:
            self.host.enter(name, value, call, counts)


class Reading:
    """What a layer's table says, worked out where the layer stands. The oracle fills the rest."""

    blocks: Mapping[str, Any]
    state: Mapping[str, Tensor]
    ties: dict[str, str]

    def feeds(self, table: Mapping[str, Any], scope: Scope) -> Feeds:
        if self.reads_nothing(table, scope):
            return Feeds()
        given = table.get("input")
        if given is None:
            return Feeds([scope.previous])
        if isinstance(given, Mapping):
            return Feeds([], {name: self.read(each, scope, tuple) for name, each in given.items()})
        return Feeds([self.read(each, scope, tuple) for each in ([given] if isinstance(given, str) else given)])

    def read(self, given: Any, scope: Scope, kind: type) -> Any:
        if isinstance(given, list):
            return tuple(self.read(each, scope, kind) for each in given)
        if isinstance(given, Mapping):
            return {name: self.read(each, scope, kind) for name, each in given.items()}
        return self.said(given, scope, tensors=True) if "${" in given else self.refer(given, scope)

    def refer(self, path: str, scope: Scope) -> Any:
        first, *rest = path.split(".")
        value, call = scope.find(first)
        for part in rest:
            if isinstance(value, dict):
                value = value[part]
            elif isinstance(value, tuple):
                value = value[int(part)]
            else:
                assert call
                value = self.state[self.ties.get(f"{call.path}.{part}", f"{call.path}.{part}")]
        return value

    def said(self, value: Any, scope: Scope, tensors: bool = False) -> Any:
        """A value of the spec with its expressions worked out."""
        if isinstance(value, list):
            return [self.said(each, scope) for each in value]
        if isinstance(value, Mapping):
            return {name: self.said(each, scope) for name, each in value.items()}
        if not isinstance(value, str) or "${" not in value:
            return value
        if re.fullmatch(r"\$\{[^}]*\}", value):
            return self.worked_out(value[2:-1], scope, tensors)
        return re.sub(r"\$\{([^}]*)\}", lambda found: str(self.worked_out(found[1], scope, tensors)), value)

    def worked_out(self, text: str, scope: Scope, tensors: bool) -> Any:
        words = {**CONSTANTS, **(TENSOR_WORDS if tensors else NUMBER_WORDS)}

        def name(word: str) -> Any:
            return scope.variables[word] if word in scope.variables else self.refer(word, scope)

        def dotted(word: str, attribute: str) -> Any:
            return self.refer(f"{word}.{attribute}", scope)

        tree = ast.fix_missing_locations(_Names().visit(ast.parse(text, mode="eval")))
        return eval(compile(tree, text, "eval"), {**words, "_name": name, "_dotted": dotted, "__builtins__": {}})

    # Small questions

    def arguments(self, table: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
        own = {key: self.said(value, scope) for key, value in table.items() if key not in KEYS}
        return own | dict(self.said(table.get("args", {}), scope))

    def kind(self, table: Mapping[str, Any], scope: Scope) -> str:
        return str(self.said(table.get("type", ""), scope))

    def reads_nothing(self, table: Mapping[str, Any], scope: Scope) -> bool:
        return "value" in table or self.kind(table, scope) in ("Parameter", "Buffer")

    def input_names(self, table: Mapping[str, Any], scope: Scope) -> list[str] | None:
        if "layers" in table:
            return table.get("inputs")
        return (
            self.blocks[self.kind(table, scope)].get("inputs", ["x"])
            if self.kind(table, scope) in self.blocks
            else None
        )

    def note(self, path: str | None, result: Any) -> None:
        if path is not None:
            self.shapes[path] = result


class _Names(ast.NodeTransformer):
    """Names and their parts become questions to the oracle; called names are functions."""

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return node if node.id in CONSTANTS else _asked("_name", node.id)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if node.attr != "shape" and isinstance(node.value, ast.Name):
            return _asked("_dotted", node.value.id, node.attr)
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        return ast.Call(node.func, [self.visit(each) for each in node.args], [])


def _asked(question: str, *words: str) -> ast.Call:
    return ast.Call(ast.Name(question, ast.Load()), [ast.Constant(word) for word in words], [])
