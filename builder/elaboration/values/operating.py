"""Operators of a `value`: on tensors they are judged as the functions that torch calls for them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from builder.elaboration.sight import text_of
from builder.elaboration.values.terms import Drawn, Term, argument, as_tensor, of_list, of_plain, plain
from builder.shapes.call import Call, Condition, Made, Misfit, TensorType, Value
from builder.shapes.dtypes import category
from builder.shapes.rules import shape
from builder.shapes.sizes import Free, Size
from dsl.arithmetic import SIGNS, ExpressionError, bounded, compare, holds, negated, operate
from dsl.catalogue import Entry, find
from dsl.expressions import short

_FUNCTIONS: dict[type[ast.AST], str] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.FloorDiv: "floor_divide",
    ast.Mod: "remainder", ast.Pow: "pow", ast.MatMult: "matmul", ast.USub: "neg", ast.UAdd: "positive",
    ast.Eq: "eq", ast.NotEq: "ne", ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge",
}  # fmt: skip


@dataclass(slots=True)
class Operations:
    """What the operations of one value cost and demand, and what each of them makes."""

    multiply_adds: Size = 0
    conditions: tuple[Condition, ...] = ()

    def made(self, result: Value) -> Made:
        conditions = tuple(dict.fromkeys(self.conditions))
        return Made(result=result, multiply_adds=self.multiply_adds, conditions=conditions)

    def told(self, node: ast.expr, ask: Callable[[], Made], sign: str = "", name: str = "") -> Made:
        """What `ask` answers; an objection says where in the value it was, and calls an operator by its sign."""
        try:
            made = ask()
        except Misfit as misfit:
            message = misfit.message.replace(name, sign, 1) if sign and misfit.message.startswith(name) else None
            note = f"in `{short(ast.unparse(node))}`"
            raise replace(
                misfit, message=message or misfit.message, notes=(*misfit.notes, note), argument=None
            ) from misfit
        self.multiply_adds = self.multiply_adds + made.multiply_adds
        self.conditions += tuple(made.conditions)
        return made

    def shaped(self, call: Call, node: ast.expr, name: str, sign: str = "") -> Value:
        return self.told(node, lambda: shape(call), sign, name).result

    def single(self, op: ast.unaryop, term: Term, node: ast.expr) -> Term:
        if isinstance(op, ast.Invert):
            raise ExpressionError("`~` is not in the language; logical_not(a) and bitwise_not(a) are")
        if isinstance(op, ast.Not):
            if term.reads:
                raise ExpressionError(f"`not` turns a truth value; for tensors write logical_not(a): `{_text(node)}`")
            return of_plain(not holds(plain(term)))
        written = ast.UnaryOp(op=op, operand=term.node)
        if term.is_tensor:
            name = _FUNCTIONS[type(op)]
            call = Call(entry=_entry(name), arguments={}, reads=[term.value])
            return Term(written, self.shaped(call, node, name, "`-`" if name == "neg" else "`+`"))
        if isinstance(term.value, Drawn):
            return Term(written, Drawn(f"-({term.value})"))
        _demand_number(term, node)
        value = negated(term.value) if isinstance(op, ast.USub) else bounded(+term.value)
        return Term(written, value) if isinstance(value, Free) else of_plain(value)

    def pair(self, op: ast.operator, left: Term, right: Term, node: ast.expr) -> Term:
        if type(op) not in _FUNCTIONS:
            raise ExpressionError("a value has the operators + - * / // % ** @, and functions such as logical_and")
        if any(each.is_tensor or each.is_several for each in (left, right)):
            return self._of_tensors(op, left, right, ast.BinOp, node)
        if isinstance(left.value, list) or isinstance(right.value, list):
            return _of_lists(op, left, right, node)
        return _of_numbers(op, left, right, node)

    def compared(self, ops: Sequence[ast.cmpop], terms: Sequence[Term], node: ast.expr) -> Term:
        if not any(each.reads for each in terms):
            values = [plain(each) for each in terms]
            return of_plain(all(compare(op, *values[index : index + 2]) for index, op in enumerate(ops)))
        if len(ops) > 1:
            message = "tensors are compared two at a time: logical_and(a < b, b < c)"
            raise ExpressionError(f"{message}, not `{_text(node)}`")
        if type(ops[0]) not in _FUNCTIONS:
            raise ExpressionError("a value has the comparisons == != < <= > >= and no other")
        return self._of_tensors(ops[0], terms[0], terms[1], ast.Compare, node)

    def _of_tensors(self, op: Any, left: Term, right: Term, form: type[ast.expr], node: ast.expr) -> Term:
        """An operator that Python hands to torch; an array of numbers beside a tensor becomes one."""
        left, right = (as_tensor(each) if isinstance(each.value, list) else each for each in (left, right))
        sign, name = f"`{SIGNS[type(op)]}`", _FUNCTIONS[type(op)]
        for each in (left, right):
            _demand_operand(each, sign, node, numbers=name != "matmul")
        entry = _entry(name)
        first, second = (each.name for each in entry.parameters[:2])
        numbers = {key: argument(each) for key, each in ((first, left), (second, right)) if not each.is_tensor}
        reads = [left.value] if left.is_tensor else []
        reads += [right.value] if reads and right.is_tensor else []
        keyword_reads = {} if left.is_tensor else {second: right.value}
        call = Call(entry=entry, arguments=numbers, reads=reads, keyword_reads=keyword_reads)
        _demand_whole_power(name, left.value, right.value, node)
        written = (
            ast.BinOp(left=left.node, op=op, right=right.node)
            if form is ast.BinOp
            else ast.Compare(left=left.node, ops=[op], comparators=[right.node])
        )
        return Term(written, self.shaped(call, node, name, sign))


def _of_numbers(op: ast.operator, left: Term, right: Term, node: ast.expr) -> Term:
    """Numbers are worked out, as far as they are known."""
    for each in (left, right):
        _demand_number(each, node)
    written = ast.BinOp(left=left.node, op=op, right=right.node)
    values = (left.value, right.value)
    if isinstance(op, ast.MatMult):
        raise ExpressionError(f"`@` multiplies tensors, not the numbers of `{_text(node)}`")
    if any(isinstance(each, (Free, Drawn)) for each in values) and (
        isinstance(op, ast.Div) or any(isinstance(each, (float, Drawn)) for each in values)
    ):
        return Term(written, Drawn(f"{left.value} {SIGNS[type(op)]} {right.value}"))
    result = operate(op, *values)
    return Term(written, result) if isinstance(result, Free) else of_plain(result)


def _of_lists(op: ast.operator, left: Term, right: Term, node: ast.expr) -> Term:
    """Lists are put together by + and repeated by *."""
    if isinstance(op, ast.Add) and isinstance(left.value, list) and isinstance(right.value, list):
        made = [*left.value, *right.value]
    elif isinstance(op, ast.Mult) and (isinstance(left.value, int) or isinstance(right.value, int)):
        operate(op, plain(left), plain(right))  # so that what is too long is never made
        made = left.value * right.value
    else:
        raise ExpressionError(f"lists are joined by `+` and repeated by `*` with a whole number: `{_text(node)}`")
    return of_list(made)


def _demand_number(term: Term, node: ast.expr) -> None:
    if not isinstance(term.value, (int, float, Free, Drawn)):
        raise ExpressionError(f"`{_text(node)}` is not arithmetic on numbers or tensors")


def _demand_operand(term: Term, sign: str, node: ast.expr, numbers: bool) -> None:
    if term.is_several:
        raise ExpressionError(f"{sign} takes one tensor, and one side of `{_text(node)}` is {text_of(term.value)}")
    if not term.is_tensor and not (numbers and isinstance(term.value, (int, float, Free, Drawn))):
        fits = "tensors and numbers" if numbers else "tensors"
        raise ExpressionError(f"{sign} works on {fits}: `{_text(node)}`")


def _demand_whole_power(name: str, base: Any, exponent: Any, node: ast.expr) -> None:
    whole = isinstance(base, TensorType) and category(base.dtype) < 2
    if name == "pow" and whole and isinstance(exponent, int) and exponent < 0:
        fix = f"{float(exponent)} as the exponent gives float32"
        raise Misfit(
            f"`**` cannot raise {base.dtype} to a negative whole number", fix=fix, notes=(f"in `{_text(node)}`",)
        )


def _entry(name: str) -> Entry:
    entry = find(f"torch.{name}")
    if entry is None:
        raise KeyError(f"the catalogue has no torch.{name}")
    return entry


def _text(node: ast.expr) -> str:
    return short(ast.unparse(node))
