"""What is left of a spec whose form is at fault: the parts of which more may be told, and nothing twice."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from dsl.records import Optimizer, Place, Spec
from dsl.source import key_text
from dsl.tables import Faults

# What the rest of a spec refers to: where one of them is not read, nothing is told of the rest.
_ALL_LEAN_ON: Final = frozenset(("vars", "blocks", "model", "inputs", "model.inputs", "model.layers", "model.blocks"))


def sound_parts(spec: Spec, faults: Faults) -> Spec | None:
    """The spec without what is at fault; None where all the rest leans on that.

    Layers, inputs and blocks at fault stay, marked as such.
    """
    keys = [each.key for each in faults]
    meant = [each.fix.replacement for each in faults if each.fix and each.code == "key"]
    misnamed = any(each.code == "name" and each.key.startswith("vars.") for each in faults)
    if misnamed or not spec.model.layers or not _ALL_LEAN_ON.isdisjoint((*keys, *meant)):
        return None
    astray = "model.outputs" in keys or "outputs" in meant  # what a loss may name is not known then
    at_fault = {re.split(r"[.[]", key)[0] for key in keys}
    if any(each.faulty for each in spec.model.inputs or ()):
        at_fault.add("data")
    return replace(
        spec,
        losses=() if astray else tuple(each for each in spec.losses if _is_sound(each.place, keys)),
        optimizer=_sound_optimizer(spec, keys),
        schedulers=tuple(each for each in spec.schedulers if _is_sound(each.place, keys)),
        data=None if "data" in at_fault else spec.data,
    )


def _sound_optimizer(spec: Spec, keys: Sequence[str]) -> Optimizer | None:
    """Without the groups at fault; None where more than groups is."""
    optimizer = spec.optimizer
    if optimizer is None or any(re.match(r"optimizer(?!\.groups\[)", key) for key in keys):
        return None
    return replace(optimizer, groups=tuple(each for each in optimizer.groups if _is_sound(each.place, keys)))


def _is_sound(place: Place, keys: Sequence[str]) -> bool:
    """Whether no fault was told of a table, or of anything in it."""
    own = key_text(place.path)
    return not any(key == own or key.startswith((f"{own}.", f"{own}[")) for key in keys)
