"""What a layer reads: its `input`, or the layer before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from builder.elaboration.frame import Feed, Frame
from builder.elaboration.referring import Surroundings, look_up
from builder.elaboration.sight import FaultToldError, Seen, tuple_of
from builder.shapes.call import ChoiceType
from dsl.diagnostics import Fix
from dsl.expressions import holds_expression
from dsl.records import Layer, Place
from dsl.tables import FAULTY, Faults, described, resolved


def fed(layer: Layer, frame: Frame, before: Seen | None, first: Any, faults: Faults) -> Feed:
    """What the layer reads. first: what stands for an `input` that the block's first layer leaves out.

    An empty Feed where nothing is written and nothing stands before: whether that will do, the type must say.
    """
    written, place = layer.input, layer.place.at("input")
    if written is None:
        written = first
    if written is None:
        return Feed((before,)) if before is not None else Feed()
    if isinstance(written, Mapping):
        return _table(written, place, frame, faults)
    if isinstance(written, list):
        return Feed(tuple(reference(each, place.at(i), frame, faults) for i, each in enumerate(written)), array=True)
    return Feed((reference(written, place, frame, faults),))


def reference(written: Any, place: Place, frame: Frame, faults: Faults) -> Seen:
    """The tensor of this name; of a nested array, the tuple of them. Unknown where there is none, which is told."""
    try:
        return _referred(written, place, frame, faults)
    except FaultToldError:
        return Seen(None, None, str(written), place)


def _referred(written: Any, place: Place, frame: Frame, faults: Faults) -> Seen:
    if isinstance(written, list):
        return tuple_of([reference(each, place.at(i), frame, faults) for i, each in enumerate(written)])
    if holds_expression(written):
        written = resolved(written, place, faults, frame.names())
        if written is FAULTY:
            raise FaultToldError
    if isinstance(written, Seen):
        return written
    around = Surroundings(frame.layers, frame.blocks[-1] if frame.blocks else "", value=place.path[-1] != "input")
    return look_up(written, frame.scope, place, faults, around)


def _table(written: Mapping[str, Any], place: Place, frame: Frame, faults: Faults) -> Feed:
    """Strings are references, and so are arrays of them; an expression is a value, as numbers and truth values are."""
    named: dict[str, Seen] = {}
    values: dict[str, Any] = {}
    for key, each in written.items():
        if isinstance(each, bool | int | float):
            values[key] = each
        elif holds_expression(each):
            value = resolved(each, place.at(key), faults, frame.names())
            if value is FAULTY:
                raise FaultToldError
            (named if isinstance(value, Seen) else values)[key] = value
        elif isinstance(each, str | list):
            named[key] = reference(each, place.at(key), frame, faults)
        else:
            faults.add(place.at(key), f"an input is the name of a tensor, not {described(each)}", "reference")
            raise FaultToldError
    return Feed(named=named, values=values)


def one_tensor(feed: Feed, layer: Layer, what: str, frame: Frame, faults: Faults) -> Seen:
    """The tensor that a layer reads by default; what is wrong where there is none or several results are there."""
    seen = feed.first
    if seen is None:
        tensors = [key for key, each in frame.scope.items() if not isinstance(each.value, ChoiceType)]
        fix = Fix(f'add input = "{tensors[0]}"') if tensors else None
        faults.add(_named_place(layer), f"{what} does not say which input it reads", "input",
                   notes=("inputs: " + ", ".join(tensors),) if tensors else ("there is none",), fix=fix)  # fmt: skip
        raise FaultToldError
    return seen


def refuse_several(seen: Seen, layer: Layer, what: str, faults: Faults) -> None:
    """A layer with several results is not read as one tensor."""
    if isinstance(seen.value, tuple | dict):
        picks = range(len(seen.value)) if isinstance(seen.value, tuple) else seen.value
        listed = ", ".join(f"{seen.label}.{pick}" for pick in picks)
        place = layer.place.at("input") if layer.input is not None else _named_place(layer)
        message = f"{what} reads one tensor, but `{seen.label}` gives several"
        faults.add(place, message, "input", notes=(f"pick one: {listed}",))
        raise FaultToldError


def _named_place(layer: Layer) -> Place:
    key = "type" if layer.type else "layers" if layer.group else "share" if layer.share else "value"
    return layer.place.at(key)
