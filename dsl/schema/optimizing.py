"""The optimizer and the schedulers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dsl.catalogue.entries import Entry
from dsl.schema.arguments import Shared, closed, is_of, one_of, rules, types, view
from dsl.schema.values import Schema, held

_TEXT: Final[Schema] = {"type": "string"}
_GROUPS: Final = "Groups of parameters with settings of their own; a parameter goes to the first that matches."
_MATCH: Final[Schema] = {
    "description": 'Shell patterns of state dict keys: "fc.*".', "type": ["string", "array"], "items": _TEXT,
}  # fmt: skip
_OF_A_GROUP: Final = ("match", "type")
_OF_A_SCHEDULER: Final[Mapping[str, tuple[str, Schema]]] = {
    "every": ('What it counts; "epoch" if left out.', {"enum": ["step", "epoch"]}),
    "steps": ("How long it runs, counted in `every`; the last runs to the end.", held("int")),
    "metric": ("What ReduceLROnPlateau watches; val_loss if left out.", _TEXT),
}


def optimizer(entries: Mapping[str, Entry], shared: Shared) -> Schema:
    """Without a type it may be what another spec goes on with."""
    by_name = _by_name(entries)
    own = shared.reference("group with an optimizer of its own", rules(by_name, _OF_A_GROUP, shared))
    groups = [
        {"if": is_of([entry.name, entry.target]), "then": _of_groups(entry, own, shared)} for entry in entries.values()
    ]
    return {"type": "object", "properties": {"type": one_of(by_name), "groups": {"type": "array"}},
            "allOf": [rules(by_name, ("type", "groups"), shared), *groups]}  # fmt: skip


def group_view(entries: Mapping[str, Entry]) -> Schema:
    """Its `items` are as those of a layer."""
    own = {"match": _MATCH, "type": {"description": "An optimizer of its own.", "enum": list(entries)}}
    return {"type": "object", "properties": {**own, **view(entries)}, "items": {"$ref": "#/definitions/group_view"}}


def optimizer_view(entries: Mapping[str, Entry], sentences: Mapping[str, str]) -> Schema:
    arguments, group = view(entries), {"$ref": "#/definitions/group_view"}
    return {
        "type": "object",
        "properties": {
            "type": {"description": "What the optimizer is.", **types(entries, sentences)},
            "groups": {"description": _GROUPS, "type": "array", "items": group},
            **arguments,
        },
    }


def scheduler(entries: Mapping[str, Entry], shared: Shared) -> Schema:
    """One, or several that follow one another."""
    by_name = _by_name(entries)
    one = {"properties": {"type": one_of(by_name)}, "allOf": [rules(by_name, ("type", *_OF_A_SCHEDULER), shared)],
           "required": ["type"]}  # fmt: skip
    reference = shared.reference("one scheduler", one)
    return {"if": {"type": "array"}, "then": {"items": reference}, "else": reference}


def scheduler_view(entries: Mapping[str, Entry], sentences: Mapping[str, str]) -> Schema:
    own = {key: {"description": says, **takes} for key, (says, takes) in _OF_A_SCHEDULER.items()}
    kind = {"description": "What the scheduler is.", **types(entries, sentences)}
    return {"type": ["object", "array"], "properties": {"type": kind, **own, **view(entries)},
            "items": {"$ref": "#/definitions/scheduler_view"}}  # fmt: skip


def _by_name(entries: Mapping[str, Entry]) -> dict[str, Entry]:
    return {name: entry for entry in entries.values() for name in (entry.name, entry.target)}


def _of_groups(entry: Entry, own: Schema, shared: Shared) -> Schema:
    alike = shared.reference(f"group of {entry.name}", closed(entry, ("match",), shared))
    return {"properties": {"groups": {"items": {
        "required": ["match"], "if": {"required": ["type"]}, "then": own, "else": alike,
    }}}}  # fmt: skip
