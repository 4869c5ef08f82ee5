"""Sums over a graph's sizes, which are numbers or texts such as `4 * T`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from builder.shapes.sizes import Free, Size
from dsl.expressions import evaluate


def total(sizes: Iterable[Size | str]) -> Size:
    """The sum; a number where none of them hangs on a free size."""
    found: Size = 0
    for each in sizes:
        found = found + size_of(each)
    return found


def size_of(text: Any) -> Size:
    """A size from its text: `4 * T`; of sizes that hang on a choice (`4 | 1`) the first."""
    if not isinstance(text, str):
        return text  # type: ignore[no-any-return]
    text = text.partition(" | ")[0]
    names = set(re.findall(r"[^\W\d]\w*", text))
    value: Size = evaluate("${" + text + "}", {name: Free.named(name) for name in names})
    return value
