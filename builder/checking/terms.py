"""The terms of a loss: what each is called, where it is logged and where its parameters are."""

from __future__ import annotations

from collections.abc import Sequence

from builder.elaboration import Elaboration
from dsl.diagnostics import Fix
from dsl.records import Loss, Spec
from dsl.tables import Faults

# Names of columns that are not a term's.
_TAKEN = ("loss", "epoch", "step", "lr", "seconds")


def term_names(losses: Sequence[Loss]) -> tuple[str, ...]:
    """What each of the losses is called: its name, else its type; of a group or an expression its place."""
    return tuple(_name(loss, index) for index, loss in enumerate(losses))


def check_terms(spec: Spec, done: Sequence[tuple[Loss, Elaboration]], faults: Faults) -> None:
    """The names of several losses tell them apart, and parameters of a loss have names that no layer's have."""
    names = term_names(spec.losses)
    for index, (loss, name) in enumerate(zip(spec.losses, names, strict=True)):
        place = loss.place if loss.name is None else loss.place.at("name")
        part = "key" if loss.name is None else "value"
        if len(names) > 1 and name in _TAKEN:
            faults.add(place, f"a column of metrics.csv is called `{name}` already", "name", part=part)
        elif name in names[:index]:
            message = f"two losses are called `{name}`, and each is logged by its name"
            faults.add(place, message, "name", part=part, fix=Fix('a name of its own for each: name = "..."'))
    owned = [loss for loss, each in done if any(node.parameters for node in each.nodes)]
    layer = next((each for each in spec.model.layers if each.name == "loss"), None)
    if owned and layer is not None:
        message = "the loss has parameters of its own, which go by `loss.*`, and a layer of the model is called `loss`"
        faults.add(layer.place.at("name"), message, "name", fix=Fix("another name for the layer"))


def _name(loss: Loss, index: int) -> str:
    if loss.name is not None:
        return loss.name
    kind = loss.block.layers[0].type if len(loss.block.layers) == 1 else None
    return kind.rpartition(".")[2] if isinstance(kind, str) else f"loss{index}"
