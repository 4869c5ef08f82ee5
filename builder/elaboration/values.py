"""`value` layers: an expression over tensors becomes Python text, and its shape is known before anything runs.

In a value the names are tensors, every call is torch's, and what is no tensor (params, vars, sizes) is worked out here.
Shapes come from the rules that the functions of the same names have, so that `a + b` is judged as `add` is.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from builder.elaboration.calling import bound, function
from builder.elaboration.operating import Operations
from builder.elaboration.sight import Seen, text_of
from builder.elaboration.terms import Term, is_known, of_list, of_plain, place_node, plain
from builder.shapes.call import ChoiceType, Made, TensorType
from builder.shapes.indexing import Index, indexed
from builder.shapes.sizes import Free, single_name
from dsl.arithmetic import ExpressionError, bounded, demand_known, holds
from dsl.expressions import named, parsed, picked, short, whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """A value as Python.

    text: the source, with `{0}`, `{1}` where what is read is filled in, and `{device}` where the device of a tensor is
        wanted and none is read. It has no other braces. `self.training` may stand in it.
    reads: what is read, each once, in the order of first use.
    made: the result, multiply-adds and conditions. A result of None: it reads what is not known.
    """

    text: str
    reads: list[Seen]
    made: Made


class _UnknownError(Exception):
    """It reads what has no known shape because of a fault that has been told."""


def compile_value(text: str, constants: Mapping[str, Any], scope: Mapping[str, Seen]) -> Compiled:
    """The `${...}` of a `value` layer, over constants (params, vars, i), which come first, and what is in sight.

    Raises ExpressionError (with `name` set where a name is not known) where it is no expression over tensors, and
    Misfit where shapes or dtypes do not fit.
    """
    inner = whole(text)
    if inner is None:
        raise ExpressionError('a value is one expression: value = "${...}"')
    compiler = _Compiler(constants, scope)
    try:
        return compiler.compiled(compiler.of(parsed(inner)), inner)
    except _UnknownError:
        return Compiled(text="", reads=[], made=Made(result=None))
    except ZeroDivisionError as error:
        raise ExpressionError(f"`{short(inner)}` divides by zero") from error
    except (TypeError, ValueError, ArithmeticError, IndexError) as error:
        raise ExpressionError(f"`{short(inner)}` cannot be worked out: {error}") from error


@dataclass(slots=True)
class _Compiler:
    constants: Mapping[str, Any]
    scope: Mapping[str, Seen]
    read: list[Seen] = field(default_factory=list)
    operations: Operations = field(default_factory=Operations)

    def compiled(self, term: Term, written: str) -> Compiled:
        """The finished text, with what is read numbered as it comes."""
        if isinstance(term.value, list) and term.value and all(each.is_tensor for each in term.value):
            nodes = [each.node for each in term.value]
            term = Term(ast.Tuple(elts=nodes, ctx=ast.Load()), tuple(each.value for each in term.value))
        if not term.is_tensor and not term.is_several:
            raise ExpressionError(f"a value is a tensor, and `{short(written)}` is none")
        text = ast.unparse(term.node)
        order = list(dict.fromkeys(int(each) for each in re.findall(r"\{(\d+)\}", text)))
        text = re.sub(r"\{(\d+)\}", lambda match: f"{{{order.index(int(match[1]))}}}", text)
        reads = [self.read[index] for index in order]
        first = next((index for index, each in enumerate(reads) if isinstance(each.value, TensorType)), None)
        if first is not None:
            text = text.replace("{device}", f"{{{first}}}.device")
        return Compiled(text=text, reads=reads, made=self.operations.made(term.value))

    def of(self, node: ast.expr) -> Term:
        match node:
            case ast.Constant(value=bool() | int() | float() | str() | None):
                return of_plain(bounded(node.value))
            case ast.Name(id=name):
                return self._named(name)
            case ast.List(elts=elements) | ast.Tuple(elts=elements):
                return of_list([self.of(each) for each in elements])
            case ast.UnaryOp(op=op, operand=operand):
                return self.operations.single(op, self.of(operand), node)
            case ast.BinOp(left=left, op=op, right=right):
                return self.operations.pair(op, self.of(left), self.of(right), node)
            case ast.BoolOp(op=op, values=values):
                return self._joined(op, values, node)
            case ast.Compare(left=left, ops=ops, comparators=others):
                return self.operations.compared(ops, [self.of(each) for each in (left, *others)], node)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self.of(body) if self._holds(self.of(test), node) else self.of(orelse)
            case ast.Subscript(value=value, slice=index):
                return self._subscript(self.of(value), index, node)
            case ast.Attribute(value=value, attr=word):
                return self._attribute(self.of(value), word)
            case ast.Call(func=func, args=arguments, keywords=keywords):
                return self._called(func, arguments, keywords, node)
        raise ExpressionError(f"`{short(ast.unparse(node))}` is not something a value may hold")

    def _named(self, name: str) -> Term:
        if name in self.constants:
            return self._constant(self.constants[name], name)
        if name in self.scope:
            return self._seen(self.scope[name])
        return of_plain(named(name, {}))

    def _constant(self, value: Any, name: str) -> Term:
        if isinstance(value, (list, tuple)):
            return of_list([self._constant(each, name) for each in value])
        if isinstance(value, Free):
            return Term(self._size(value), value)
        if isinstance(value, (bool, int, float, str)) or value is None:
            return of_plain(value)
        raise ExpressionError(f"`{name}` is a table, which a value does not read")

    def _seen(self, seen: Seen) -> Term:
        if seen.barred:
            raise ExpressionError(seen.barred)
        if seen.value is None:
            raise _UnknownError
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

    def _holds(self, test: Term, node: ast.expr) -> bool:
        if test.reads:
            message = "`if` chooses by numbers that are known; for tensors write where(condition, a, b)"
            raise ExpressionError(f"{message}: `{short(ast.unparse(node))}`")
        demand_known("a condition", plain(test))
        return holds(plain(test))

    def _joined(self, op: ast.boolop, values: list[ast.expr], node: ast.expr) -> Term:
        every = isinstance(op, ast.And)
        result = of_plain(every)
        for each in values:
            result = self.of(each)
            if result.reads:
                word = "and" if every else "or"
                message = f"`{word}` joins truth values; for tensors write logical_{word}(a, b)"
                raise ExpressionError(f"{message}: `{short(ast.unparse(node))}`")
            if holds(plain(result)) is not every:
                break
        return result

    def _attribute(self, term: Term, word: str) -> Term:
        if term.is_tensor and word == "shape":
            return of_list([self._length(term, dim) for dim in range(len(term.value.shape))])
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

    def _subscript(self, term: Term, index: ast.expr, node: ast.expr) -> Term:
        if term.is_tensor:
            return self._indexed(term, index, node)
        if isinstance(index, ast.Slice):
            ends = [None if each is None else self._known(each) for each in (index.lower, index.upper, index.step)]
            return self._part(term, slice(*ends))
        return self._part(term, self._known(index))

    def _part(self, term: Term, at: Any) -> Term:
        """A place of a list, one of several results, or a run of either."""
        if isinstance(term.value, list):
            return of_list(term.value[at]) if isinstance(at, slice) else term.value[at]
        if not term.is_several:
            raise ExpressionError(f"`{term.value}` is a number or a word, which has no parts")
        if isinstance(at, slice):
            return of_list([self._part(term, each) for each in range(len(term.value))[at]])
        if isinstance(at, str):
            return self._attribute(term, at)
        at = at + len(term.value) if at < 0 else at
        if term.seen is not None:
            return self._seen(picked(term.seen, str(at)))
        several = list(term.value.values()) if isinstance(term.value, dict) else term.value
        if not 0 <= at < len(several):
            raise ExpressionError(f"there is no result {at}: there are {len(several)}")
        return Term(ast.Subscript(term.node, ast.Constant(at), ast.Load()), several[at])

    def _known(self, node: ast.expr) -> Any:
        term = self.of(node)
        if not is_known(term):
            raise ExpressionError(f"`{short(ast.unparse(node))}` is an index, whose number must be known")
        return plain(term)

    def _indexed(self, term: Term, index: ast.expr, node: ast.expr) -> Term:
        parts = index.elts if isinstance(index, ast.Tuple) else [index]
        pairs = [self._index(each) for each in parts]
        made = self.operations.told(node, lambda: indexed(term.value, [each for _, each in pairs]))
        alone = len(pairs) == 1 and not isinstance(pairs[0][0], ast.List)
        inner = pairs[0][0] if alone else ast.Tuple(elts=[each for each, _ in pairs], ctx=ast.Load())
        return Term(ast.Subscript(term.node, inner, ast.Load()), made.result)

    def _index(self, node: ast.expr) -> tuple[ast.expr, Index]:
        """One index as Python writes it, and what is known of it."""
        if isinstance(node, ast.Slice):
            ends = [None if each is None else self._end(each) for each in (node.lower, node.upper, node.step)]
            nodes = [None if each is None else each.node for each in ends]
            return ast.Slice(*nodes), slice(*(None if each is None else each.value for each in ends))
        if isinstance(node, ast.Constant) and node.value is ...:
            return node, ...
        term = self.of(node)
        if isinstance(term.value, list):
            places = plain(term)
            if not places or not all(isinstance(each, int) and not isinstance(each, bool) for each in places):
                raise ExpressionError(f"`{short(ast.unparse(node))}` is a list of places, which are whole numbers")
            return term.node, TensorType((len(places),), "int64")
        if term.is_tensor or term.value is None:
            return term.node, term.value
        return term.node, self._end(node).value

    def _end(self, node: ast.expr) -> Term:
        term = self.of(node)
        if term.value is not None and (isinstance(term.value, bool) or not isinstance(term.value, (int, Free))):
            raise ExpressionError(f"`{short(ast.unparse(node))}` is no whole number, as an index is")
        return term

    def _called(self, func: ast.expr, arguments: list[ast.expr], keywords: list[ast.keyword], node: ast.expr) -> Term:
        name = _dotted_name(func)
        if name is None or any(isinstance(each, ast.Starred) for each in arguments):
            raise ExpressionError(f"`{short(ast.unparse(node))}` is not something a value may hold")
        first = name.partition(".")[0]
        if first != name and (first in self.scope or first in self.constants):
            word = name.rpartition(".")[2]
            raise ExpressionError(f"a value calls functions, not methods: {word}({name[: -len(word) - 1]}, ...)")
        entry = function(name)
        named_ones = {each.arg: self.of(each.value) for each in keywords if each.arg is not None}
        if len(named_ones) < len(keywords):
            raise ExpressionError(f"`{short(ast.unparse(node))}` is not something a value may hold")
        called = bound(entry, [self.of(each) for each in arguments], named_ones)
        return Term(called.node(), self.operations.shaped(called.call(), node, entry.name))


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


def _dotted_name(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    before = _dotted_name(node.value) if isinstance(node, ast.Attribute) else None
    return None if before is None or not isinstance(node, ast.Attribute) else f"{before}.{node.attr}"
