"""A layer's name on the walk: worked out, judged, and told where it is taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from builder.elaboration.frame import Frame
from builder.elaboration.sight import FaultToldError, Seen
from builder.names import MODULE_ATTRIBUTES
from dsl.diagnostics import Fix
from dsl.expressions import holds_expression
from dsl.reading.blocks import unfit_name
from dsl.records import Layer
from dsl.tables import FAULTY, Faults, described, resolved


def name_of(layer: Layer, frame: Frame, faults: Faults) -> str | None:
    """The layer's name with its expressions worked out; "" adds no level, None stands at its position."""
    if layer.name is None or not holds_expression(layer.name):
        return layer.name
    name = resolved(layer.name, layer.place.at("name"), faults, frame.names())
    if name is FAULTY:
        raise FaultToldError
    message = unfit_name(name) if isinstance(name, str) else f"a name is text, not {described(name)}"
    if message:
        faults.add(layer.place.at("name"), message, "name", part="value")
        raise FaultToldError
    return str(name)


def check_name(
    name: str | None, layer: Layer, has_module: bool, frame: Frame, vars: Mapping[str, Any], faults: Faults
) -> None:
    """Tell what is wrong with a name where it stands; the layer itself goes on."""
    if not name:
        return
    place, message = layer.place.at("name"), None
    if name in frame.entries.names:
        message = f"two layers are called `{name}`"
        if layer.repeat is not None and layer.name == name:
            message += ": copies side by side have `${i}` in their name"
    elif name in vars:
        message = f"`{name}` is a var and a layer; one of them needs another name"
    elif name in frame.constants and name != "i":
        message = f"`{name}` is a param of the block and a layer; one of them needs another name"
    elif not frame.prepares and name in frame.inputs:
        message = f"`{name}` is an input of this block and cannot name a layer too"
    if message:
        faults.add(place, message, "name", part="value")
    elif has_module and (name in MODULE_ATTRIBUTES or name.startswith("__")):
        fix = Fix(f'another name, such as "{name}_"', f'name = "{name}_"')
        faults.add(place, f"`{name}` is a name that nn.Module keeps for itself", "name", part="value", fix=fix)
    frame.entries.names.add(name)


def label_of(layer: Layer, key: str | None = None) -> str:
    """What a layer is called in messages."""
    name = layer.name if layer.name and not holds_expression(layer.name) else None
    return name or layer.type or (layer.share and f"share of {layer.share}") or key or "a group"


def failed(layer: Layer, key: str | None) -> Seen:
    """What follows a layer whose fault has been told."""
    return Seen(None, None, label_of(layer, key), layer.place)
