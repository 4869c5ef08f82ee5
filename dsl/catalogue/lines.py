"""The catalogue's file: one entry a line, keyed by target.

The file is read once, and a line is parsed only when its entry is asked for: a spec uses a few of the thousand.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from dsl.catalogue.entries import REQUIRED, Entry, Parameter, Passing

DATA: Final = Path(__file__).with_name("torch.json")
_PASSING: Final[dict[str, Passing]] = {"/": "position", "=": "keyword"}


@cache
def targets() -> dict[str, str]:
    """The text of each entry by target."""
    lines = {}
    for line in DATA.read_text(encoding="utf-8").splitlines():
        target, separator, text = line.partition(": ")
        if separator and text.startswith("{"):
            lines[target.strip('"')] = text.rstrip(",")
    return lines


def entry_at(target: str) -> Entry | None:
    """The entry of this target, None if there is none."""
    text = targets().get(target)
    return None if text is None else entry(target, json.loads(text))


def entry(target: str, data: dict[str, Any]) -> Entry:
    """The record of one line of the file."""
    parameters = _signature(data["parameters"])
    modular = data["role"] not in ("function", "method")
    return Entry(
        name=target.rpartition(".")[2],
        target=target,
        role=data["role"],
        kind=data["kind"],
        parameters=parameters,
        inputs=_signature(data.get("inputs", [])) if modular else tuple(p for p in parameters if p.takes_tensor),
        inferred=tuple(data.get("inferred", [])),
        overloads=tuple(_signature(each) for each in data.get("overloads", [])),
    )


def _signature(written: Sequence[Sequence[Any]]) -> tuple[Parameter, ...]:
    return tuple(_parameter(*each) for each in written)


def _parameter(name: str, type: str, default: object = REQUIRED) -> Parameter:
    """`*operands` is spread, `equation/` goes by position alone, as Python's own notation has it; `rtol=` by name."""
    passing: Passing = "spread" if name.startswith("*") else _PASSING.get(name[-1], "name")
    return Parameter(name=name.strip("*/="), type=type, default=default, passing=passing)
