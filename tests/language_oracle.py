"""The language by a second mind: an interpreter made from the words of the language alone, to hold the real one against.

It walks a spec's plain tables and computes with numbers and tensors at hand; it makes no graph, no source and no modules.
The weights are looked up in a state dict under the keys that the language promises. It judges nothing: it is for specs
that are known to be right, over a handful of types.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

KEYS = {"type", "name", "input", "layers", "inputs", "outputs", "share", "value", "repeat", "parallel", "when", "tie",
        "init", "freeze", "train_only", "args"}  # fmt: skip
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "relu": torch.relu, "tanh": torch.tanh, "neg": torch.neg, "mul": torch.mul, "add": torch.add, "sub": torch.sub,
    "cat": torch.cat, "chunk": torch.chunk, "flatten": torch.flatten, "reshape": torch.reshape,
}  # fmt: skip
TENSOR_WORDS = {word: getattr(torch, word) for word in ("tanh", "cat", "exp", "stack", "relu")}
NUMBER_WORDS: dict[str, Any] = {"len": len, "min": min, "max": max, "abs": abs, "sum": sum}
CONSTANTS = {"none": None, "true": True, "false": False}
PARAMETERS = {"Linear": ["weight", "bias"], "LayerNorm": ["weight", "bias"], "ReLU": [], "Identity": []}


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
    """A block while it runs. around: the block whose names a group sees. host: the block that a nameless one stands in."""

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


class Oracle:
    """One run of a model. keys: of the state dict, in order. shapes: of the results by dotted name.

    frozen: keys that do not train. starts: key -> the number that its parameter starts with.
    """

    def __init__(self, tables: Mapping[str, Any], state: Mapping[str, Tensor], training: bool) -> None:
        self.blocks = tables.get("blocks", {})
        self.model, self.state, self.training = tables["model"], state, training
        self.root = Module()
        self.shapes: dict[str, Any] = {}
        self.frozen: set[str] = set()
        self.starts: dict[str, float] = {}
        self.ties: dict[str, str] = {}
        self.made: list[tuple[str, str, str]] = []  # key, what holds it, its own name there

        self.vars: dict[str, Any] = {}
        for name, value in tables.get("vars", {}).items():
            self.vars[name] = self.said(value, Scope(Place("", None), self.vars))

    def run(self, inputs: Mapping[str, Tensor]) -> Any:
        scope = Scope(Place("", self.root), dict(self.vars))
        result = self.body(self.model, scope, dict(inputs))
        self.follow(self.model, 0)
        return result

    @property
    def keys(self) -> list[str]:
        return list(self.root.keys())

    # Blocks

    def body(self, block: Mapping[str, Any], scope: Scope, inputs: dict[str, Any], fed: Any = None) -> Any:
        scope.values.update(inputs)
        scope.previous = next(iter(inputs.values())) if len(inputs) == 1 else fed
        for table in block["layers"]:
            scope.previous = self.layer(table, scope)
        return self.read(block["outputs"], scope, dict) if "outputs" in block else scope.previous

    def layer(self, table: Mapping[str, Any], scope: Scope) -> Any:
        name = table.get("name")
        if not self.said(table.get("when", True), scope) or self.said(table.get("repeat", 1), scope) == 0:
            passed = scope.previous if self.reads_nothing(table, scope) else self.feeds(table, scope).first()
            if name and "${" not in name:
                scope.enter(name, passed, None, 0)
            return passed
        before = len(self.made)
        feeds = self.feeds(table, scope)
        result = self.copies(table, scope, feeds) if "repeat" in table else self.once(table, scope, feeds)
        if scope.place.module is not None:
            self.follow(table, before)
        return result

    def follow(self, table: Mapping[str, Any], before: int) -> None:
        """What a layer says about all that was made for it."""
        made = self.made[before:]
        self.frozen.update(key for key, _, _ in made if table.get("freeze"))
        start = table.get("init", {})
        for key, holder, name in made:
            for which, number in start.items() if isinstance(start, Mapping) else ():
                if which in (name, f"{holder}.{name}"):
                    self.starts[key] = number

    def passes(self, table: Mapping[str, Any], scope: Scope, feeds: Feeds, result: Any) -> Any:
        if not table.get("train_only") or self.training:
            return result
        return scope.previous if self.reads_nothing(table, scope) else feeds.first()

    def once(self, table: Mapping[str, Any], scope: Scope, feeds: Feeds) -> Any:
        name, nameless = table.get("name"), table.get("name") == ""
        key = str(scope.position()) if name is None else name
        holds_layers = "layers" in table or self.kind(table, scope) in self.blocks
        place = scope.place if nameless or self.kind(table, scope) in ("Parameter", "Buffer") else scope.place.below(key)
        result, call = self.make(table, scope, place, feeds, scope if nameless else None, key)
        result = self.passes(table, scope, feeds, result)
        if nameless:
            scope.enter("", result, None, 0 if holds_layers else 1)
        else:
            scope.enter(key, result, call, 1)
            self.note(scope.place.below(key).path if place.module else None, result)
        return result

    def copies(self, table: Mapping[str, Any], scope: Scope, feeds: Feeds) -> Any:
        count, name, parallel = self.said(table["repeat"], scope), table.get("name"), table.get("parallel", False)
        beside = name == "" or (name is not None and "${" in name)
        outer = str(scope.position()) if name is None else name
        around = scope.place if beside else scope.place.below(outer)
        calls, results, given = [], [], feeds
        for i in range(count):
            inner = replace(scope, variables={**scope.variables, "i": i})
            key = str(i) if not beside else self.said(name, inner) if name else str(scope.position())
            result, call = self.make(table, inner, around.below(key), given, None, key)
            result = self.passes(table, scope, given, result)
            calls.append(call)
            results.append(result)
            if beside:
                scope.enter(key, result, call, 1)
            self.note(around.below(key).path if scope.place.module else None, result)
            given = feeds if parallel else self.handed_on(call.names, given, result)

        def again(fed: Feeds) -> Any:
            found, passed = [], fed
            for each in calls:
                assert each.again
                found.append(each.again(passed))
                passed = fed if parallel else self.handed_on(each.names, passed, found[-1])
            return tuple(found) if parallel else found[-1]

        result = tuple(results) if parallel else results[-1]
        if not beside:
            parts = {str(i): call for i, call in enumerate(calls)}
            scope.enter(outer, result, Call(around.path, again, parts, calls[0].names), 1)
        return result

    def handed_on(self, names: list[str] | None, given: Feeds, result: Any) -> Feeds:
        if names is None:
            if given.places:
                return Feeds([result, *given.places[1:]], given.names)
            return Feeds([], {**given.names, next(iter(given.names)): result}) if given.names else given
        fed = dict(zip(names, given.places, strict=False)) | given.names
        by_name = {name: result[name] for name in names if isinstance(result, dict) and name in result}
        return Feeds([], fed | (by_name or {names[0]: result}))

    # What is called

    def make(
        self, table: Mapping[str, Any], scope: Scope, place: Place, feeds: Feeds, host: Scope | None, key: str
    ) -> tuple[Any, Call]:
        """The result of a first call, and the call. host: where the layers of a nameless one stand."""
        kind = self.kind(table, scope)
        if "share" in table:
            return self.share(table["share"], scope, feeds)
        if "value" in table:
            return self.said(table["value"], scope, tensors=True), Call(place.path)
        arguments = self.arguments(table, scope)
        if kind in ("Parameter", "Buffer"):
            return self.stored(table, arguments, scope, key)
        if "layers" in table or kind in self.blocks:
            return self.block(table, arguments, scope, place, feeds, host)
        if kind in FUNCTIONS:
            return self.function(kind, arguments, scope, feeds), Call(place.path)
        return self.module(kind, arguments, table, scope, place, feeds)

    def share(self, path: str, scope: Scope, feeds: Feeds) -> tuple[Any, Call]:
        first, *rest = path.split(".")
        call = scope.find(first)[1]
        for part in rest:
            assert call
            call = call.parts[part]
        assert call
        assert call.again
        return call.again(feeds), call

    def block(
        self, table: Mapping[str, Any], arguments: dict[str, Any], scope: Scope, place: Place, feeds: Feeds,
        host: Scope | None,
    ) -> tuple[Any, Call]:  # fmt: skip
        body = table if "layers" in table else self.blocks[self.kind(table, scope)]
        names = self.input_names(table, scope)

        sight = scope.as_it_is()

        def call(fed: Feeds, at: Place, standing: Scope | None) -> tuple[Any, Scope]:
            inner = Scope(at, scope.variables, around=sight, host=standing, start=standing.start if standing else 0)
            if body is not table:
                inner = Scope(at, dict(self.vars), host=standing, start=standing.position() if standing else 0)
            inputs = dict(zip(names or (), fed.places, strict=False)) | fed.names if names else {}
            inner.values.update(inputs)
            if body is not table:
                self.give(body, arguments, inner)
            return self.body(body, inner, inputs, fed.first() if not names else None), inner

        before = len(self.made)
        self.tie(table, scope, place)
        result, inner = call(feeds, place, host)
        if body is not table:
            holder = self.kind(table, scope)
            self.made[before:] = [(k, holder if h == f"@{place.path}" else h, n) for k, h, n in self.made[before:]]
        return result, Call(place.path, lambda fed: call(fed, Place(place.path, None), None)[0], inner.calls, names)

    def give(self, body: Mapping[str, Any], arguments: dict[str, Any], inner: Scope) -> None:
        """A block's params and defaults, and what it does not name as `rest`."""
        names = [*body.get("params", ()), *body.get("defaults", {})]
        inner.variables.update({name: arguments[name] for name in names if name in arguments})
        for name, value in body.get("defaults", {}).items():
            if name not in arguments:
                inner.variables[name] = self.said(value, inner)
        inner.variables["rest"] = {name: value for name, value in arguments.items() if name not in names}

    def stored(self, table: Mapping[str, Any], arguments: dict[str, Any], scope: Scope, name: str) -> tuple[Any, Call]:
        path = f"{scope.place.path}.{name}" if scope.place.path else name
        buffer = self.kind(table, scope) == "Buffer"
        if not arguments.get("persistent", True):
            start = torch.tensor(table["init"])
            return start.expand(arguments["shape"]) if "shape" in arguments else start, Call(path)
        if scope.place.module is not None:
            listed = scope.place.module.buffers if buffer else scope.place.module.parameters
            listed.append(name)
            if not buffer:
                self.made.append((path, f"@{scope.place.path}", name))
                if isinstance(table.get("init"), float):
                    self.starts[path] = table["init"]
        return self.state[path], Call(path)

    def function(self, kind: str, arguments: dict[str, Any], scope: Scope, feeds: Feeds) -> Any:
        if isinstance(arguments.get("other"), str):
            arguments["other"] = self.refer(arguments["other"], scope)
        places = [feeds.places] if kind == "cat" and not isinstance(feeds.places[0], tuple) else feeds.places
        return FUNCTIONS[kind](*places, **feeds.names, **arguments)

    def module(
        self, kind: str, arguments: dict[str, Any], table: Mapping[str, Any], scope: Scope, place: Place, feeds: Feeds
    ) -> tuple[Any, Call]:
        prefix = f"{place.path}." if place.path else ""
        own = [name for name in PARAMETERS[kind] if name != "bias" or arguments.get("bias", True)]
        if place.module is not None:
            first = 0 if table.get("name") == "" and "repeat" not in table else len(place.module.parameters)
            place.module.parameters[first:first] = own
            self.made.extend((prefix + name, kind, name) for name in own)
        self.tie(table, scope, place)

        def call(fed: Feeds) -> Any:
            values = {name: self.state[self.ties.get(prefix + name, prefix + name)] for name in own}
            return self.compute(kind, arguments, values, fed.first())

        return call(feeds), Call(place.path, call)

    def compute(self, kind: str, arguments: dict[str, Any], own: dict[str, Tensor], x: Tensor) -> Tensor:
        if kind == "Linear":
            assert tuple(own["weight"].shape) == (arguments.get("out_features", own["weight"].shape[0]), x.shape[-1])
            return F.linear(x, own["weight"], own.get("bias"))
        if kind == "LayerNorm":
            return F.layer_norm(x, x.shape[-1:], own["weight"], own.get("bias"))
        return torch.relu(x) if kind == "ReLU" else x

    def tie(self, table: Mapping[str, Any], scope: Scope, place: Place) -> None:
        for name, path in table.get("tie", {}).items():
            first, *rest = path.split(".")
            call = scope.find(first)[1]
            assert call
            self.ties[f"{place.path}.{name}" if place.path else name] = ".".join([call.path, *rest])

    # What is read

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
        return self.blocks[self.kind(table, scope)].get("inputs", ["x"]) if self.kind(table, scope) in self.blocks else None

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
