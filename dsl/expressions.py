"""`${...}`: arithmetic in a spec's strings.

Parsed with `ast` and evaluated over an allow-list: no attribute but `shape`, picks and parameters, no call but a few
functions of numbers, no loop; every result is bounded (`dsl.arithmetic`), so that a hostile expression is an error and
never a hang.

What stands in scope is a plain value, a free size, or an object in sight: one with `label`, `shape`, `picks` (the words
that `pick` knows) and `pick(word)`, which gives one of several results or a parameter, and None for what is not there.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from dsl.arithmetic import (
    CONSTANTS,
    DEEPEST,
    FUNCTIONS,
    LONGEST,
    OF_SIZES,
    ExpressionError,
    bounded,
    compare,
    demand_known,
    described_plain,
    holds,
    is_free,
    is_seen,
    negated,
    operate,
)

__all__ = ["ExpressionError", "evaluate", "holds_expression", "named", "parsed", "picked", "short", "whole"]

_MOST: Final = 1_000  # expressions in one text
_WRITTEN: Final = 100_000  # characters of a text with expressions in it


def holds_expression(value: object) -> bool:
    return isinstance(value, str) and "${" in value


def evaluate(text: str, scope: Mapping[str, Any]) -> Any:
    """The value of a string with `${...}` in it: alone it keeps its type, inside longer text it is written into it."""
    inner = whole(text)
    if inner is not None:
        return _value(inner, scope)
    words: list[str] = []
    length = 0
    for count, (piece, is_expression) in enumerate(_pieces(text)):
        if count > 2 * _MOST:
            raise ExpressionError(f"a text has at most {_MOST:,} expressions in it")
        words.append(_written(_value(piece, scope)) if is_expression else piece)
        length += len(words[-1])
        if length > _WRITTEN:
            raise ExpressionError(f"a text with expressions in it has at most {_WRITTEN:,} characters")
    return "".join(words)


def whole(text: str) -> str | None:
    """What stands between the braces, where the text is one `${...}` and nothing else."""
    if not text.startswith("${") or not text.endswith("}"):
        return None
    return text[2:-1] if _closing(text, 2) == len(text) - 1 else None


def parsed(text: str) -> ast.expr:
    """The tree of an expression; ExpressionError where it is none, is too long, or too deep to walk down by calls."""
    if len(text) > LONGEST:
        raise ExpressionError(f"an expression has at most {LONGEST:,} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError(_no_expression(text)) from error
    _demand_shallow(tree)
    return tree


def named(name: str, scope: Mapping[str, Any]) -> Any:
    """What a name stands for."""
    if name in scope:
        return scope[name]
    if name in CONSTANTS:
        return CONSTANTS[name]
    raise ExpressionError(f"no variable is called `{name}`", name)


def picked(value: Any, word: str) -> Any:
    """One of several results, or a parameter, of an object in sight."""
    found = value.pick(word)
    if found is not None:
        return found
    there = ", ".join(f"`{each}`" for each in getattr(value, "picks", ()))
    known = f"what can be picked is {there}" if there else "it is one tensor, and has only a shape"
    likely = ["shape", *getattr(value, "picks", ())]
    raise ExpressionError(f"`{value.label}` has no result or parameter `{word}`; {known}", word, likely)


def short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def _no_expression(text: str) -> str:
    if not text.strip():
        return "`${}` has no expression in it"
    assigns = re.search(r"(?<![=!<>])=(?!=)", text)
    return f"`{short(text)}` is not an expression" + ("; `==` compares" if assigns else "")


def _demand_shallow(tree: ast.expr) -> None:
    level: list[ast.AST] = [tree]
    for _ in range(DEEPEST + 1):
        level = [child for each in level for child in ast.iter_child_nodes(each)]
    if any(isinstance(each, ast.expr) for each in level):
        raise ExpressionError(f"an expression nests at most {DEEPEST} deep")


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """The text and the expressions in it, in order; of each, whether it is an expression."""
    position = 0
    while (start := text.find("${", position)) >= 0:
        yield text[position:start], False
        end = _closing(text, start + 2)
        yield text[start + 2 : end], True
        position = end + 1
    yield text[position:], False


def _closing(text: str, start: int) -> int:
    """Where the brace stands that closes the expression; within quotes braces are text."""
    quote, index = "", start
    while index < len(text):
        letter = text[index]
        if quote:
            index += letter == "\\"  # what follows it is text
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == "{":
            raise ExpressionError("an expression has no braces of its own but in quotes")
        elif letter == "}":
            return index
        index += 1
    raise ExpressionError("`${` has no matching `}`")


def _written(value: Any) -> str:
    if is_free(value):
        demand_known("a text", value)
    return str(value)


def _value(text: str, scope: Mapping[str, Any]) -> Any:
    tree = parsed(text)
    try:
        value = bounded(_of(tree, scope))
        if _holds_tensor(value):
            raise ExpressionError(f"`{short(text)}` is a tensor, and an expression here makes numbers or words")
        return value
    except ExpressionError:
        raise
    except ZeroDivisionError as error:
        raise ExpressionError(f"`{short(text)}` divides by zero") from error
    except (TypeError, ValueError, ArithmeticError, IndexError, KeyError, AttributeError) as error:
        raise ExpressionError(f"`{short(text)}` cannot be worked out: {error}") from error


def _holds_tensor(value: Any) -> bool:
    return is_seen(value) or (isinstance(value, list) and any(_holds_tensor(each) for each in value))


def _of(node: ast.expr, scope: Mapping[str, Any]) -> Any:
    def of(inner: ast.expr) -> Any:
        return _of(inner, scope)

    match node:
        case ast.Constant(value=bool() | int() | float() | str() | None):
            return bounded(node.value)
        case ast.Name(id=name):
            return named(name, scope)
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return [of(each) for each in elements]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return negated(of(operand))
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return operate(ast.Add(), 0, of(operand))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not holds(of(operand))
        case ast.BinOp(left=left, op=op, right=right):
            return operate(op, of(left), of(right))
        case ast.BoolOp(op=op, values=values):
            return _joined(isinstance(op, ast.And), values, of)
        case ast.Compare(left=left, ops=ops, comparators=others):
            operands = [of(each) for each in (left, *others)]
            return all(compare(op, *operands[i : i + 2]) for i, op in enumerate(ops))
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return of(body) if holds(of(test)) else of(orelse)
        case ast.Subscript(value=value, slice=ast.Slice(lower=lower, upper=upper, step=step)):
            parts = [None if part is None else of(part) for part in (lower, upper, step)]
            return _indexed(of(value), slice(*parts))
        case ast.Subscript(value=value, slice=index):
            return _indexed(of(value), of(index))
        case ast.Attribute(value=value, attr=word):
            return _attribute(of(value), word, node)
        case ast.Call(func=func, args=arguments, keywords=keywords):
            return _called(_function(func, node, bool(keywords)), [of(each) for each in arguments])
    raise ExpressionError(f"`{short(ast.unparse(node))}` is not something an expression may hold")


def _joined(every: bool, values: list[ast.expr], of: Callable[[ast.expr], Any]) -> Any:
    result: Any = every
    for each in values:
        result = of(each)
        if holds(result) is not every:
            return result
    return result


def _indexed(value: Any, index: Any) -> Any:
    if is_seen(value) and not isinstance(index, slice):
        demand_known("an index", index)
        return picked(value, str(index))
    if is_seen(value) or is_free(value):
        demand_known("a slice" if isinstance(index, slice) else "an index", value)
    for each in (index.start, index.stop, index.step) if isinstance(index, slice) else (index,):
        demand_known("an index", each)
    return _element(value, index)


def _element(value: Any, index: Any) -> Any:
    """Of a list or a text, or what a table holds under a key."""
    if isinstance(value, dict):
        if index not in value:
            raise ExpressionError(f"there is no `{index}` in it; it holds {', '.join(map(str, value)) or 'nothing'}")
    elif not isinstance(value, (list, tuple, str)):
        raise ExpressionError(f"{value} has no elements to pick by an index")
    elif isinstance(index, int) and not -len(value) <= index < len(value):
        there = f"{len(value)} element{'s' if len(value) != 1 else ''}, counted from 0"
        raise ExpressionError(f"there is no element {index} in a list of {there}")
    elif not isinstance(index, (int, slice)):
        raise ExpressionError(f"an index is a whole number, not {index}")
    return value[index]


def _attribute(value: Any, word: str, node: ast.expr) -> Any:
    if not is_seen(value):
        raise ExpressionError(f"`{short(ast.unparse(node))}` is not something an expression may hold")
    if word != "shape":
        return picked(value, word)
    try:
        return value.shape
    except TypeError as reason:  # in its own words
        raise ExpressionError(str(reason)) from reason


def _function(func: ast.expr, call: ast.expr, by_name: bool) -> str:
    """The name of the function that is called."""
    word = func.id if isinstance(func, ast.Name) else func.attr if isinstance(func, ast.Attribute) else ""
    if isinstance(func, ast.Name) and word not in FUNCTIONS:
        raise ExpressionError(f"an expression has no function `{word}`; it has {' '.join(FUNCTIONS)}", word, FUNCTIONS)
    if isinstance(func, ast.Attribute):
        instead = f"{word}(...)" if word in FUNCTIONS else "x.shape[1]" if word in ("size", "shape", "dim") else ""
        meant = f"; write `{instead}`" if instead else ""
        raise ExpressionError(f"`{short(ast.unparse(call))}` calls a method, which an expression cannot{meant}")
    if not word or by_name:
        raise ExpressionError(f"`{short(ast.unparse(call))}` is not something an expression may hold")
    return word


def _called(name: str, arguments: list[Any]) -> Any:
    if name not in OF_SIZES or any(is_free(each) or is_seen(each) for each in arguments):
        demand_known(f"`{name}`", *arguments)
    try:
        return bounded(FUNCTIONS[name](*arguments))
    except (TypeError, ValueError) as error:
        listed = ", ".join(map(described_plain, arguments))
        raise ExpressionError(f"`{name}` does not take {listed}") from error
