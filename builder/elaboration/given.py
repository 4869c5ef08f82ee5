"""What a layer is given besides its tensors: the keys as written, those of `args`, expressions worked out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from builder.elaboration.frame import Frame
from builder.elaboration.sight import FaultToldError
from dsl.diagnostics import Fix
from dsl.expressions import holds_expression
from dsl.records import Layer, Place
from dsl.tables import FAULTY, Faults, described, resolved

_TRUTHS = {"true": "true", "1": "true", "false": "false", "0": "false"}
Given: TypeAlias = "tuple[Any, Place]"  # a value, and where it was written


def given_to(layer: Layer, frame: Frame, faults: Faults) -> dict[str, Given]:
    """Every argument with its place. A key that is both written and in `args` is a fault."""
    scope = frame.names()
    found: dict[str, Given] = {}
    for key, written in layer.arguments.items():
        place = layer.place.at(key)
        found[key] = (_value(written, place, faults, scope), place)
    for key, given in _more(layer, frame, faults).items():
        if key in found:
            _tell_twice(key, found[key][1], given[1], layer, frame, faults)
            raise FaultToldError
        found[key] = given
    return found


def truth(written: Any, layer: Layer, key: str, frame: Frame, faults: Faults) -> bool:
    """A key such as `parallel`: true, false or an expression that is either."""
    if isinstance(written, bool):
        return written
    place = layer.place.at(key)
    value = _value(written, place, faults, frame.names()) if holds_expression(written) else written
    computed = key == "when" and holds_expression(written) and isinstance(value, int | float)
    if not isinstance(value, bool) and not computed:
        meant = _TRUTHS.get(str(value).lower()) if value is written else None
        fix = Fix(f"{key} = {meant}", f"{key} = {meant}") if meant else None
        faults.add(place, f"`{key}` is true or false, not {described(value)}", fix=fix)
        raise FaultToldError
    return bool(value)


def _more(layer: Layer, frame: Frame, faults: Faults) -> dict[str, Given]:
    if layer.args is None:
        return {}
    place = layer.place.at("args")
    if "rest" in str(layer.args) and not frame.blocks:
        faults.add(place, "`rest` is what a named block was given and does not name; this stands in none", "argument",
                   part="value")  # fmt: skip
        raise FaultToldError
    if layer.args == "${rest}":
        return dict(frame.rest)
    rest = {"rest": {key: value for key, (value, _) in frame.rest.items()}} if frame.blocks else {}
    scope = {**frame.names(), **rest}
    value = _value(layer.args, place, faults, scope)
    if not isinstance(value, dict):
        fix = Fix('args = "${rest}"', 'args = "${rest}"') if value == "rest" else None
        faults.add(place, f'`args` is a table or "${{rest}}", not {described(value)}', fix=fix)
        raise FaultToldError
    return {key: (each, place.at(key)) for key, each in value.items()}


def _tell_twice(key: str, written: Place, given: Place, layer: Layer, frame: Frame, faults: Faults) -> None:
    """A key that is settled here, and handed on by `args` too."""
    if key in frame.rest and given == frame.rest[key][1]:
        message = (
            f"`{key}` is settled inside of the block {frame.blocks[-1]} ({written.line_words}) and cannot be given"
        )
        faults.add(given, message, "argument", part="key")
    else:
        faults.add(written, f"`{key}` is written and stands in `args` too", "argument", part="key")


def _value(written: Any, place: Place, faults: Faults, scope: Mapping[str, Any]) -> Any:
    value = resolved(written, place, faults, scope)
    if value is FAULTY:
        raise FaultToldError
    return list(value) if isinstance(value, tuple) else value
