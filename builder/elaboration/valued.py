"""A `value` layer on its way to a node."""

from __future__ import annotations

import re
from collections.abc import Mapping

from builder.elaboration.frame import Frame
from builder.elaboration.sight import FaultToldError, Seen, dtype_data, said, shape_data
from builder.elaboration.typed import first_reference
from builder.elaboration.values import compile_value
from builder.graph import Node
from builder.shapes.call import Made, Misfit
from builder.shapes.sizes import plain
from dsl.diagnostics import Fix
from dsl.expressions import ExpressionError
from dsl.records import Layer
from dsl.tables import FAULTY, Faults, remarks


def valued(
    layer: Layer, name: str, frame: Frame, inputs: Mapping[str, Seen], faults: Faults
) -> tuple[Node, Made, Seen]:
    """The node of an expression over tensors, what it makes, and what the layers below see."""
    place = layer.place.at("value")
    if layer.input is not None:
        faults.add(layer.place.at("input"), "a `value` reads the tensors that it names, and takes no `input`", "key")
        raise FaultToldError
    scope = frame.scope
    if any(value is FAULTY and re.search(rf"\b{key}\b", str(layer.value)) for key, value in frame.constants.items()):
        raise FaultToldError
    try:
        compiled = compile_value(str(layer.value), frame.constants, scope)
    except ExpressionError as error:
        fix, notes = remarks(error, [*scope, *frame.constants])
        dashed = [key for key in frame.scope if "-" in key and key in str(layer.value)]
        if any(each.name == error.name for each in frame.layers if error.name):
            fix, notes = None, (f"`{error.name}` is this layer, or stands after it",)
        elif error.name and dashed:
            fix, notes = None, (f"`{dashed[0]}` has a `-` in its name, and cannot stand in an expression",)
        faults.add(place, str(error), "expression", part="value", notes=notes, fix=fix)
        raise FaultToldError from error
    except Misfit as misfit:
        fix = Fix(misfit.fix) if misfit.fix else None
        named = set(re.findall(r"[^\W\d]\w*", str(layer.value)))
        read = [seen for key, seen in scope.items() if key in named and not seen.unknown]
        notes = (*misfit.notes, *(f"input: {said(seen)}" for seen in read))
        faults.add(place, misfit.message, misfit.code, part="value", notes=notes, fix=fix)
        raise FaultToldError from misfit
    made = compiled.made
    node = Node(
        name=name, type="value", target="", role="value", kind="arithmetic", region=frame.region.name,
        reads=[seen.reference for seen in compiled.reads], expression=compiled.text,
        arguments={"value": str(layer.value)[2:-1].strip()},
        device=first_reference([*frame.scope.values(), *inputs.values()]) if "{device}" in compiled.text else None,
        input_shapes=[shape_data(seen.value) for seen in compiled.reads], shape=shape_data(made.result),
        dtype=dtype_data(made.result), multiply_adds=plain(made.multiply_adds),
    )  # fmt: skip
    return node, made, Seen(made.result, {"from": name}, layer.name or "value", layer.place)
