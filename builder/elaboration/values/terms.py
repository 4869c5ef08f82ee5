"""What a part of a `value` stands for: a tensor, a number, a list of such; and how Python writes it.

Python text is made from `ast` trees, which put the brackets where they belong. What a value reads stands in the tree as
a set of one number, `{0}`: no value has sets or tables of its own, so that every brace in the text is a place to fill.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from builder.elaboration.sight import Seen, text_of
from builder.shapes.call import TensorType, Value
from builder.shapes.dtypes import result_dtype
from builder.shapes.sizes import Free
from dsl.arithmetic import LONGEST, ExpressionError
from dsl.tables import described


@dataclass(frozen=True, slots=True)
class Drawn:
    """A number that is known only when the model runs and is no whole size: N / 2, N ** 0.5."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Term:
    """One part of a value.

    node: the Python that makes it.
    value: what is known of it: a TensorType, a tuple or dict of several results; else a plain value, a free size, a
        `Drawn` number, or a list of terms.
    seen: the name in sight that it is, as long as it is no more than that.
    """

    node: ast.expr
    value: Any
    seen: Seen | None = None

    @property
    def is_tensor(self) -> bool:
        return isinstance(self.value, TensorType)

    @property
    def is_several(self) -> bool:
        return isinstance(self.value, (tuple, dict))

    @property
    def reads(self) -> bool:
        """Whether tensors stand in it."""
        if isinstance(self.value, list):
            return any(each.reads for each in self.value)
        return self.is_tensor or self.is_several


Index: TypeAlias = "Term | slice"


def of_plain(value: Any) -> Term:
    """A number, a word, none, a truth value, or a list of such."""
    if isinstance(value, (list, tuple)):
        return of_list([of_plain(each) for each in value])
    return Term(_literal(value), value)


def of_list(terms: Sequence[Term]) -> Term:
    _demand_short(terms)
    return Term(ast.List(elts=[each.node for each in terms], ctx=ast.Load()), list(terms))


def plain(term: Term) -> Any:
    """What is known of a term, its lists as lists of such."""
    return [plain(each) for each in term.value] if isinstance(term.value, list) else term.value


def argument(term: Term) -> Any:
    """The value of a term without tensors as rules and signatures take it: any fraction for one that is not known."""
    if isinstance(term.value, list):
        return [argument(each) for each in term.value]
    return 0.5 if isinstance(term.value, Drawn) else term.value


def described_term(term: Term) -> str:
    """What a term is, in a sentence."""
    if isinstance(term.value, Drawn):
        return f"the number {term.value}"
    if isinstance(term.value, list) and term.reads:
        return f"a list of {', '.join(dict.fromkeys(described_term(each) for each in term.value))}"
    return text_of(term.value) if term.reads else described(plain(term))


def values_of(term: Term) -> Value:
    """What is fed to a call: a tensor, or a tuple for a sequence of them."""
    if isinstance(term.value, list):
        return tuple(values_of(each) for each in term.value)
    found: Value = term.value
    return found


def is_known(term: Term) -> bool:
    """Whether every number in it is known before the model runs."""
    if isinstance(term.value, list):
        return all(is_known(each) for each in term.value)
    return not isinstance(term.value, (Free, Drawn)) and not term.is_tensor and not term.is_several


def as_tensor(term: Term) -> Term:
    """An array of numbers as the tensor that it becomes beside tensors, on their device."""
    shape = _array_shape(plain(term))
    numbers = list(_numbers(term))
    dtype = result_dtype(each for each in numbers) if numbers else "float32"
    made = call_node("torch.tensor", [term.node], {"device": DEVICE})
    return Term(made, TensorType(shape, dtype))


def call_node(name: str, arguments: Sequence[ast.expr], keywords: dict[str, ast.expr]) -> ast.expr:
    """`name(arguments, key=word)`."""
    words = [ast.keyword(arg=key, value=value) for key, value in keywords.items()]
    return ast.Call(func=dotted(name), args=list(arguments), keywords=words)


def dotted(name: str) -> ast.expr:
    first, *rest = name.split(".")
    node: ast.expr = ast.Name(id=first, ctx=ast.Load())
    for each in rest:
        node = ast.Attribute(value=node, attr=each, ctx=ast.Load())
    return node


def place_node(index: int) -> ast.expr:
    """`{0}`: where what is read at this index is filled in."""
    return ast.Set(elts=[ast.Constant(index)])


# `{device}`: the device of what the value reads, or the model's own where it reads nothing.
DEVICE: ast.expr = ast.Set(elts=[ast.Name(id="device", ctx=ast.Load())])


def _demand_short(terms: Sequence[Term]) -> None:
    """Counts by levels and stops where there are too many, as one list may stand in another many times."""
    count = 0
    level: list[Sequence[Term]] = [terms]
    while level:
        following: list[Sequence[Term]] = []
        for each in level:
            count += len(each)
            if count > LONGEST:
                raise ExpressionError(f"a list in a spec has at most {LONGEST:,} elements")
            following += [term.value for term in each if isinstance(term.value, list)]
        level = following


def _literal(value: Any) -> ast.expr:
    """A negative number is the negation of its size, as Python reads it: (-1) ** 2."""
    if isinstance(value, str) and ("{" in value or "}" in value):
        raise ExpressionError("a word in a value has no braces")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if math.copysign(1, value) < 0 and value == value:
            return ast.UnaryOp(op=ast.USub(), operand=_literal(-value))
        if not math.isfinite(value):
            return dotted("torch.inf" if value == value else "torch.nan")
    return ast.Constant(value)


def _array_shape(value: Any) -> tuple[int, ...]:
    """The dims of a list of lists of numbers; ExpressionError where it is ragged or holds other things."""
    if not isinstance(value, list):
        if not isinstance(value, (bool, int, float)):
            raise ExpressionError(f"a list beside tensors holds numbers, and this one holds {value}")
        return ()
    shapes = {_array_shape(each) for each in value}
    if len(shapes) > 1:
        raise ExpressionError("a list beside tensors has rows of one length")
    return (len(value), *next(iter(shapes), ()))


def _numbers(term: Term) -> list[Any]:
    if isinstance(term.value, list):
        return [number for each in term.value for number in _numbers(each)]
    return [term.value]
