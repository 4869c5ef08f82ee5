"""What layers are called, and how others refer to them from where they stand."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from builder.exchange.importing.blocks import Block, Layer, Read, Size

TAKEN: Final = frozenset(("i", "inf", "nan", "none", "true", "false", "self", "rest", "training"))
_NO_HINTS: Final = frozenset(("x", "out", "output", "outputs", "result", "hidden_states", "hidden_state"))


class ClashError(Exception):
    """A name that is wanted is another's here: the group needs inputs of its own."""


@dataclass(slots=True, eq=False)
class Level:
    """One block on the way, with what its layers are called. fixed: the names that the state dict gives. inputs: of a
    block with inputs of its own their names; None where it sees those around it. fed: what stands for its inputs
    there."""

    block: Block
    names: list[str | None]
    around: Level | None = None
    inputs: list[str] | None = None
    feed: Sequence[Any] = ()
    at: int = 0  # of the layer that is being written
    tables: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Naming:
    """taken: names that are another's already in the block that is being written."""

    taken: set[str] = field(default_factory=set)

    def _names(self, block: Block) -> list[str | None]:
        """What each layer is called by others; what has no name of its own gets one when it is first referred to."""
        found: list[str | None] = []
        for layer in block.layers:
            if layer.name is not None and layer.name != "" and not layer.name.isdigit():
                found.append(layer.name)
            else:
                found.append(None)
        return found

    def _new(self, layer: Layer) -> str:
        """The variable that the model's code has for it, else its type."""
        stem = layer.hint if _may_name(layer.hint) and layer.hint not in _NO_HINTS else ""
        if not stem:
            stem = _of_value(layer.text) if layer.type == "value" else layer.type.rpartition(".")[2].lower()
        stem = stem if _may_name(stem) else "result"
        name, number = stem, 1
        while name in self.taken:
            number += 1
            name = f"{stem}{number}"
        self.taken.add(name)
        return name

    # Names

    def _reference(self, read: Read, level: Level) -> str:
        name = self._name(read, level, level)
        return ".".join([name, *map(str, self._pick(read, level))])

    def _pick(self, read: Read, level: Level) -> tuple[Any, ...]:
        if read.at >= 0 or level.inputs is not None:
            return read.pick
        assert level.around is not None
        outer = level.feed[-1 - read.at]
        return (*self._pick(outer, level.around), *read.pick)

    def _name(self, read: Read, level: Level, start: Level, *, expression: bool = False) -> str:
        if read.at < 0 and level.inputs is not None:
            return self._clear(level.inputs[-1 - read.at], level, start)
        if read.at < 0:
            assert level.around is not None
            return self._name(level.feed[-1 - read.at], level.around, start, expression=expression)
        name = level.names[read.at]
        if name is None and level.block.layers[read.at].name is None:
            name = level.names[read.at] = self._new(level.block.layers[read.at])
        if name is None:
            if level.block.layers[read.at].name == "" or level is not start or expression:
                raise ClashError
            return str(read.at)
        if expression and not name.isidentifier():
            raise ClashError
        return self._clear(name, level, start)

    def _clear(self, name: str, level: Level, start: Level) -> str:
        """The name, if nothing between here and there is called the same."""
        at: Level | None = start
        while at is not None and at is not level:
            if name in at.names or (at.inputs is not None and name in at.inputs):
                raise ClashError
            at = at.around
        return name

    def _text(self, text: str, operands: Sequence[Any], level: Level) -> str:
        def said(found: re.Match[str]) -> str:
            each = operands[int(found[1])]
            if isinstance(each, Size):
                size = self._size(each, level)
                return f"({size})" if re.search(r"[-+*/ ]", size) and _binds(text, found) else size
            return self._picked(each, level)

        return re.sub(r"\b_(\d+)_\b", said, text)

    def _size(self, size: Size, level: Level) -> str:
        return re.sub(r"\b_(\d+)_\b", lambda found: self._picked(size.reads[int(found[1])], level), size.text)

    def _picked(self, read: Read, level: Level) -> str:
        """A reference in an expression: `lstm[0]`, `topk.values`."""
        name = self._name(read, level, level, expression=True)
        picks = self._pick(read, level)
        return name + "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in picks)


def _binds(text: str, found: re.Match[str]) -> bool:
    """Whether an operator stands beside the place."""
    around = text[max(0, found.start() - 2) : found.start()] + text[found.end() : found.end() + 2]
    return bool(re.search(r"[-+*/%@]", around))


def _of_value(text: str) -> str:
    """A word for what an expression does last."""
    node = ast.parse(text, mode="eval").body
    if isinstance(node, ast.Call):
        return ast.unparse(node.func).rpartition(".")[2]
    if isinstance(node, ast.BinOp):
        return {ast.Add: "sum", ast.Sub: "difference", ast.Mult: "product", ast.Div: "quotient"}.get(
            type(node.op), "value"
        )
    return {ast.Subscript: "part", ast.Compare: "mask"}.get(type(node), "value")


def _may_name(word: str) -> bool:
    return word.isidentifier() and not keyword.iskeyword(word) and word not in TAKEN and not word.startswith("_")
