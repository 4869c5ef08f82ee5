"""Texts of specs by chance, over the whole language: each part mostly as it may be, sometimes anything at all.

The chance is handed in, so that hypothesis, which makes what it finds smaller, and a plain seed can both drive it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TypeAlias

from fuzz_words import ATOMS, NAMES, ODD, OPERATORS, SHAPES, SOUND, STARTS, TYPES, VALUES

from dsl.catalogue.lookup import find_known, optimizer_names

Pair: TypeAlias = tuple[str, Callable[[], str]]  # a key, and what writes its value


def spec_text(chance: random.Random) -> str:
    """A text that is a spec throughout, nearly, or not at all."""
    return Writer(chance, chance.choice([0.0, 0.0, 0.01, 0.05, 0.2])).text()


class Writer:
    """One text. odd: how often a part is anything at all."""

    def __init__(self, chance: random.Random, odd: float) -> None:
        self.chance, self.odd = chance, odd
        self.known = ["x"]  # names that a reference may mean
        self.new: list[str] = []  # names of the layer that is being written
        self.count = 0
        self.blocks = [name for name in "BC" if self.maybe(0.4)]

    def text(self) -> str:
        parts = [self.head, self.model]
        more = (self.variables, self.loss, self.optimizer, self.data, self.train)
        parts += [part for part in more if self.maybe(0.2)] + ([self.variant] if self.maybe(self.odd) else [])
        if self.maybe(0.1):
            self.chance.shuffle(parts)
        return "".join(part() for part in parts) + "".join(self.block(name) for name in self.blocks)

    # Choices

    def maybe(self, often: float) -> bool:
        return self.chance.random() < often

    def one(self, several: Sequence[str]) -> str:
        return self.chance.choice(several)

    def usual(self, *several: str) -> str:
        """One of these, or anything."""
        if not self.maybe(self.odd):
            return self.one(several)
        return self.one(ODD) if self.maybe(0.8) else self.one(several)[:-1]

    def array(self, each: Callable[[], str], most: int = 3) -> str:
        return "[" + ", ".join(each() for _ in range(self.chance.randint(0 if self.maybe(0.05) else 1, most))) + "]"

    def pairs(self, pairs: Sequence[Pair], often: float = 1.0) -> list[str]:
        """`key = value` in any order, few of them misspelled."""
        taken = [pair for pair in pairs if self.maybe(often)]
        self.chance.shuffle(taken)
        return [f"{key[1:] if self.maybe(self.odd / 4) else key} = {value()}" for key, value in taken]

    def table(self, pairs: Sequence[Pair], often: float = 1.0) -> str:
        return "{ " + ", ".join(self.pairs(pairs, often)) + " }"

    def lines(self, head: str, pairs: Sequence[Pair], often: float) -> str:
        return f"{head}\n" + "".join(f"{pair}\n" for pair in self.pairs(pairs, often))

    # Values

    def name(self) -> str:
        if self.maybe(self.odd):
            return f'"{self.one(NAMES)}"'
        self.count += 1
        self.new.append(f"l{self.count}")
        return f'"{self.new[-1]}"'

    def expression(self) -> str:
        if self.maybe(0.7 if self.odd else 1):
            return self.usual('"${x}"', '"${x * 2}"', '"${relu(x) + 1}"', f'"${{{self.one(self.known)}}}"')
        words = [self.one(ATOMS)]
        for _ in range(self.chance.randint(0, 3)):
            words += [self.one(OPERATORS), self.one(ATOMS)]
        text = " ".join(words)
        return f'"{self.one(["", "", "", "a"])}${{{text}{self.one(["", "", "", ")", "]"])}}}"'

    def number(self) -> str:
        rare = ['"${i + 1}"', '"${x.shape[1]}"', "0", "-1"] if self.maybe(self.odd) else []
        return self.usual("1", "2", "2", "3", "4", "4", "8", *rare)

    def flag(self) -> str:
        return self.usual("true", "false", '"${1 > 2}"')

    def reference(self) -> str:
        known = [f'"{self.one(self.known)}"' for _ in range(3)]
        return self.usual(*known, *([f'"{self.one(NAMES)}"', f'"{self.one(self.known)}.0"'] if self.odd else []))

    def argument(self) -> str:
        ways = (self.number, self.number, self.flag, self.reference, self.expression, lambda: self.usual(*VALUES))
        return self.array(self.number) if self.maybe(0.15) else self.chance.choice(ways)()

    def shape(self) -> str:
        return self.usual(*SHAPES)

    def declared(self) -> str:
        if self.maybe(0.7):
            return self.shape()
        more: list[Pair] = [("dtype", lambda: self.usual('"int64"', '"float32"', '"bool"', '"float16"', '"complex64"'))]
        bounds: list[Pair] = [("low", lambda: self.usual("0", "1")), ("high", lambda: self.usual("10", "4"))]
        kind: Pair = ("options", lambda: self.array(self.name)) if self.maybe(0.2) else ("shape", self.shape)
        return self.table([kind, *(each for each in (*more, *bounds) if self.maybe(0.3))])

    def inputs(self) -> str:
        names = ["x", "y", "a", "target"][: self.chance.choice([1, 1, 1, 1, 2, 3])]
        return self.usual("{ " + ", ".join(f"{name} = {self.declared()}" for name in names) + " }")

    def fed(self) -> str:
        if self.maybe(0.7):
            return self.reference()
        named: list[Pair] = [("input", self.reference), ("query", self.reference), ("key", self.reference)]
        ways = (lambda: self.table(named, 0.6), self.expression, lambda: f'["x", {self.array(self.reference)}]')
        return self.array(self.reference) if self.maybe(0.4) else self.chance.choice(ways)()

    def outputs(self) -> str:
        return self.usual(self.reference(), self.array(self.reference), self.table([("p", self.reference)]))

    # Layers

    def common(self) -> list[Pair]:
        """Keys that any layer may have."""
        rare: list[Pair] = [
            ("repeat", lambda: self.usual("2", "3", "0", '"${n}"')), ("parallel", self.flag), ("when", self.flag),
            ("init", lambda: self.usual(*STARTS)), ("freeze", self.flag), ("train_only", self.flag),
            ("tie", lambda: self.usual('{ weight = "fc.weight" }', f'{{ "a.weight" = {self.reference()} }}')),
            ("args", lambda: self.usual('"${rest}"', "{ out_features = 4 }", "{ value = 0.5 }")),
        ]  # fmt: skip
        often: list[Pair] = [("name", self.name), ("input", self.fed)]
        taken = [pair for pair, chance in zip(often, (0.4, 0.15), strict=True) if self.maybe(chance)]
        return [*taken, *(self.chance.sample(rare, 1) if self.maybe(0.12) else [])]

    def layer(self, depth: int) -> str:
        way, pairs = self.chance.random(), self.common()
        if way < 0.1 and depth:
            more: list[Pair] = [("inputs", lambda: self.array(self.name)), ("outputs", self.outputs)]
            return self.table([*pairs, ("layers", lambda: self.layers(depth - 1)), *(more if self.maybe(0.1) else [])])
        if way < 0.2:
            return self.table([*pairs, ("value", self.expression)])
        if way < 0.25:
            return self.table([*pairs, ("share", self.reference)])
        if way < 0.85:
            sound = self.one([*SOUND, *(f'"{name}"' for name in self.blocks)])
            kept = self.pairs([pair for pair in pairs if f"{pair[0]} =" not in sound])
            return "{ " + ", ".join([f"type = {sound}", *kept]) + " }"
        return self.typed(self.one(TYPES), pairs)

    def typed(self, name: str, pairs: Sequence[Pair]) -> str:
        """A type of the catalogue with values of any kind for its arguments."""
        entry = find_known(name)
        assert entry is not None
        signature = self.chance.choice([entry.parameters, *entry.overloads])
        taken = [each.name for each in signature if each.required or self.maybe(0.25)]
        arguments: list[Pair] = [(each, self.argument) for each in taken]
        return self.table(list(dict([*arguments, *pairs, ("type", lambda: self.usual(f'"{name}"'))]).items()))

    def layers(self, depth: int = 2) -> str:
        around, text = list(self.known), ""
        for _ in range(self.chance.randint(1, 4)):
            self.new = []
            text += f"  {self.layer(depth)},\n"
            self.known += self.new
        self.known = around if depth < 2 else self.known
        return self.usual(f"[\n{text}]")

    # Tables

    def head(self) -> str:
        keys: list[Pair] = [("name", lambda: self.usual('"Net"')), ("allow", lambda: self.usual('["no-gradient"]'))]
        return "".join(f"{pair}\n" for pair in self.pairs(keys, 0.2))

    def model(self) -> str:
        more: list[Pair] = [("outputs", self.outputs), ("init", lambda: self.usual(*STARTS)), ("freeze", self.flag)]
        keys: list[Pair] = [("inputs", self.inputs), ("layers", self.layers)]
        keys += [each for each in more if self.maybe(0.1)]
        return "[model]\n" + "".join(f"{key} = {value()}\n" for key, value in keys if not self.maybe(self.odd / 2))

    def block(self, name: str) -> str:
        self.known = ["x"]
        keys: list[Pair] = [
            ("params", lambda: self.array(lambda: self.one(['"n"', '"width"']))),
            ("defaults", lambda: self.table([("w", self.argument)])), ("inputs", lambda: self.array(self.name)),
            ("outputs", self.outputs),
        ]  # fmt: skip
        return self.lines(f"[blocks.{name}]", keys, 0.15) + f"layers = {self.layers(1)}\n"

    def variables(self) -> str:
        return self.lines("[vars]", [("n", self.number), ("w", self.argument)], 0.9)

    def loss(self) -> str:
        kind = self.usual('"CrossEntropyLoss"', '"mse_loss"', '"cross_entropy"', '"BCELoss"', f'"{self.one(TYPES)}"')
        body = self.one([f"type = {kind}\n", f"value = {self.expression()}\n", f"layers = {self.layers(1)}\n"])
        if self.maybe(0.3):
            keys: list[Pair] = [("name", self.name), ("factor", self.number)]
            return "".join(self.lines("[[loss]]", keys, 0.9) + body for _ in range(2))
        return self.lines("[loss]", [("input", self.fed)], 0.2) + body

    def optimizer(self) -> str:
        kind = self.usual('"SGD"', '"AdamW"', f'"{self.one(optimizer_names())}"')
        group: list[Pair] = [("match", lambda: self.usual('"*.bias"', '"*"')), ("weight_decay", self.number)]
        keys: list[Pair] = [("lr", self.number), ("groups", lambda: f"[{self.table(group)}]")]
        return f"[optimizer]\ntype = {kind}\n" + self.lines("", keys, 0.6)

    def data(self) -> str:
        keys: list[Pair] = [
            ("validation", lambda: self.usual("0.2", '"b.npz"', "2")), ("batch_size", self.number),
            ("samples", self.number), ("sizes", lambda: self.table([("T", self.number)])),
            ("fields", lambda: self.table([("target", self.declared)])), ("prepare", lambda: self.layers(1)),
            ("shuffle", self.flag),
        ]  # fmt: skip
        source = self.usual('"random"', '"random"', '"digits"', '"a.npz"', '"folder"', '{ x = "x.idx" }')
        return f"[data]\nsource = {source}\n" + self.lines("", keys, 0.4)

    def train(self) -> str:
        keys: list[Pair] = [
            ("epochs", self.number), ("steps", self.number), ("seed", self.number), ("clip_grad_norm", self.number),
            ("device", lambda: self.usual('"cpu"', '"cuda:1"', '"auto"', '["cpu"]')),
            ("precision", lambda: self.usual('"bf16"', '"float32"')),
        ]  # fmt: skip
        return self.lines("[train]", keys, 0.4)

    def variant(self) -> str:
        patch: list[Pair] = [("at", self.reference), ("set", lambda: self.table([("out_features", self.number)]))]
        return self.one([
            self.lines("[[patch]]", patch, 0.9), f"[scheduler]\ntype = {self.name()}\n", 'extends = "base.toml"\n',
            f"[metrics]\na = {self.expression()}\n", f"[extra]\nb = {self.argument()}\n",
        ])  # fmt: skip
