"""`value` layers: an expression over tensors becomes Python text, and its shape is known before anything runs.

In a value the names are tensors, every call is torch's, and what is no tensor (params, vars, sizes) is worked out here.
Shapes come from the rules that the functions of the same names have, so that `a + b` is judged as `add` is.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from builder.elaboration.sight import Seen
from builder.elaboration.values.calling import bound, function, is_function
from builder.elaboration.values.names import Names, UnknownValueError
from builder.elaboration.values.operating import Operations
from builder.elaboration.values.terms import Term, is_known, of_list, of_plain, plain
from builder.shapes.call import Made, TensorType
from builder.shapes.indexing import Index, indexed
from builder.shapes.sizes import Free
from dsl.arithmetic import ExpressionError, bounded, demand_known, holds
from dsl.expressions import parsed, short, whole


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


def compile_value(text: str, constants: Mapping[str, Any], scope: Mapping[str, Seen]) -> Compiled:
    """The `${...}` of a `value` layer, over constants (params, vars, i), which come first, and what is in sight.

    Raises ExpressionError (with `name` set where a name is not known) where it is no expression over tensors, and
    Misfit where shapes or dtypes do not fit.
    """
    inner = whole(text)
    if inner is None:
        raise ExpressionError('a value is one expression: value = "${...}"')
    compiler = _Compiler(Names(constants, scope))
    try:
        return compiler.compiled(compiler.of(parsed(inner)), inner)
    except UnknownValueError:
        return Compiled(text="", reads=[], made=Made(result=None))
    except ZeroDivisionError as error:
        raise ExpressionError(f"`{short(inner)}` divides by zero") from error
    except (TypeError, ValueError, ArithmeticError, IndexError) as error:
        raise ExpressionError(f"`{short(inner)}` cannot be worked out: {error}") from error


@dataclass(slots=True)
class _Compiler:
    names: Names
    operations: Operations = field(default_factory=Operations)

    def compiled(self, term: Term, written: str) -> Compiled:
        """The finished text, with what is read numbered as it comes."""
        if isinstance(term.value, list) and term.value and all(each.is_tensor for each in term.value):
            nodes = [each.node for each in term.value]
            term = Term(ast.Tuple(elts=nodes, ctx=ast.Load()), tuple(each.value for each in term.value))
        if not term.is_tensor and not term.is_several:
            raise ExpressionError(f"a value is a tensor, and `{short(written)}` is not one")
        text = ast.unparse(term.node)
        order = list(dict.fromkeys(int(each) for each in re.findall(r"\{(\d+)\}", text)))
        text = re.sub(r"\{(\d+)\}", lambda match: f"{{{order.index(int(match[1]))}}}", text)
        reads = [self.names.read[index] for index in order]
        first = next((index for index, each in enumerate(reads) if isinstance(each.value, TensorType)), None)
        if first is not None:
            text = text.replace("{device}", f"{{{first}}}.device")
        return Compiled(text=text, reads=reads, made=self.operations.made(term.value))

    def of(self, node: ast.expr) -> Term:
        match node:
            case ast.Constant(value=bool() | int() | float() | str() | None):
                return of_plain(bounded(node.value))
            case ast.Name(id=name):
                return self.names.named(name)
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
            case ast.Attribute(value=ast.Name(id=name), attr=word) if self.names.owns(name, word):
                return self.names.parameter(name, word)
            case ast.Attribute(value=value, attr=word):
                return self.names.attribute(self.of(value), word)
            case ast.Call(func=func, args=arguments, keywords=keywords):
                return self._called(func, arguments, keywords, node)
        raise ExpressionError(f"`{short(ast.unparse(node))}` is not something a value may hold")

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

    def _subscript(self, term: Term, index: ast.expr, node: ast.expr) -> Term:
        if term.is_tensor:
            return self._indexed(term, index, node)
        if isinstance(index, ast.Slice):
            ends = [None if each is None else self._known(each) for each in (index.lower, index.upper, index.step)]
            return self.names.part(term, slice(*ends))
        return self.names.part(term, self._known(index))

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
            ends = [
                None if each is None else _whole_number(self.of(each), each)
                for each in (node.lower, node.upper, node.step)
            ]
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
        return term.node, _whole_number(term, node).value

    def _called(self, func: ast.expr, arguments: list[ast.expr], keywords: list[ast.keyword], node: ast.expr) -> Term:
        name = _dotted_name(func)
        if name is None and isinstance(func, ast.Attribute):
            raise ExpressionError(_no_methods(func.attr, short(ast.unparse(func.value))))
        if name is None or any(isinstance(each, ast.Starred) for each in arguments):
            raise ExpressionError(f"`{short(ast.unparse(node))}` is not something a value may hold")
        first = name.partition(".")[0]
        if first != name and not is_function(name) and (first in self.names.scope or first in self.names.constants):
            word = name.rpartition(".")[2]
            raise ExpressionError(_no_methods(word, name[: -len(word) - 1]))
        try:
            entry = function(name)
        except ExpressionError as error:
            if name not in self.names.scope:
                raise
            message = f"`{name}` is a layer, and a value calls functions alone; `share` calls a layer again"
            raise ExpressionError(message) from error
        named_ones = {each.arg: self.of(each.value) for each in keywords if each.arg is not None}
        if len(named_ones) < len(keywords):
            raise ExpressionError(f"`{short(ast.unparse(node))}` is not something a value may hold")
        called = bound(entry, [self.of(each) for each in arguments], named_ones)
        call = called.call()
        if _holds_unknown([*call.reads, *call.keyword_reads.values()]):
            raise UnknownValueError
        result = self.operations.shaped(call, node, entry.name)
        if result is None:
            raise ExpressionError(f"`{name}` gives no tensor")
        return Term(called.node(), result)


def _no_methods(word: str, owner: str) -> str:
    return f"a value calls functions, not methods: {word}({owner}, ...)"


def _whole_number(term: Term, node: ast.expr) -> Term:
    """An index or an end of a slice, which may be none too."""
    if term.value is not None and (isinstance(term.value, bool) or not isinstance(term.value, (int, Free))):
        raise ExpressionError(f"`{short(ast.unparse(node))}` is no whole number, as an index is")
    return term


def _holds_unknown(values: Iterable[Any]) -> bool:
    """Whether one of several results is not known because of a fault."""
    several = [each.values() if isinstance(each, dict) else each for each in values if isinstance(each, (tuple, dict))]
    return any(each is None for each in values) or any(_holds_unknown(list(each)) for each in several)


def _dotted_name(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    before = _dotted_name(node.value) if isinstance(node, ast.Attribute) else None
    return None if before is None or not isinstance(node, ast.Attribute) else f"{before}.{node.attr}"
