"""The record of a run: calls in scopes, as the module made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from builder.exchange.importing.frames import Spot
from builder.exchange.importing.values import Known


@dataclass(slots=True)
class Call:
    """One call of a function, or of a module of torch.nn (`module` is its path then)."""

    target: str
    args: Any
    kwargs: Any
    result: Any
    spot: Spot
    module: str | None = None


@dataclass(slots=True)
class Scope:
    """One call of any other module. names: of the arguments that its `forward` takes, in order."""

    path: str
    kind: str
    args: Any
    kwargs: Any
    names: Sequence[str] = ()
    items: list[Call | Scope] = field(default_factory=list)
    result: Any = None
    spot: Spot | None = None


@dataclass(slots=True)
class Recording:
    """whole: the call of the module itself. known: of each tensor by number. inputs: number of each input by name."""

    whole: Scope
    known: list[Known]
    inputs: Mapping[str, int]
    highs: dict[str, int] = field(default_factory=dict)
