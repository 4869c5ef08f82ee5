"""Arithmetic on plain values and on free sizes, bounded: what would be too large is an error before it is made.

A *free size* is one that is known only when the model runs. This package knows it as an object that is no plain value
and that nothing can be picked from; it can be added, multiplied and divided in whole numbers, and never be compared.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

LONGEST: Final = 10_000  # characters of a text; elements of a list, those of its lists among them
DEEPEST: Final = 50  # lists in lists, and an expression's brackets
_LIMIT: Final = 10**15  # no size, count or seed of a sane model is larger
_PLACES: Final = 64
_EXPONENT: Final = 64
_FORMULA: Final = 1_000  # characters of a free size
_CHARACTERS: Final = 100_000  # of all texts in a list
_PLAIN: Final = (type(None), bool, int, float, str, list, tuple, dict)
_WHOLE: Final = (ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod)  # what keeps a size a size

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


class ExpressionError(Exception):
    """Why an expression has no value, in one sentence. `name` is set when a name is not known; `among` are those that
    it may stand for, where they are not what is in scope."""

    def __init__(self, message: str, name: str | None = None, among: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.name, self.among = name, tuple(among)


def is_free(value: object) -> bool:
    """Whether it is a size that is known only when the model runs."""
    return not isinstance(value, _PLAIN) and not is_seen(value)


def is_seen(value: object) -> bool:
    """Whether it is a layer's result or an input, which has a shape and of which something can be picked."""
    return hasattr(value, "pick")


def demand_known(what: str, *values: Any) -> None:
    """`what` needs numbers: "a comparison". An error where it hangs on a free size, or is given a tensor."""
    for each in values:
        if isinstance(each, (list, tuple)):
            demand_known(what, *each)
        elif is_seen(each):
            kind = getattr(each, "what", "a tensor; its sizes are in its shape")
            raise ExpressionError(f"{what} needs numbers, and `{each.label}` is {kind}")
        elif is_free(each):
            raise ExpressionError(f"{what} hangs on a free size, {each}, which has no number before the model runs")


def operate(op: ast.operator, left: Any, right: Any) -> Any:
    """`left op right`; ExpressionError where that is unknown to the language or would be too large."""
    if type(op) not in _BINARY:
        raise ExpressionError("an expression has the operators + - * / // % ** and no other")
    if is_free(left) or is_free(right) or is_seen(left) or is_seen(right):
        return _of_sizes(op, left, right)
    _demand_alike(op, left, right)
    if isinstance(op, ast.Pow):
        _demand_small_power(left, right)
    if isinstance(op, ast.Mult):
        for some, times in ((left, right), (right, left)):
            if isinstance(some, (list, str)) and isinstance(times, int) and len(some) * times > LONGEST:
                raise ExpressionError(f"a list in a spec has at most {LONGEST:,} elements")
    return bounded(_BINARY[type(op)](left, right))


def compare(op: ast.cmpop, left: Any, right: Any) -> bool:
    if type(op) not in _COMPARE:
        raise ExpressionError("an expression has the comparisons == != < <= > >= and no other")
    demand_known("a comparison", left, right)
    ordered = all(isinstance(each, (int, float)) for each in (left, right)) or type(left) is type(right)
    if not isinstance(op, (ast.Eq, ast.NotEq)) and not ordered:
        raise ExpressionError(
            f"`{SIGNS[type(op)]}` compares numbers, not {described_plain(left)} and {described_plain(right)}"
        )
    return bool(_COMPARE[type(op)](left, right))


def holds(value: Any) -> bool:
    """What `if`, `and`, `or`, `not` and `when` take a value for."""
    if is_free(value) or is_seen(value):
        demand_known("a condition", value)
    return bool(value)


def negated(value: Any) -> Any:
    if is_seen(value):
        demand_known("`-`", value)
    if not is_free(value) and not isinstance(value, (int, float)):
        raise ExpressionError(f"`-` works on numbers, not on {described_plain(value)}")
    return bounded(-value)


def bounded(value: Any) -> Any:
    """The value itself; ExpressionError where it is larger than a sane spec has use for."""
    if isinstance(value, complex):
        raise ExpressionError("an expression works on real numbers, and this one has a root of a negative number")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _LIMIT:
        raise ExpressionError("a number in a spec is at most 10^15")
    if isinstance(value, str) and len(value) > LONGEST:
        raise ExpressionError(f"a text in an expression has at most {LONGEST:,} characters")
    if isinstance(value, (list, tuple)):
        _demand_short(value)
    return value


def _of_sizes(op: ast.operator, left: Any, right: Any) -> Any:
    """Free sizes go with whole numbers and with each other, in whole numbers."""
    for each in (left, right):
        if is_seen(each):
            demand_known(f"`{SIGNS[type(op)]}`", each)
        if not is_free(each) and (isinstance(each, bool) or not isinstance(each, int)):
            demand_known(f"`{SIGNS[type(op)]}` with {described_plain(each)}", left, right)
    if isinstance(op, ast.Pow) and isinstance(right, int) and 0 < right <= 4:
        made = math.prod([left] * right)
    elif isinstance(op, _WHOLE):
        made = _BINARY[type(op)](left, right)
    else:
        return demand_known(f"`{SIGNS[type(op)]}`", left, right)
    if is_free(made) and len(str(made)) > _FORMULA:
        raise ExpressionError(f"a free size in a spec is a formula of at most {_FORMULA:,} characters")
    return made


def _demand_alike(op: ast.operator, left: Any, right: Any) -> None:
    """Numbers go with numbers; texts and lists are joined by `+`, and repeated by `*`."""
    further = [each for each in (left, right) if not isinstance(each, (int, float))]
    joined = isinstance(op, ast.Add) and type(left) is type(right) and isinstance(left, (str, list))
    repeated = isinstance(op, ast.Mult) and (isinstance(left, int) or isinstance(right, int)) and len(further) == 1
    if not further or joined or (repeated and isinstance(further[0], (str, list))):
        return
    raise ExpressionError(f"`{SIGNS[type(op)]}` works on numbers, not on {described_plain(further[0])}")


def _demand_small_power(left: Any, right: Any) -> None:
    if abs(right) > _EXPONENT or abs(left) > _LIMIT:
        raise ExpressionError(f"a power in a spec has an exponent of at most {_EXPONENT}")


def _demand_short(values: Sequence[Any]) -> None:
    """Counts by levels, as lists in lists may stand for far more than they take; no level is longer than the bound."""
    elements = characters = 0
    level: list[Any] = [values]
    for _ in range(DEEPEST):
        following = []
        for each in level:
            elements += len(each)
            if elements > LONGEST:
                raise ExpressionError(f"a list in a spec has at most {LONGEST:,} elements")
            characters += sum(len(item) for item in each if isinstance(item, str))
            following += [item for item in each if isinstance(item, (list, tuple))]
        if characters > _CHARACTERS:
            raise ExpressionError(f"the texts of a list in a spec have at most {_CHARACTERS:,} characters")
        if not following:
            return
        level = following
    raise ExpressionError(f"lists in a spec nest at most {DEEPEST} deep")


def described_plain(value: Any) -> str:
    if isinstance(value, str):
        return f'the text "{value if len(value) <= 40 else value[:37] + "..."}"'
    kinds: dict[type, str] = {list: "a list", tuple: "a list", dict: "a table", type(None): "none"}
    return kinds.get(type(value), str(value).lower() if isinstance(value, bool) else f"{value}")


def _rounded(value: Any, places: int = 0) -> Any:
    if abs(places) > _PLACES:  # Python works out 10 to the power of the places
        raise ExpressionError(f"`round` takes at most {_PLACES} places")
    return round(value, places) if places else round(value)


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "len": len, "min": min, "max": max, "abs": abs, "sum": sum, "round": _rounded, "floor": math.floor,
    "ceil": math.ceil, "int": int, "float": float, "log": math.log, "exp": math.exp, "sqrt": math.sqrt,
}  # fmt: skip
OF_SIZES: Final = ("len", "sum")  # the functions that take free sizes in lists
CONSTANTS: Final[dict[str, Any]] = {
    "none": None, "true": True, "false": False, "inf": math.inf, "nan": math.nan,
}  # fmt: skip
SIGNS: Final[dict[type[ast.AST], str]] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.MatMult: "@", ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip
