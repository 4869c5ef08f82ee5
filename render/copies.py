"""How several copies are told as one: a range of names, a range of probabilities."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from builder.graph import Node
from render.words import number_said


def range_said(first: str, last: str) -> str:
    """`conv2–5`, or `stem … head`, of several that stand as one; the name of one."""
    one, other = (re.fullmatch(r"(.*?)(\d*)", each) for each in (first, last))
    if first == last or not (first and last) or one is None or other is None:
        return first if first == last else ""
    return f"{first}–{other[2]}" if one[1] == other[1] and other[2] else f"{first} … {last}"


def as_one(copies: Sequence[Node]) -> Node:
    """The first of several copies, its probability told as a range where each has another one."""
    numbers = [each.arguments["p"] for each in copies if isinstance(each.arguments.get("p"), int | float)]
    if len(set(numbers)) < 2:
        return copies[0]
    range_ = f"{number_said(min(numbers))}–{number_said(max(numbers))}"
    return replace(copies[0], arguments={**copies[0].arguments, "p": range_})
