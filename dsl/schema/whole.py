"""The schema of a whole spec."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, TypeAlias

from dsl.catalogue.entries import Entry
from dsl.catalogue.lines import entry_at, targets
from dsl.catalogue.lookup import (
    find_known,
    find_optimizer,
    find_scheduler,
    find_settings,
    optimizer_names,
    scheduler_names,
    torch_names,
)
from dsl.catalogue.own import OWN
from dsl.schema import optimizing, training
from dsl.schema.arguments import Shared, rules
from dsl.schema.layers import block_rules, block_view, define_layers, layers
from dsl.schema.values import Schema
from dsl.warning_codes import WARNINGS

DRAFT: Final = "http://json-schema.org/draft-07/schema#"
_ABOUT: Final = "A neural network that Tomograph reads. Written by `tomograph schema`."
_TEXT: Final[Schema] = {"type": "string"}
_OF_A_MODEL: Final = ("weights", "rename")
_VIEW, _RULES = "#/definitions/layer_view", "#/definitions/layer"
_PATCH: Final = {
    "set": "Keys of the layer that are changed.",
    "before": "Layers that go before it.",
    "after": "Layers that go after it.",
    "replace": "Layers that take its place.",
    "remove": "It goes: true.",
}
_TOP: Final[dict[str, tuple[str, Schema]]] = {
    "name": ("The class that the model becomes.", _TEXT),
    "doc": ("What the model is, in words.", _TEXT),
    "extends": ("A spec that this one stands on: tables merge key by key, arrays are replaced.", _TEXT),
    "include": (
        "Files whose blocks are read, and nothing else of them.",
        {"type": ["string", "array"], "items": _TEXT},
    ),
    "allow": (
        "Warnings that are not told, by their codes.",
        {"type": "array", "items": {"anyOf": [{"enum": list(WARNINGS)}]}},
    ),
    "vars": ('The spec\'s knobs, which expressions see: "${width}".', {"type": "object"}),
}
# What is said of types in a sentence, by their full names.
Sentences: TypeAlias = Mapping[str, str]


def schema_text(sentences: Sentences | None = None, registered: Mapping[str, Entry] | None = None) -> str:
    """The JSON text. sentences: what to show of a type beside its signature, by its full name.

    registered: types from Python, by the names that specs use; they take the place of torch's of the same name.
    """
    made = schema(sentences or {}, registered or {})
    definitions = ",\n".join(f"{json.dumps(name)}: {_line(each)}" for name, each in made.pop("definitions").items())
    head = _line(made)[:-1]
    return f'{head},\n"definitions": {{\n{definitions}\n}}}}\n'


def schema(sentences: Sentences, registered: Mapping[str, Entry]) -> Schema:
    """The schema as plain data: a view for editors, which fits whatever is written, and rules.

    A spec may call a block by a name of PyTorch's, whose arguments then are not the block's: in such a spec layers are
    not held against their types.
    """
    offered, dotted = _offered(registered), _dotted()
    shared = Shared()
    define_layers(offered, dotted, sentences, shared)
    _define_rest(sentences, shared)
    return {
        "$schema": DRAFT,
        "title": "Tomograph",
        "description": _ABOUT,
        "anyOf": [True, _view()],
        "if": {"properties": {"blocks": {"propertyNames": {"not": {"enum": [*offered]}}}}},
        "then": {"allOf": [_top(), _model_rules()]},
        "else": _top(),
        "definitions": shared.made,
    }


def _offered(registered: Mapping[str, Entry]) -> dict[str, Entry]:
    names = dict.fromkeys([*OWN, *registered, *sorted(torch_names(), key=_modules_first)])
    entries = {name: registered.get(name) or find_known(name) for name in names}
    return {name: entry for name, entry in entries.items() if entry is not None}


def _modules_first(name: str) -> tuple[bool, str]:
    return not name[:1].isupper(), name.lower()


def _dotted() -> dict[str, Entry]:
    """torch's types by their full names."""
    every = {target: entry_at(target) for target in targets() if not target.startswith("torch.optim.")}
    own = {entry.target: entry for entry in OWN.values()}
    return own | {target: entry for target, entry in every.items() if entry and entry.role != "settings"}


def _define_rest(sentences: Sentences, shared: Shared) -> None:
    optimizers = {name: entry for name in optimizer_names() if (entry := find_optimizer(name))}
    settings = {name: entry for each in targets() if (entry := find_settings(each)) for name in (each, entry.name)}
    shared.made["declared"], shared.made["field"] = training.declared(), training.field()
    shared.made["settings"] = rules(settings, ("type",), shared)
    schedulers = {name: entry for name in scheduler_names() if (entry := find_scheduler(name))}
    shared.made["group_view"] = optimizing.group_view(optimizers)
    shared.made["optimizer_view"] = optimizing.optimizer_view(optimizers, sentences)
    shared.made["optimizer"] = optimizing.optimizer(optimizers, shared)
    shared.made["scheduler_view"] = optimizing.scheduler_view(schedulers, sentences)
    shared.made["scheduler"] = optimizing.scheduler(schedulers, shared)
    shared.made["typed_loss"] = _typed_loss()
    shared.made["patch"] = _patch()


def _view() -> Schema:
    inputs = {"type": "object", "additionalProperties": {"$ref": "#/definitions/declared"}}
    block = block_view({}, ("params", "defaults"))
    model = block_view({**inputs, "description": "Shapes by name."}, _OF_A_MODEL)
    patch = {"type": "object", "properties": {key: {"description": each} for key, each in _PATCH.items()}}
    return {
        "type": "object",
        "properties": {
            **_plain(),
            "blocks": {"description": "Blocks by name.", "type": "object", "additionalProperties": block},
            "model": {"description": "The model.", **model},
            "loss": {"$ref": "#/definitions/loss_view"},
            "optimizer": {"$ref": "#/definitions/optimizer_view"},
            "scheduler": {"$ref": "#/definitions/scheduler_view"},
            "data": {"description": "Where samples come from.", **training.data(_VIEW)},
            "train": {"description": "How training runs.", **training.train_view()},
            "metrics": {"description": "What outputs are measured by, by name.", **training.metrics()},
            "patch": {"description": "Layers changed, by path.", "type": "object", "additionalProperties": patch},
        },
    }


def _top() -> Schema:
    """The rules of all tables, but of layers. What another spec says, one that stands on it may leave out."""
    free: dict[str, Schema] = {key: {"type": ["object", "array"]} for key in ("blocks", "model", "loss", "patch")}
    further = {
        **free,
        "optimizer": {"$ref": "#/definitions/optimizer"},
        "train": training.train(),
        "metrics": training.metrics(),
    }
    further["scheduler"] = {"$ref": "#/definitions/scheduler"}
    data = {**training.data(_RULES)}
    data["properties"] = {**data["properties"], "prepare": {"type": "array"}}
    return {
        "type": "object",
        "properties": {**_plain(), **further, "data": data},
        "additionalProperties": False,
        "if": {"required": ["extends"]},
        "else": {"properties": {"optimizer": {"required": ["type"]}, "loss": {"$ref": "#/definitions/typed_loss"}}},
    }


def _model_rules() -> Schema:
    names: Schema = {"type": "array", "items": _TEXT}
    inputs: Schema = {"type": "object", "additionalProperties": {"$ref": "#/definitions/declared"}}
    prepare = {"properties": {"prepare": layers(_RULES)}}
    return {
        "properties": {
            "model": block_rules(inputs, _OF_A_MODEL),
            "blocks": {"type": "object", "additionalProperties": block_rules(names, ("params", "defaults"))},
            "loss": {"$ref": "#/definitions/loss"},
            "data": prepare,
            "patch": {"type": "object", "additionalProperties": {"$ref": "#/definitions/patch"}},
        }
    }


def _typed_loss() -> Schema:
    """Each term has a type where it is no group and no expression."""
    other: Schema = {"anyOf": [{"required": ["layers"]}, {"required": ["value"]}]}
    one: Schema = {"if": other, "else": {"required": ["type"]}}
    return {"if": {"type": "array"}, "then": {"items": one}, "else": one}


def _patch() -> Schema:
    """A layer or an array of layers is what is put there."""
    several = {"if": {"type": "array"}, "then": {"items": {"$ref": _RULES}}, "else": {"$ref": _RULES}}
    put: dict[str, Schema] = {"before": several, "after": several, "replace": several}
    properties = {**put, "set": {"type": "object"}, "remove": {"const": True}}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _plain() -> dict[str, Schema]:
    return {key: {"description": says, **takes} for key, (says, takes) in _TOP.items()}


def _line(schema: Schema) -> str:
    return json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
