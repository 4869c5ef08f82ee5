"""A term of the loss: what it may read, and whether what it makes is a loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from builder.checking.data import target_of
from builder.elaboration import Elaboration, Seen, elaborate_loss
from builder.elaboration.roles import fields_of
from builder.shapes.call import TensorType
from builder.shapes.sizes import Size
from dsl.diagnostics import Fix
from dsl.records import Input, Loss, Place, Spec
from dsl.tables import Faults

# Losses whose targets are numbers of classes, of which the output has one a column.
COUNTS_CLASSES = ("CrossEntropyLoss", "NLLLoss", "MultiMarginLoss")


def checked_loss(
    spec: Spec, loss: Loss, model: Elaboration, seen: Mapping[str, Seen], feeding: Mapping[str, str], faults: Faults,
    sound: bool,
) -> Elaboration:  # fmt: skip
    sight = loss_sight(spec, model, seen, feeding, sound)
    before = len(faults)
    done = elaborate_loss(loss.block, sight, faults, spec.vars, spec.blocks, list(model.outputs))
    if seen and "target" not in sight:
        _tell_fields(seen, faults, before)
    value = next(iter(done.outputs.values()), None)
    if len(faults) == before and isinstance(value, TensorType) and value.shape:
        faults.add(loss.place, f"the loss is one number, but this gives {value}", "shape", part="key")
    if len(faults) == before:
        _check_classes(spec, loss, sight, faults)
    return done


def _tell_fields(seen: Mapping[str, Seen], faults: Faults, since: int) -> None:
    """A loss that misses its target is told which fields there are."""
    note = f"no single field is left over to be the target; the data's fields: {', '.join(seen)}"
    faults[since:] = [
        replace(each, notes=(*each.notes, note)) if each.code == "input" and "`target`" in each.message else each
        for each in faults[since:]
    ]


def loss_sight(
    spec: Spec, model: Elaboration, seen: Mapping[str, Seen], feeding: Mapping[str, str], sound: bool = True
) -> dict[str, Seen]:
    """What a loss may name: the model's outputs, the batch's fields, the model's inputs; the earlier hides the later.
    Values are unknown where the model has faults or the data is not known."""
    sight: dict[str, Seen] = {}

    def put(name: str, value: Any, place: Place | None, high: Size | None = None) -> None:
        sight.setdefault(name, Seen(value, {"from": f"inputs.{name}"}, name, place, high))

    for name, value in model.outputs.items():
        put(name, value if sound else None, spec.model.place.at("layers", len(spec.model.layers) - 1, "type")
            if len(model.outputs) == 1 else spec.model.place.at("outputs"))  # fmt: skip
    if len(model.outputs) == 1:
        only = next(iter(model.outputs))
        put("output", sight[only].value, sight[only].place)
    for name, each in seen.items():
        put(name, each.value, each.place, each.high)
    target = target_of(feeding, list(seen)) if seen else None
    if target is not None:
        put("target", seen[target].value, seen[target].place, seen[target].high)
    elif not seen:
        put("target", None, None)
    for declared in spec.model.inputs or ():
        put(declared.name, model.inputs.get(declared.name), declared.place)
    if not seen:
        for name in _names_of(spec):
            put(name, None, None)
    return sight


def _names_of(spec: Spec) -> list[str]:
    """Names that losses read and that fields of unknown data may have."""
    found: list[str] = []
    for loss in spec.losses:
        for layer in loss.block.layers:
            reads = layer.input if isinstance(layer.input, list) else [layer.input]
            values = layer.input.values() if isinstance(layer.input, dict) else reads
            found += [each for each in values if isinstance(each, str)]
            found += fields_of(layer)
    own = {layer.name for loss in spec.losses for layer in loss.block.layers}
    return [name for name in found if name not in own and "." not in name]


def _check_classes(spec: Spec, loss: Loss, sight: Mapping[str, Seen], faults: Faults) -> None:
    """Targets of a classification must be among the classes that the output has."""
    layer = loss.block.layers[0] if len(loss.block.layers) == 1 else None
    if layer is None or layer.type not in COUNTS_CLASSES:
        return
    names = layer.input if isinstance(layer.input, list) else ["output", "target"]
    pair = [sight.get(name) for name in names if isinstance(name, str)]
    if len(pair) != 2 or pair[0] is None or pair[1] is None or not isinstance(pair[1].high, int):
        return
    output = pair[0].value
    classes = output.shape[1] if isinstance(output, TensorType) and len(output.shape) > 1 else None
    if isinstance(classes, int) and pair[1].high > classes:
        message = f"the targets go up to {pair[1].high - 1}, but the output has {classes} classes, 0 to {classes - 1}"
        declared = spec.data.fields.get(pair[1].label) if spec.data else None
        if isinstance(declared, Input):  # random data is there for the model's sake
            fix = Fix(f"all else fits with `high = {classes}`", f"high = {classes}")
            faults.add(declared.place.at("high"), message, "target", fix=fix)
        else:
            faults.add(layer.place.at("type"), message, "target")
