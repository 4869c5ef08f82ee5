"""Finding a type by its name in the catalogue's data.

`torch.json` holds one entry a line, keyed by target. The file is read once, and a line is parsed only when its entry is
asked for: a spec uses a few of the thousand.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from dsl.catalogue.entries import REQUIRED, Entry, Parameter, Passing
from dsl.catalogue.own import OWN

DATA: Final = Path(__file__).with_name("torch.json")
# Where a plain name is looked for, in this order.
NAMESPACES: Final = (
    "torch.nn.", "torch.nn.functional.", "torch.", "torch.linalg.", "torch.fft.", "torch.special.", "torch.Tensor.",
)  # fmt: skip
_OPTIMIZERS = "torch.optim."
_PASSING: Final[dict[str, Passing]] = {"/": "position", "=": "keyword"}


@cache
def find(name: str) -> Entry | None:
    """The layer type of this name, plain ("pad") or dotted ("torch.nn.functional.pad"); None if there is none."""
    if name in OWN:
        return OWN[name]
    if name.startswith("tomograph."):
        return OWN.get(name.removeprefix("tomograph."))
    if name.startswith("torch."):
        return None if name.startswith(_OPTIMIZERS) else _entry(name)
    if "." in name:
        return None
    return next((_entry(space + name) for space in NAMESPACES if space + name in _lines()), None)


@cache
def find_optimizer(name: str) -> Entry | None:
    """The optimizer of this name, "AdamW" or "torch.optim.AdamW"; None if there is none."""
    return _entry(_OPTIMIZERS + name.removeprefix(_OPTIMIZERS))


@cache
def names() -> tuple[str, ...]:
    """Every plain name that `find` knows, once, in the order of look-up."""
    plain = {space: [] for space in NAMESPACES}  # type: dict[str, list[str]]
    for target in _lines():
        space, _, name = target.rpartition(".")
        if space + "." in plain:
            plain[space + "."].append(name)
    return tuple(dict.fromkeys([*OWN, *(name for several in plain.values() for name in several)]))


@cache
def optimizer_names() -> tuple[str, ...]:
    return tuple(target.removeprefix(_OPTIMIZERS) for target in _lines() if target.startswith(_OPTIMIZERS))


def targets() -> tuple[str, ...]:
    """Every dotted name of the file, sorted."""
    return tuple(_lines())


@cache
def _lines() -> dict[str, str]:
    """The text of each entry by target."""
    lines = {}
    for line in DATA.read_text(encoding="utf-8").splitlines():
        target, separator, text = line.partition(": ")
        if separator and text.startswith("{"):
            lines[target.strip('"')] = text.rstrip(",")
    return lines


def _entry(target: str) -> Entry | None:
    text = _lines().get(target)
    return None if text is None else entry(target, json.loads(text))


def entry(target: str, data: dict[str, Any]) -> Entry:
    """The record of one line of the file."""
    parameters = _signature(data["parameters"])
    modular = data["role"] in ("module", "optimizer")
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
