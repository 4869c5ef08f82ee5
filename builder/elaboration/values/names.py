"""Names in a `value`: params and vars, what is in sight, the picks and sizes of it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from builder.elaboration.sight import Seen, text_of
from builder.elaboration.values.terms import Term, of_list, of_plain, place_node
from builder.shapes.call import ChoiceType, TensorType
from builder.shapes.sizes import Free, single_name
from dsl.arithmetic import ExpressionError
from dsl.expressions import named, parsed, picked
from dsl.tables import FAULTY

_WRITTEN = 20_000
# Properties of torch.Tensor, as functions.
_PROPERTIES = {"T": "transpose(x, 0, 1)", "mT": "transpose(x, -2, -1)", "real": "real(x)", "imag": "imag(x)"}


class UnknownValueError(Exception):
    """It reads what has no known shape because of a fault that has been told."""


@dataclass(slots=True)
class Names:
    """What the names of one value stand for: constants first, then what is in sight.

    read: what has been read so far; a tensor's place in the text is its index here.
    """

    constants: Mapping[str, Any]
    scope: Mapping[str, Seen]
    read: list[Seen] = field(default_factory=list)
    written: int = 0  # how many numbers constants have put into the text

    def named(self, name: str) -> Term:
        if name in self.constants:
            term = self._constant(self.constants[name], name)
            self.written += len(term.value) if isinstance(term.value, list) else 1
            if self.written > _WRITTEN:
                raise ExpressionError(f"a value writes out at most {_WRITTEN:,} numbers; a Buffer holds more")
            return term
        if name in self.scope:
            return self._seen(self.scope[name])
        return of_plain(named(name, {}))

    def owns(self, name: str, word: str) -> bool:
        """Whether a layer of this name owns such a parameter, and does not give it as one of several results."""
        seen = None if name in self.constants else self.scope.get(name)
        several = seen is not None and isinstance(seen.value, dict) and word in seen.value
        return seen is not None and word in seen.parameters and not several

    def parameter(self, name: str, word: str) -> Term:
        """A layer's own parameter, which is there whether or not the layer's result can be read."""
        return self._seen(picked(self.scope[name], word))

    def _constant(self, value: Any, name: str) -> Term:
        if isinstance(value, (list, tuple)):
            return of_list([self._constant(each, name) for each in value])
        if isinstance(value, Free):
            return Term(self._size(value), value)
        if isinstance(value, (bool, int, float, str)) or value is None:
            return of_plain(value)
        if value is FAULTY:
            raise UnknownValueError
        raise ExpressionError(f"`{name}` is a table, which a value does not read")

    def _seen(self, seen: Seen) -> Term:
        if seen.barred:
            raise ExpressionError(seen.barred)
        if seen.value is None:
            raise UnknownValueError
        if isinstance(seen.value, ChoiceType):
            raise ExpressionError(f"`{seen.label}` is a choice of words, which a value does not read")
        known = [each.reference for each in self.read]
        if seen.reference not in known:
            self.read.append(seen)
            known.append(seen.reference)
        return Term(place_node(known.index(seen.reference)), seen.value, seen)

    def _size(self, size: Free) -> ast.expr:
        """A free size as Python works it out: its names are dims of tensors in sight."""
        places: dict[str, ast.expr] = {}
        for seen in [*self.read, *self.scope.values()]:
            if isinstance(seen.value, TensorType) and not seen.barred:
                for dim, each in enumerate(seen.value.shape):
                    if single_name(each) and str(each) not in places:
                        places[str(each)] = _dim(self._seen(seen).node, dim)
        return _Filled(places, size).visit(parsed(str(size)))  # type: ignore[no-any-return]

    def attribute(self, term: Term, word: str) -> Term:
        if term.is_tensor and word == "shape":
            return of_list([self._length(term, dim) for dim in range(len(term.value.shape))])
        if term.is_tensor and word in _PROPERTIES:
            raise ExpressionError(f"a value calls functions, and has no `.{word}`: write {_PROPERTIES[word]}")
        if term.seen is not None:
            if word == "shape":
                raise ExpressionError(f"`{term.seen.label}` has no shape: it gives {text_of(term.value)}")
            return self._seen(picked(term.seen, word))
        if isinstance(term.value, dict):
            if word in term.value:
                return Term(ast.Attribute(term.node, word, ast.Load()), term.value[word])
            there = ", ".join(f"`{each}`" for each in term.value)
            raise ExpressionError(f"there is no result `{word}`; what can be picked is {there}")
        raise ExpressionError(f"`.{word}` is not something a value may hold: it asks shapes and picks results")

    def _length(self, term: Term, dim: int) -> Term:
        size = term.value.shape[dim]
        return of_plain(size) if isinstance(size, int) else Term(_dim(term.node, dim), size)

    def part(self, term: Term, at: Any) -> Term:
        """A place of a list, one of several results, or a run of either."""
        if isinstance(term.value, list):
            return of_list(term.value[at]) if isinstance(at, slice) else term.value[at]
        if not term.is_several:
            raise ExpressionError(f"`{term.value}` is a number or a word, which has no parts")
        if isinstance(at, slice):
            return of_list([self.part(term, each) for each in range(len(term.value))[at]])
        if isinstance(at, str):
            return self.attribute(term, at)
        at = at + len(term.value) if at < 0 else at
        if term.seen is not None:
            return self._seen(picked(term.seen, str(at)))
        several = list(term.value.values()) if isinstance(term.value, dict) else term.value
        if not 0 <= at < len(several):
            raise ExpressionError(f"there is no result {at}: there are {len(several)}")
        return Term(ast.Subscript(term.node, ast.Constant(at), ast.Load()), several[at])


class _Filled(ast.NodeTransformer):
    """Puts what a free size's names stand for in their places."""

    def __init__(self, places: Mapping[str, ast.expr], size: Free) -> None:
        self.places, self.size = places, size

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id not in self.places:
            raise ExpressionError(f"the free size {self.size} is no dim of a tensor in sight")
        return self.places[node.id]


def _dim(node: ast.expr, dim: int) -> ast.expr:
    return ast.Subscript(ast.Attribute(node, "shape", ast.Load()), ast.Constant(dim), ast.Load())
