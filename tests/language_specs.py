"""Random specs that the language's page holds legal, by a seed: what the oracle and the real thing are held over."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from language_specs_scope import Entry, NothingFitsError, Result, Scope, Table, can_be_spelled, picks_of

# Every tensor is (N, width) or (width,), so that what fits is known while a spec is written.
WIDTHS = (4, 6, 8)
NAMES = ["fc", "mix", "norm", "cat", "out", "self", "a1", "b_2", "a-b", "skip", "head", "body", "query", "Up"]
UNARY = ["relu", "tanh", "neg", "ReLU", "Identity"]
VARS = {"two": 2, "four": 4, "six": "${four + two}", "eight": "${2 * four}", "yes": True}


class Writer:
    """One spec by its seed."""

    def __init__(self, seed: int, size: int = 7) -> None:
        self.random, self.size, self.budget = random.Random(seed), size, 12 + 4 * size
        self.blocks: dict[str, Table] = {}
        self.calls: dict[str, Entry] = {}
        self.bodies: dict[str, Scope] = {}

    def spec(self) -> Table:
        for number in range(self.random.randrange(4)):
            self.define(f"Block{number}")
        inputs = {name: ["N", self.random.choice(WIDTHS)] for name in "xyz"[: self.random.randint(1, 3)]}
        scope = self.scope({name: Result(shape[1]) for name, shape in inputs.items()})
        self.budget = 12 + 4 * self.size
        model: Table = {"inputs": inputs, "layers": self.layers(scope, self.random.randint(2, self.size), 3)}
        self.outputs(model, scope)
        if self.some(0.1):
            model["init"] = self.start(scope.entries)
        return {"name": "Made", "vars": VARS, "blocks": self.blocks, "model": model}

    def some(self, chance: float) -> bool:
        return self.random.random() < chance

    def scope(self, inputs: dict[str, Result], **more: Any) -> Scope:
        scope = Scope(**more)
        scope.entries.update({name: Entry(result) for name, result in inputs.items()})
        scope.taken |= set(inputs)
        scope.previous = next(iter(inputs.values())) if len(inputs) == 1 else None
        return scope

    # Blocks

    def define(self, name: str) -> None:
        names = self.random.sample(["x", "h", "left", "right"], self.random.randint(1, 2))
        inputs = {each: Result(self.random.choice(WIDTHS)) for each in names}
        params = {each for each in ("flag", "times", "mid", "act") if self.some(0.4)}
        scope = self.scope(inputs, params=params)
        block: Table = {"params": sorted(params)} if params else {}
        if self.some(0.3):
            wide = self.random.choice(WIDTHS)
            block["defaults"] = {"wide": self.number(scope, wide)}
            scope.numbers["wide"] = wide
        if names != ["x"] or self.some(0.5):
            block["inputs"] = names
        self.budget = 8
        block["layers"] = self.layers(scope, self.random.randint(1, 4), 2)
        result = self.outputs(block, scope, inputs)
        self.blocks[name], self.bodies[name] = block, scope
        self.calls[name] = Entry(result, list(inputs.values()), names, scope.entries, captures=scope.captures)

    def outputs(self, table: Table, scope: Scope, like: dict[str, Result] | None = None) -> Result:
        """Say what a block gives; often what its inputs are, so that it can be repeated."""
        way = self.random.choice(["last", "last", "first", "one", "array", "table", "names"])
        if like and any(each.parts for each in like.values()):
            like = None
        if like and way == "names":
            return self.named(table, scope, {name: self.reach(table, scope, each) for name, each in like.items()})
        if like and way == "first":
            table["outputs"] = self.reach(table, scope, next(iter(like.values())))
            return self.found(scope, table["outputs"])
        refs = [ref for ref, _ in self.tensors(scope, own=True)]
        if not refs:
            assert scope.previous
            return scope.previous
        picked = self.random.sample(refs, min(len(refs), self.random.randint(1, 3)))
        if way == "one":
            table["outputs"] = picked[0]
            return self.found(scope, picked[0])
        if way == "array":
            table["outputs"] = picked
            return Result(parts={str(k): self.found(scope, ref) for k, ref in enumerate(picked)}, tuple=True)
        if way == "table":
            return self.named(table, scope, {f"k{k}": ref for k, ref in enumerate(picked)})
        assert scope.previous
        return scope.previous

    def named(self, table: Table, scope: Scope, picked: dict[str, str]) -> Result:
        table["outputs"] = picked
        return Result(parts={name: self.found(scope, ref) for name, ref in picked.items()})

    def found(self, scope: Scope, ref: Any) -> Result:
        if isinstance(ref, list):
            return Result(parts={str(k): self.found(scope, each) for k, each in enumerate(ref)}, tuple=True)
        first, *rest = ref.split(".")
        self.captured(scope, first)
        result = next(each.entries[first] for each in scope.around() if first in each.entries).result
        for part in rest:
            result = (result.parts or {}).get(part, Result(flat=True))
        return result

    def reach(self, table: Table, scope: Scope, wanted: Result) -> Any:
        """A reference to something that fits, made by a layer more where there is nothing."""
        if wanted.parts is not None:
            return [self.reach(table, scope, each) for each in wanted.parts.values()]
        fitting = [ref for ref, each in self.tensors(scope) if each.fits(wanted)]
        if fitting and self.some(0.7):
            ref = self.random.choice(fitting)
            self.captured(scope, ref.split(".")[0])
            return ref
        sources = [ref for ref, each in self.tensors(scope) if each.flat == wanted.flat]
        if not sources:
            raise NothingFitsError
        source = self.random.choice(sources)
        self.captured(scope, source.split(".")[0])
        name = self.name(scope) or self.fresh(scope)
        table["layers"].append({"name": name, "type": "Linear", "input": source, "out_features": wanted.width})
        self.done(scope, name, Entry(wanted.anew()))
        return name

    # Names and references

    def fresh(self, scope: Scope) -> str:
        free = [name for name in NAMES if name not in scope.root().taken and name not in scope.taken]
        name = self.random.choice(free) if free else f"n{len(scope.root().taken)}"
        each: Scope | None = scope
        while each:
            each.taken.add(name)
            each = each.host
        return name

    def name(self, scope: Scope) -> str | None:
        return self.fresh(scope) if self.some(0.6) else None

    def tensors(self, scope: Scope, own: bool = False) -> list[tuple[str, Result]]:
        """What can be referred to: each name by the nearest scope, no position from outside, nothing forbidden."""
        found: dict[str, Result] = {}
        seen: set[str] = set()
        forbidden: set[int] = set()
        for depth, each in enumerate(scope.around()):
            for name, entry in each.entries.items():
                if name in seen or (depth and name.isdigit()):
                    continue
                for ref, result in picks_of(name, entry.result):
                    if not any(id(part) in forbidden for part in entry.result.all()):
                        found[ref] = result
            seen |= set(each.entries) | each.taken
            forbidden |= each.forbidden
            if own:
                break
        return [(ref, result) for ref, result in found.items() if result.parts is None and result.width]

    def refer(self, scope: Scope, fits: Callable[[Result], bool], spelled: bool = False) -> str | None:
        """A reference to some such tensor; `spelled`: one that can stand in an expression."""
        refs = [ref for ref, each in self.tensors(scope) if fits(each) and (not spelled or can_be_spelled(ref))]
        if not refs:
            return None
        ref = self.random.choice(refs)
        self.captured(scope, ref.split(".")[0])
        return ref

    def captured(self, scope: Scope, name: str) -> None:
        passed: list[Scope] = []
        for each in scope.around():
            if name in each.entries:
                for inner in passed:
                    inner.captures.add(each.root())
                return
            passed.append(each)

    def number(self, scope: Scope, value: int) -> Any:
        """A whole number as itself or as an expression that comes to it."""
        ways: list[Any] = [value, value, f"${{{value}}}", f"${{{value + 1} - 1}}"]
        ways += [f"${{{name}}}" for name, each in {"two": 2, "four": 4, "six": 6, "eight": 8}.items() if each == value]
        ways += [f"${{{name}}}" for name, each in scope.numbers.items() if each == value]
        ref = self.refer(scope, lambda each: each.width == value, spelled=True) if self.some(0.4) else None
        return f"${{{ref}.shape[-1]}}" if ref and ref.count(".") == 0 else self.random.choice(ways)

    def start(self, inside: dict[str, Entry]) -> Table:
        """Ways to start on what holds these; only what is there can be started."""
        shapes = [(name, shape) for each in inside.values() for name, shape in each.held()]
        ways: list[Table] = [{name: 1.5} for name, _ in shapes]
        ways += [{"Linear.weight": 0.25, "bias": 0.5} for _, shape in shapes if len(shape) == 2]
        ways = [each for each in ways if "bias" not in each or "bias" in dict(shapes)]
        return self.random.choice(ways) if ways else {}

    def condition(self, scope: Scope, truth: bool) -> Any:
        ref = self.refer(scope, lambda each: not each.flat, spelled=True)
        if ref and ref.count(".") == 0 and self.some(0.5):
            width = self.found(scope, ref).width
            return f"${{{ref}.shape[1] {'==' if truth else '!='} {width}}}"
        return self.random.choice(
            [truth, "${yes}" if truth else "${not yes}", f"${{two {'<' if truth else '>'} four}}"]
        )

    def done(self, scope: Scope, name: str | None, entry: Entry) -> None:
        if name is None and scope.root().uncertain:
            scope.root().count += 1
        else:
            scope.enter(str(scope.root().count) if name is None else name, entry)
        scope.previous = entry.result

    # Layers: see language_specs_layers

    def layers(self, scope: Scope, count: int, depth: int) -> list[Table]:
        from language_specs_layers import layer

        made: list[Table] = []
        for _ in range(count):
            if self.budget > 0 or not made:
                self.budget -= 1
                made.append(layer(self, scope, depth))
        return made
