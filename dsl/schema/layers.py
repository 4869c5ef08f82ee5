"""Layers, blocks and the loss: the keys of the language, and for each type of layer its arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from dsl.catalogue.entries import Entry, Parameter
from dsl.catalogue.starts import STARTS
from dsl.catalogue.types import forms
from dsl.keys import KINDS, LAYER
from dsl.schema.arguments import Shared, is_of, one_of, rules, types, view
from dsl.schema.values import EXPRESSION, Schema, held

_VIEW, _RULES, _START = "#/definitions/layer_view", "#/definitions/layer", "#/definitions/start"
_LAYERS: Final = frozenset(("module", "callable"))
_TEXT: Final[Schema] = {"type": "string"}
_NAMES: Final[Schema] = {"type": "array", "items": _TEXT}
_REFERENCES: Final[Schema] = {"type": ["string", "array", "object"]}
_TRUTH: Final = held("bool")
# `factor` is a loss's own; where it has no place is said beside.
_OF_A_TYPE: Final = (*(key for key in LAYER if key not in ("layers", "share", "value")), "factor")
_OF_A_CALL: Final = ("name", "input", "repeat", "parallel", "when", "train_only")
_OF_A_BLOCK: Final = ("layers", "inputs", "outputs", "init", "freeze")

# What the keys say, and what they take.
_KEYS: Final[dict[str, tuple[str, Schema]]] = {
    "layers": ("A group: layers written in place. It sees the names around it.", {"type": "array"}),
    "share": ("An earlier layer that is called again: the same module.", _TEXT),
    "value": ('An expression over tensors: "${x * sigmoid(gate)}".', _TEXT),
    "name": ("Its key in the state dict, and what others refer to. Left out: its position.", _TEXT),
    "input": ("What it reads: a name, an array or a table of names. Left out: the layer before.", _REFERENCES),
    "repeat": ("How many copies, one after another, each with weights of its own; ${i} counts them.", held("int")),
    "parallel": ("The copies read the same input instead; the result is the tuple of theirs.", _TRUTH),
    "when": ("A condition; where it is false there is no module, and the input passes through.",
             held("bool | float")),
    "tie": ('Parameters that are an earlier layer\'s: { weight = "embedding.weight" }.',
            {"type": "object", "additionalProperties": _TEXT}),
    "init": ("How parameters start, by name: a number or a table with a type of torch.nn.init.",
             {"type": ["object", "number", "array", "string", "boolean"]}),
    "freeze": ("Its parameters do not train.", _TRUTH),
    "train_only": ("In evaluation it passes its input through.", _TRUTH),
    "args": ('Arguments whose names are keys of a layer; "${rest}" hands on what a block does not name.',
             {"type": ["object", "string"], "pattern": EXPRESSION}),
    "inputs": ("Names for what the group or block reads.", _NAMES),
    "outputs": ("What it gives: a name, an array or a table of names. Left out: the last layer.", _REFERENCES),
    "params": ("What must be given where the block is used.", _NAMES),
    "defaults": ("What may be given, and what it is if it is not.", {"type": "object"}),
    "factor": ("What this term of the loss is multiplied by.", held("float")),
    "weights": ("A file of weights that it starts from, strictly; `fresh`: keys of the model that start anew.", {
        "type": ["string", "object"],
        "properties": {"file": _TEXT, "fresh": {"type": ["string", "array"], "items": _TEXT}},
        "additionalProperties": False,
    }),
    "rename": ('What keys of the file of weights are called here: { "module.*" = "*" }; "" leaves them out.',
               {"type": "object", "additionalProperties": _TEXT}),
}  # fmt: skip
# Tensors of the model's own are no types of the catalogue.
_STORED: Final = {
    name: Entry(name=name, target=f"tomograph.{name}", role="module", kind="other",
                parameters=tuple(Parameter(name=key, type=kind) for key, kind in keys.items()))
    for name, keys in {
        "Parameter": {"shape": "int | int[]", "dtype": "dtype"},
        "Buffer": {"shape": "int | int[]", "dtype": "dtype", "persistent": "bool"},
    }.items()
}  # fmt: skip


def keys(names: Sequence[str]) -> dict[str, Schema]:
    """These keys of layers and blocks, with what they say."""
    return {name: {"description": _KEYS[name][0], **_KEYS[name][1]} for name in names}


def layers(reference: str) -> Schema:
    return {**keys(["layers"])["layers"], "items": {"$ref": reference}}


def define_layers(
    entries: Mapping[str, Entry], dotted: Mapping[str, Entry], sentences: Mapping[str, str], shared: Shared
) -> None:
    """What a layer and a loss are: `layer_view` and `layer`, `loss_view` and `loss`.

    entries: by the name that is offered. dotted: by the further names that a spec may write.
    """
    offered = {**entries, **_STORED}
    losses = {name: entry for name, entry in offered.items() if entry.kind == "loss"}
    every = {**offered, **dotted, **{entry.target: entry for entry in _STORED.values()}}
    shared.made["start_view"] = _start_view()
    shared.made["start"] = _start(shared)
    shared.made["layer_view"] = _view(offered, sentences)
    shared.made["loss_view"] = _loss_view(losses, offered, sentences)
    shared.made["typed"] = rules(every, _OF_A_TYPE, shared)
    shared.made["common"] = {"properties": {**_plain(LAYER), "init": _init(), "factor": held("float")}}
    shared.made["group"] = _group()
    shared.made["layer"] = _layer(list(every))
    shared.made["loss"] = _loss()


def block_rules(inputs: Schema, further: Sequence[str] = ()) -> Schema:
    """A model or a named block, which has these inputs and these keys besides."""
    own = {**_plain([*_OF_A_BLOCK, *further]), "layers": _layer_list(), "inputs": inputs, "init": _init()}
    return {"type": "object", "properties": own, "additionalProperties": False}


def block_view(inputs: Schema, further: Sequence[str] = ()) -> Schema:
    own = {**keys([*_OF_A_BLOCK, *further]), "layers": layers(_VIEW), "init": _init_view()}
    return {"type": "object", "properties": {**own, "inputs": {**own["inputs"], **inputs}}}


def _view(entries: Mapping[str, Entry], sentences: Mapping[str, str]) -> Schema:
    arguments = view(entries)
    inside = [name for name in arguments if any(_takes_layer(each, name) for each in entries.values())]
    properties = {"type": {"description": "What the layer is.", **types(entries, sentences)}, **arguments}
    properties |= {**keys([*LAYER[1:], "inputs", "outputs"]), "layers": layers(_VIEW), "init": _init_view()}
    # Under `patternProperties`, so that a layer in a layer is completed, and its keys are not offered outside of it.
    # The `items` are for Taplo, which counts a table's place in an array twice where the array is written in place.
    return {
        "type": "object",
        "properties": properties,
        "items": {"$ref": _VIEW},
        "patternProperties": {f"^({'|'.join(inside)})$": {"$ref": _VIEW}},
    }


def _loss_view(losses: Mapping[str, Entry], entries: Mapping[str, Entry], sentences: Mapping[str, str]) -> Schema:
    first = {**losses, **{name: entry for name, entry in entries.items() if name not in losses}}
    properties = {"type": {"description": "What the loss is.", **types(first, sentences)}, **view(losses)}
    properties |= {**keys(["name", "input", "value", "outputs", "factor"]), "layers": layers(_VIEW)}
    return {"type": ["object", "array"], "properties": properties, "items": {"$ref": "#/definitions/loss_view"}}


def _takes_layer(entry: Entry, name: str) -> bool:
    return entry.accepts(name) and any(form.name in _LAYERS for form in forms(entry.parameter(name).type))


def _layer(known: Sequence[str]) -> Schema:
    no_loss = {"if": is_of(known), "then": {"properties": {"factor": False}}}
    return {
        "type": "object",
        "allOf": [{"$ref": "#/definitions/common"}],
        "if": {"required": ["type"]},
        "then": {"allOf": [{"$ref": "#/definitions/typed"}, no_loss]},
        "else": _untyped((), {"required": ["type"]}),
    }


def _loss() -> Schema:
    """One term or an array of them. Without a type it may be what another spec goes on with."""
    return {
        "type": ["object", "array"],
        "allOf": [{"$ref": "#/definitions/common"}],
        "if": {"required": ["type"]},
        "then": {"$ref": "#/definitions/typed"},
        "else": _untyped(("factor",), {}),
        "items": {"$ref": "#/definitions/loss"},
    }


def _untyped(further: Sequence[str], nothing: Schema) -> Schema:
    """A group, a layer that is called again, or an expression; `nothing` holds where it is none of them."""
    valued = {"if": {"required": ["value"]}, "then": _only("value", *_OF_A_CALL, *further), "else": nothing}
    shared = {"if": {"required": ["share"]}, "then": _only("share", *_OF_A_CALL, *further), "else": valued}
    return {"if": {"required": ["layers"]}, "then": {"$ref": "#/definitions/group"}, "else": shared}


def _group() -> Schema:
    own = [key for key in (*LAYER, *_OF_A_BLOCK, "factor") if key not in (*KINDS, "args")]
    properties = {**_only(*own)["properties"], "layers": _layer_list()}
    properties |= _plain(["inputs", "outputs"])
    return {"properties": properties, "additionalProperties": False}


def _only(*names: str) -> Schema:
    return {"properties": dict.fromkeys(names, True), "additionalProperties": False}


def _plain(names: Sequence[str]) -> dict[str, Schema]:
    """What keys take, but for those of which that hangs on the rest: a type's own `value` is no expression."""
    return {name: _KEYS[name][1] for name in names if name not in ("type", "value", "layers")}


def _layer_list() -> Schema:
    return {"type": "array", "items": {"$ref": _RULES}}


# How parameters start


def _init() -> Schema:
    """A way to start, for a tensor of one's own; else ways by the names of parameters."""
    one = {"properties": {"type": _TEXT}, "required": ["type"]}
    return {"if": one, "then": {"$ref": _START}, "else": {"additionalProperties": {"$ref": _START}}}


def _start(shared: Shared) -> Schema:
    functions = {name: entry for each, entry in STARTS.items() for name in (each, entry.target)}
    kinds = {"type": ["object", "number", "array", "string", "boolean"]}
    return {
        **kinds,
        "properties": {"type": one_of(functions)},
        "required": ["type"],
        **rules(functions, ("type",), shared),
    }


def _start_view() -> Schema:
    return {"type": "object", "properties": {"type": types(STARTS, {}), **view(STARTS)}}


def _init_view() -> Schema:
    return {**keys(["init"])["init"], "additionalProperties": {"$ref": "#/definitions/start_view"}}
