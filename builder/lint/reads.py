"""Who reads what: the nodes of the model and of the loss as one web, and where a gradient comes back through it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from builder.graph import Node

# Functions whose gradient is zero or none at all, though they give floating-point numbers.
_STOPS: Final = frozenset(
    (
        "bernoulli", "ceil", "detach", "empty_like", "fix", "floor", "floor_divide", "full_like", "heaviside",
        "ones_like", "rand_like", "randn_like", "round", "sgn", "sign", "signbit", "trunc", "zeros_like",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Read:
    """`reader` reads `source`, by the names of their nodes.

    pick: the path to one of several results. parameter: it is this parameter of the source's module that is read.
    argument: the reader's name for it, where it is fed by name.
    whole: the numbers are read in training; else only the sizes or the device, or the numbers in evaluation alone.
    returns: a gradient comes back from the reader.
    """

    source: str
    reader: str
    pick: tuple[Any, ...] = ()
    parameter: str | None = None
    argument: str | None = None
    whole: bool = True
    returns: bool = True


def reads_of(node: Node) -> Iterator[Read]:
    """Everything that a node reads, each time that it does."""
    through = _returning(node)
    for index, each in enumerate(node.reads):
        yield from _reads(node, each, returns=through is None or index in through)
    for argument, each in node.keyword_reads.items():
        yield from (replace(read, argument=argument) for read in _reads(node, each, returns=through is None))
    aside = [node.passes, node.device, *(place[0] for place in node.sizes.values())]
    yield from (replace(each, whole=False, returns=False) for each in _reads(node, aside))


def _reads(node: Node, reference: Any, *, returns: bool = True) -> Iterator[Read]:
    if isinstance(reference, list):
        for each in reference:
            yield from _reads(node, each, returns=returns)
    elif isinstance(reference, dict) and isinstance(reference.get("from"), str):
        pick, parameter = tuple(reference.get("pick", ())), reference.get("parameter")
        yield Read(reference["from"], node.name, pick, parameter, returns=returns)
    elif isinstance(reference, dict):
        yield from _reads(node, list(reference.values()), returns=returns)


def _returning(node: Node) -> set[int] | None:
    """Which of its reads a gradient comes back to, by their place; None where to all of them."""
    if not _trains(node.dtype) or called(node) in _STOPS:
        return set()
    return returned_by(node.expression) if node.role == "value" and node.expression else None


def returned_by(expression: str) -> set[int]:
    """Which reads of a `value` its gradient comes back to: `{0} + torch.round({1})` gives {0}."""
    tree = ast.parse(re.sub(r"\{(\d+)\}", r"_read_\1", expression).replace("{device}", "device"), mode="eval")
    return {int(name.removeprefix("_read_")) for name in _names(tree.body) if name.startswith("_read_")}


def _names(tree: ast.AST) -> Iterator[str]:
    """The names in an expression, but for those inside of what gives no gradient back."""
    if isinstance(tree, ast.Name):
        yield tree.id
    stops = isinstance(tree, ast.Compare) or (isinstance(tree, ast.Attribute) and tree.attr in ("shape", "device"))
    if isinstance(tree, ast.Call):
        stops = ast.unparse(tree.func).rpartition(".")[2] in _STOPS
    for each in () if stops else ast.iter_child_nodes(tree):
        yield from _names(each)


def called(node: Node) -> str:
    """The plain name of what a node calls: "argmax"."""
    return node.target.rpartition(".")[2]


def trains(node: Node, pick: Iterable[Any]) -> bool:
    """Whether a result of a node is of numbers that have a gradient."""
    dtype = node.dtype
    for step in pick:
        dtype = dtype[step] if isinstance(dtype, list | dict) else dtype
    return _trains(dtype)


def _trains(dtype: Any) -> bool:
    """Whether any of these dtypes has a gradient; one that is not known may."""
    if isinstance(dtype, list | dict):
        return any(map(_trains, dtype.values() if isinstance(dtype, dict) else dtype))
    return dtype is None or str(dtype).startswith(("float", "bfloat", "complex"))
