"""`${...}`: arithmetic in a spec's strings.

Parsed with `ast` and evaluated over an allow-list: no attribute but `shape`, no call but a few functions of numbers, no
loop; every result is bounded, so that a hostile expression is an error and never a hang.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

_EMBEDDED: Final = re.compile(r"\$\{([^{}]*)\}")
_LIMIT: Final = 10**15  # no size, count or seed of a sane model is larger
_LONGEST: Final = 10_000  # characters of an expression; elements of a list
_DEEPEST: Final = 50
_PLACES: Final = 64

_BINARY: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_COMPARE: Final[dict[type[ast.cmpop], Callable[[Any, Any], bool]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_UNARY: Final[dict[type[ast.unaryop], Callable[[Any], Any]]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Not: operator.not_,
}


def _rounded(value: Any, places: int = 0) -> Any:
    if abs(places) > _PLACES:  # Python works out 10 to the power of the places
        raise ExpressionError(f"`round` takes at most {_PLACES} places")
    return round(value, places) if places else round(value)


def _elements(value: Any) -> int:
    """How many elements a list holds, those of its lists too; the count stops where there are too many."""
    count = 0
    for each in value:
        count += 1 + (_elements(each) if isinstance(each, list) else 0)
        if count > _LONGEST:
            break
    return count


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "len": len, "min": min, "max": max, "abs": abs, "sum": sum, "round": _rounded, "floor": math.floor,
    "ceil": math.ceil, "int": int, "float": float, "log": math.log, "exp": math.exp, "sqrt": math.sqrt,
}  # fmt: skip
CONSTANTS: Final[dict[str, Any]] = {
    "none": None, "true": True, "false": False, "inf": math.inf, "nan": math.nan,
}  # fmt: skip


class ExpressionError(Exception):
    """Why an expression has no value, in one sentence. `name` is set when a name is not known."""

    def __init__(self, message: str, name: str | None = None) -> None:
        super().__init__(message)
        self.name = name


def holds_expression(value: object) -> bool:
    return isinstance(value, str) and "${" in value


def evaluate(text: str, scope: Mapping[str, Any]) -> Any:
    """The value of a string with `${...}` in it: alone it keeps its type, inside longer text it is written into it."""
    whole = _EMBEDDED.fullmatch(text)
    if whole:
        return _value(whole[1], scope)
    if "${" in _EMBEDDED.sub("", text):
        raise ExpressionError("`${` has no matching `}`")
    return _EMBEDDED.sub(lambda match: str(_value(match[1], scope)), text)


def _value(text: str, scope: Mapping[str, Any]) -> Any:
    if len(text) > _LONGEST:
        raise ExpressionError(f"an expression has at most {_LONGEST} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError(f"`{_short(text)}` is not an expression") from error
    try:
        return _bounded(_of(tree.body, scope, 0))
    except ExpressionError:
        raise
    except ZeroDivisionError as error:
        raise ExpressionError(f"`{_short(text)}` divides by zero") from error
    except (TypeError, ValueError, ArithmeticError, IndexError, KeyError, AttributeError) as error:
        raise ExpressionError(f"`{_short(text)}` cannot be worked out: {error}") from error


def _of(node: ast.expr, scope: Mapping[str, Any], depth: int) -> Any:
    if depth > _DEEPEST:
        raise ExpressionError(f"an expression nests at most {_DEEPEST} deep")

    def of(inner: ast.expr) -> Any:
        return _of(inner, scope, depth + 1)

    match node:
        case ast.Constant(value=bool() | int() | float() | str() | None):
            return _bounded(node.value)
        case ast.Name(id=name):
            return _named(name, scope)
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return [of(each) for each in elements]
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
            return _bounded(_UNARY[type(op)](of(operand)))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _bounded(_operate(op, of(left), of(right)))
        case ast.BoolOp(op=op, values=values):
            return _joined(isinstance(op, ast.And), values, of)
        case ast.Compare(left=left, ops=ops, comparators=others) if all(type(op) in _COMPARE for op in ops):
            operands = [of(each) for each in (left, *others)]
            return all(_COMPARE[type(op)](*operands[i : i + 2]) for i, op in enumerate(ops))
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return of(body) if of(test) else of(orelse)
        case ast.Subscript(value=value, slice=ast.Slice(lower=lower, upper=upper, step=step)):
            parts = [None if part is None else of(part) for part in (lower, upper, step)]
            return of(value)[slice(*parts)]
        case ast.Subscript(value=value, slice=index):
            return of(value)[of(index)]
        case ast.Attribute(value=value, attr="shape"):
            return of(value).shape
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            return _bounded(FUNCTIONS[name](*(of(each) for each in arguments)))
    raise ExpressionError(f"`{_short(ast.unparse(node))}` is not something an expression may hold")


def _named(name: str, scope: Mapping[str, Any]) -> Any:
    if name in scope:
        return scope[name]
    if name in CONSTANTS:
        return CONSTANTS[name]
    raise ExpressionError(f"no variable is called `{name}`", name)


def _joined(every: bool, values: list[ast.expr], of: Callable[[ast.expr], Any]) -> Any:
    result: Any = every
    for each in values:
        result = of(each)
        if bool(result) is not every:
            return result
    return result


def _operate(op: ast.operator, left: Any, right: Any) -> Any:
    if isinstance(op, ast.Pow) and (abs(right) > 64 or abs(left) > _LIMIT):
        raise ExpressionError("a power in a spec has an exponent of at most 64")
    if isinstance(op, ast.Mult):
        for some, times in ((left, right), (right, left)):
            if isinstance(some, list | str) and isinstance(times, int) and len(some) * times > _LONGEST:
                raise ExpressionError(f"a list in a spec has at most {_LONGEST} elements")
    if isinstance(op, ast.Mod) and isinstance(left, str):
        raise ExpressionError("`%` works on numbers only")
    return _BINARY[type(op)](left, right)


def _bounded(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _LIMIT:
        raise ExpressionError("a number in a spec is at most 10^15")
    if (isinstance(value, str) and len(value) > _LONGEST) or (isinstance(value, list) and _elements(value) > _LONGEST):
        raise ExpressionError(f"a list in a spec has at most {_LONGEST} elements")
    return value


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
