"""The keys that every layer may have, and which of them a misspelled word, or one from elsewhere, may have meant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from dsl.catalogue.suggestions import suggest

KINDS: Final = ("type", "layers", "share", "value")  # one of them says what a layer is
LAYER: Final = (
    *KINDS, "name", "input", "repeat", "parallel", "when", "tie", "init", "freeze", "train_only", "args",
)  # fmt: skip

# Other words for the same, folded as `suggestions.folded` does.
_ELSEWHERE: Final[dict[str, tuple[str, ...]]] = {
    "bottom": ("input",),
    "condition": ("when",),
    "copies": ("repeat",),
    "expression": ("value",),
    "from": ("input",),
    "frozen": ("freeze",),
    "id": ("name",),
    "if": ("when",),
    "inputs": ("input",),
    "kernelinitializer": ("init",),
    "kwargs": ("args",),
    "modules": ("layers",),
    "op": ("type",),
    "requiresgrad": ("freeze",),
    "reuse": ("share",),
    "shared": ("share",),
    "tied": ("tie",),
    "times": ("repeat",),
    "trainable": ("freeze",),
}


def meant(word: str, written: Iterable[str] = (), among: Iterable[str] = LAYER) -> list[str]:
    """The keys that may have been meant, the likeliest first. written: those that the layer has."""
    return suggest(word, [key for key in among if key not in written], _ELSEWHERE)


def meant_name(table: Mapping[str, Any]) -> str | None:
    """What a layer would be called, were its `name` not misspelled; references to that are no mistakes of their own."""
    for key, value in table.items():
        if key not in LAYER and isinstance(value, str) and meant(key, table)[:1] == ["name"]:
            return value
    return None
