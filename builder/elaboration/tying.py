"""`tie`: parameters that are an earlier layer's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from builder.elaboration.frame import Frame
from builder.elaboration.ledger import Ledger
from builder.elaboration.naming import label_of
from builder.elaboration.sharing import module_path
from builder.elaboration.sight import FaultToldError, Seen
from builder.elaboration.starting import tied
from builder.shapes.call import TensorType
from dsl.catalogue import suggest
from dsl.diagnostics import Fix
from dsl.records import Layer, Place


def ties_of(walk: Ledger, layer: Layer, frame: Frame) -> dict[str, tuple[str, TensorType]]:
    def path(reference: str, place: Place) -> str:
        return module_path(reference, frame, place, walk.faults)

    return tied(layer.tie, layer.place, path, walk.state, frame, walk.faults)


def check_ties(walk: Ledger, layer: Layer, ties: Mapping[str, tuple[str, TensorType]], seen: Seen) -> None:
    for key, (target, kind) in ties.items():
        own = seen.parameters.get(key)
        if seen.unknown:
            continue
        if own is None:
            there = ", ".join(seen.parameters) or "none"
            message = f"{label_of(layer)} has no parameter `{key}`"
            walk.faults.add(layer.place.at("tie", key), message, "tie", part="key", notes=(f"it has {there}",))
            raise FaultToldError
        if own.shape != kind.shape:
            message = f"`{key}` is {own} here, but {target} is {kind}"
            walk.faults.add(layer.place.at("tie", key), message, "tie")
            raise FaultToldError


def tie_inside(walk: Ledger, layer: Layer, frame: Frame, path: str) -> None:
    """Ties of a group or a block: dotted names of parameters inside it."""
    for key, (target, kind) in ties_of(walk, layer, frame).items():
        own = f"{path}.{key}"
        owner = walk.owner(own.rpartition(".")[0])
        if own not in walk.state or owner is None:
            near = suggest(key, [each.removeprefix(f"{path}.") for each in walk.state if each.startswith(path)])
            fix = Fix(f"did you mean `{near[0]}`?") if near else None
            walk.faults.add(layer.place.at("tie", key), f"there is no parameter `{key}` in it", "tie", part="key",
                            fix=fix)  # fmt: skip
            raise FaultToldError
        if walk.state[own].shape != kind.shape:
            message = f"`{key}` is {walk.state[own]} here, but {target} is {kind}"
            walk.faults.add(layer.place.at("tie", key), message, "tie")
            raise FaultToldError
        ties = {**owner.ties, own.rpartition(".")[2]: target}
        walk.nodes[walk.index[owner.name]] = replace(owner, ties=ties)
