"""Where in the model's own code something was called, and what variable took its result."""

from __future__ import annotations

import ast
import dis
import linecache
import sys
from dataclasses import dataclass
from functools import cache
from types import CodeType, FrameType

import torch

_TORCH = str(torch.__path__[0])
# Files that stand between a model's code and what it calls.
_BETWEEN = tuple(
    f"{_TORCH}/{name}"
    for name in (
        "overrides.py", "nn/functional.py", "functional.py", "_tensor.py", "nn/modules/module.py", "_jit_internal.py",
        "utils/_contextlib.py", "_C/", "nn/utils/rnn.py",
    )
)  # fmt: skip
_STORES = ("STORE_FAST", "STORE_FAST_MAYBE_NULL", "STORE_NAME")


@dataclass(frozen=True, slots=True)
class Spot:
    """file, line: where the model's code stands. variable: the name that the result is given there; "" if it is handed
    on within the statement. statement: the same for all calls of one statement of one call of the function. flipped:
    an operator whose left side is written as a number."""

    file: str
    line: int
    variable: str
    statement: tuple[int, int]
    flipped: bool = False

    def __str__(self) -> str:
        text = linecache.getline(self.file, self.line).strip()
        return f"{self.file.rpartition('/')[2]}, line {self.line}" + (f": `{text}`" if text else "")


def here() -> Spot:
    """The nearest frame that is neither torch's nor ours."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _is_between(frame.f_code.co_filename):
        frame = frame.f_back
    if frame is None:
        return Spot("", 0, "", (0, 0))
    code, at = frame.f_code, frame.f_lasti
    statement = id(frame), frame.f_lineno
    return Spot(code.co_filename, frame.f_lineno, _stored(code).get(at, ""), statement, at in _flipped(code))


def _is_between(file: str) -> bool:
    return file.startswith(_BETWEEN) or file.startswith(__file__.rpartition("/")[0])


@cache
def _stored(code: CodeType) -> dict[int, str]:
    """The variable that takes the result of the instruction at an offset."""
    found: dict[int, str] = {}
    before: list[int] = []
    for each in dis.get_instructions(code):
        if each.opname in _STORES or each.opname.startswith("STORE_FAST"):
            name = each.argval[0] if isinstance(each.argval, tuple) else each.argval
            found.update(dict.fromkeys(before[-1:], str(name)))
        if each.opname not in ("CACHE", "NOP", "EXTENDED_ARG"):
            before.append(each.offset)
    return found


@cache
def _flipped(code: CodeType) -> set[int]:
    """Offsets of operators on a number and something, in this order. Python hands torch both orders alike."""
    found: set[int] = set()
    for each in dis.get_instructions(code):
        if each.opname == "BINARY_OP" and each.positions is not None:
            line, last, start, end = each.positions
            if line is not None and line == last and start is not None and end is not None:
                text = linecache.getline(code.co_filename, line).encode()[start:end].decode(errors="replace")
                found |= {each.offset} if _begins_with_number(text) else set()
    return found


def _begins_with_number(text: str) -> bool:
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        return False
    return isinstance(node, ast.BinOp) and isinstance(node.left, ast.Constant)
