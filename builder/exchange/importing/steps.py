"""One layer of the spec to be, while tensors still have the numbers of the record."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from builder.exchange.importing.frames import Spot
from builder.exchange.importing.values import Ref, Vary


@dataclass(slots=True, eq=False)
class Step:
    """type: as a spec writes it; "value" where it is an expression and nothing else. feed: what it reads by place;
    named: what it reads by name in `input`. arguments: plain values, `Vary` and `Ref` among them. path: of the module,
    the parameter or the buffer that it is. text: it as an expression, `_0_`, `_1_` for the operands; "" where there is
    none. operator: the model's code wrote an operator or an index. variable: that got the result. ties: parameters
    that are another's. again: it calls the module at this path once more."""

    type: str
    result: Any
    feed: list[Any] = field(default_factory=list)
    named: dict[str, Any] = field(default_factory=dict)
    arguments: dict[str, Any] = field(default_factory=dict)
    path: str | None = None
    text: str = ""
    operands: list[Any] = field(default_factory=list)
    operator: bool = False
    spot: Spot | None = None
    ties: dict[str, str] = field(default_factory=dict)
    again: bool = False
    keeps: bool = False  # it holds what the state dict must have, used or not

    def is_stored(self) -> bool:
        """Whether it is a tensor that the model keeps."""
        return self.type in ("Parameter", "Buffer")

    def reads(self) -> list[Ref]:
        from builder.exchange.importing.values import refs

        if self.type == "value":
            return refs(self.operands)
        return refs([self.feed, self.named, self.arguments])


class Writer:
    """Makes the text of an expression, and collects its operands."""

    def __init__(self) -> None:
        self.operands: list[Any] = []

    def of(self, value: Any) -> ast.expr:
        """A value as Python writes it. Tensors and sizes that vary become operands."""
        if isinstance(value, (Ref, Vary)):
            if value not in self.operands:
                self.operands.append(value)
            return ast.Name(f"_{self.operands.index(value)}_")
        if isinstance(value, (list, tuple)):
            return ast.List([self.of(each) for each in value], ast.Load())
        return literal(value)

    def call(self, name: str, placed: Sequence[Any], named: Mapping[str, Any]) -> ast.expr:
        words = [ast.keyword(key, self.of(value)) for key, value in named.items()]
        return ast.Call(ast.Name(name), [self.of(each) for each in placed], words)


def literal(value: Any) -> ast.expr:
    if value is None:
        return ast.Name("none")
    if isinstance(value, bool):
        return ast.Name("true" if value else "false")
    if isinstance(value, (int, float)):
        if isinstance(value, float) and not math.isfinite(value):
            name = ast.Name("nan" if math.isnan(value) else "inf")
            return ast.UnaryOp(ast.USub(), name) if value < 0 else name
        return ast.UnaryOp(ast.USub(), ast.Constant(-value)) if value < 0 else ast.Constant(value)
    if value is ...:
        return ast.Constant(...)
    return ast.Constant(value)


def written(node: ast.expr) -> str:
    return ast.unparse(node)


def joined(text: str, operands: Sequence[Any], inner: Step) -> tuple[str, list[Any]]:
    """An expression with another put where its result stands."""
    operands = list(operands)
    at = operands.index(inner.result)
    rest = [each for each in operands if each != inner.result]
    together = list(rest)
    for each in inner.operands:
        if each not in together:
            together.append(each)

    def renumbered(own: Sequence[Any], piece: str) -> str:
        return re.sub(r"\b_(\d+)_\b", lambda found: f"@{together.index(own[int(found[1])])}@"
                      if own[int(found[1])] in together else found[0], piece)  # fmt: skip

    outer = re.sub(rf"\b_{at}_\b", "@in@", text)
    outer = renumbered(operands, outer).replace("@in@", f"({renumbered(inner.operands, inner.text)})")
    outer = re.sub(r"@(\d+)@", r"_\1_", outer)
    order = list(dict.fromkeys(int(each) for each in re.findall(r"\b_(\d+)_\b", outer)))
    outer = re.sub(r"\b_(\d+)_\b", lambda found: f"_{order.index(int(found[1]))}_", outer)
    return written(ast.parse(outer, mode="eval").body), [together[each] for each in order]
