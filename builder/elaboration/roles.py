"""What a loss reads that does not say so: the outputs and fields that have the names of the roles of its arguments."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from builder.elaboration.sight import FaultToldError
from dsl.catalogue import Entry, find
from dsl.diagnostics import Fix
from dsl.records import Layer
from dsl.tables import Faults

_USUAL: Final = ["output", "target"]
_TARGETS: Final = ("target", "targets", "target_")
# Roles that fields of the batch play; the others are outputs of the model. A variance may be either.
_OF_DATA: Final = (*_TARGETS, "input_lengths", "target_lengths", "var")


def roles_of(layer: Layer) -> tuple[Entry, list[str]] | None:
    """The type and roles of a loss that takes other tensors than an output and its target, and does not say which."""
    entry = find(layer.type) if layer.type is not None and layer.input is None else None
    if entry is None or entry.kind != "loss":
        return None
    roles = [each.name for each in entry.inputs if each.required and each.name not in layer.arguments]
    return None if len(roles) < 2 or (roles[1:] == [roles[-1]] and roles[-1] in _TARGETS) else (entry, roles)


def fields_of(layer: Layer) -> list[str]:
    """The fields that a loss without `input` may read beside the target."""
    found = roles_of(layer)
    return [] if found is None else [each for each in found[1] if each in _OF_DATA and each not in _TARGETS]


def default_input(layer: Layer, outputs: Collection[str], sight: Collection[str], faults: Faults) -> list[str]:
    """What stands for an `input` that is left out. Raises FaultToldError where a role has no name to go by.

    A role goes by its own name. `target` is the field that is called so; the first role of a loss that reads one
    output (`input`, `log_probs`) is the output that no other role takes.
    """
    usual = [each for each in _USUAL if each in sight]
    found = roles_of(layer)
    if found is None:
        return usual
    entry, roles = found
    reads = {role: _named(role, outputs, sight) for role in roles}
    taken = [each for each in reads.values() if each is not None]
    free = [each for each in outputs if each not in taken]
    if reads[roles[0]] is None and roles[0] in ("input", "log_probs") and len(free) == 1:
        reads[roles[0]] = free[0]
    missing = [role for role, name in reads.items() if name is None]
    if missing:
        _tell(entry, layer, roles, missing, outputs, sight, faults)
        raise FaultToldError
    return [name for name in reads.values() if name is not None]


def _named(role: str, outputs: Collection[str], sight: Collection[str]) -> str | None:
    if role in outputs:
        return role
    if role in _TARGETS:
        return next((each for each in ("target", role) if each in sight), None)
    return role if role in _OF_DATA and role in sight else None


def _tell(
    entry: Entry, layer: Layer, roles: list[str], missing: list[str], outputs: Collection[str],
    sight: Collection[str], faults: Faults,
) -> None:  # fmt: skip
    data = [each for each in missing if each in _OF_DATA and each != "var"]
    kind = "field" if data and len(data) == len(missing) else "output"
    message = f"{entry.name} reads {_listed(roles)}, and there is no {kind} {' or '.join(f'`{m}`' for m in missing)}"
    written = ", ".join(f'{role} = "..."' for role in roles)
    others = [each for each in sight if each not in outputs and each != "output"]
    notes = (f"outputs: {', '.join(outputs)}", f"fields: {', '.join(others) or 'none'}")
    faults.add(layer.place.at("type"), message, "input", notes=notes, fix=Fix(f"add input = {{ {written} }}"))


def _listed(names: Iterable[str]) -> str:
    *others, last = (f"`{each}`" for each in names)
    return f"{', '.join(others)} and {last}"
