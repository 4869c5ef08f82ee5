"""The language by a second mind: an interpreter made from its words alone, to hold the real one against.

It walks a spec's plain tables and computes with the numbers and tensors at hand: no graph, no source, no modules. The
weights are looked up in a state dict under the keys that the language promises. It judges nothing: it is for specs that
are known to be right, over a handful of types.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from language_oracle_reading import Call, Feeds, Module, Place, Reading, Scope
from torch import Tensor
from torch.nn import functional as F

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "relu": torch.relu, "tanh": torch.tanh, "neg": torch.neg, "mul": torch.mul, "add": torch.add, "sub": torch.sub,
    "cat": torch.cat, "chunk": torch.chunk, "flatten": torch.flatten, "reshape": torch.reshape,
}  # fmt: skip
PARAMETERS = {"Linear": ["weight", "bias"], "LayerNorm": ["weight", "bias"], "ReLU": [], "Identity": []}


class Oracle(Reading):
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
        place = (
            scope.place if nameless or self.kind(table, scope) in ("Parameter", "Buffer") else scope.place.below(key)
        )
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
            given = feeds if parallel else given.handed_on(call.names, result)

        def again(fed: Feeds) -> Any:
            found, passed = [], fed
            for each in calls:
                assert each.again
                found.append(each.again(passed))
                passed = fed if parallel else passed.handed_on(each.names, found[-1])
            return tuple(found) if parallel else found[-1]

        result = tuple(results) if parallel else results[-1]
        if not beside:
            parts = {str(i): call for i, call in enumerate(calls)}
            scope.enter(outer, result, Call(around.path, again, parts, calls[0].names), 1)
        return result

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
