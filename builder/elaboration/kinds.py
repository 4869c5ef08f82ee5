"""What a layer is: its type, worked out and looked up."""

from __future__ import annotations

from builder.elaboration.frame import Frame
from builder.elaboration.ledger import Ledger
from builder.elaboration.sight import FaultToldError
from builder.elaboration.stored import STORED
from dsl.catalogue import Entry, absent
from dsl.expressions import holds_expression
from dsl.records import Definition, Layer
from dsl.tables import FAULTY, described, resolved


def definition_of(walk: Ledger, layer: Layer, frame: Frame) -> Definition | None:
    kind = type_of(walk, layer, frame)
    return walk.blocks.get(kind) if kind else None


def type_of(walk: Ledger, layer: Layer, frame: Frame) -> str | None:
    if layer.type is None or not holds_expression(layer.type):
        return layer.type
    place = layer.place.at("type")
    kind = resolved(layer.type, place, walk.faults, frame.names())
    if kind is FAULTY:
        raise FaultToldError
    if not isinstance(kind, str):
        walk.faults.add(place, f"a type is text, not {described(kind)}", "type", part="value")
        raise FaultToldError
    return kind


def entry_of(walk: Ledger, layer: Layer, frame: Frame) -> Entry:
    kind = type_of(walk, layer, frame)
    if kind is None:
        raise FaultToldError
    entry = walk.entry(kind)
    if entry is None:
        place = layer.place.at("type")
        why = absent(kind, place.document.source.name, walk.blocks)
        walk.faults.add(place, why.message, "type", notes=why.notes, fix=why.fix)
        raise FaultToldError
    return entry


def has_module(walk: Ledger, layer: Layer, frame: Frame) -> bool:
    if layer.group is not None or layer.type in STORED or definition_of(walk, layer, frame) is not None:
        return True
    entry = walk.entry(type_of(walk, layer, frame) or "")
    return entry is not None and entry.role == "module"
