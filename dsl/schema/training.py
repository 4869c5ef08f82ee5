"""The data and the training."""

from __future__ import annotations

from typing import Final

from dsl.reading.inputs import DTYPES
from dsl.schema.layers import layers
from dsl.schema.values import EXPRESSION, Schema, held

_TEXT: Final[Schema] = {"type": "string"}
_SOURCE: Final[Schema] = {"type": ["string", "object"], "additionalProperties": _TEXT}


def _table(**keys: tuple[str, Schema]) -> Schema:
    properties = {key: {"description": says, **takes} for key, (says, takes) in keys.items()}
    return {"type": "object", "properties": properties, "additionalProperties": False}


_DATA: Final[dict[str, tuple[str, Schema]]] = {
    "source": ('A built-in set ("digits", "fashion-mnist", "random"), a file, a folder of images, or a table of files.',
               _SOURCE),
    "validation": ("The part that is held out, between 0 and 1, or a source of its own.",
                   {**_SOURCE, "type": ["string", "object", "number"]}),
    "batch_size": ("Samples in a batch.", {**held("int"), "default": 32}),
    "shuffle": ("Whether each epoch has an order of its own.", {**held("bool"), "default": True}),
    "num_workers": ("Processes that load batches.", {**held("int"), "default": 0}),
    "drop_last": ("Whether a last batch that is not full is left out.", {**held("bool"), "default": False}),
    "samples": ('How many samples "random" makes.', {**held("int"), "default": 1000}),
    "sizes": ('For "random": how large free sizes are, as in { T = 50 }.',
              {"type": "object", "additionalProperties": held("int")}),
    "fields": ("The source's names of fields by ours; declarations for \"random\", and of the size of images.",
               {"type": "object", "additionalProperties": {"$ref": "#/definitions/field"}}),
}  # fmt: skip
_PREPARE = "Layers that run on each batch, on the device."
_TRAIN: Final[dict[str, tuple[str, Schema]]] = {
    "epochs": ("How often training sees all samples.", held("int")),
    "steps": ("How many steps training takes, in place of epochs.", held("int")),
    "seed": ("Where chance starts from.", {**held("int"), "default": 0}),
    "device": ("Where it runs; of several, the first that is there.",
               {"type": ["string", "array"], "items": _TEXT, "default": "auto"}),
    "precision": ("Of the numbers in training.", held("'float32' | 'bf16' | 'fp16' | 'auto'")),
    "memory_format": ("How images lie in memory.", held("'contiguous' | 'channels_last'")),
    "clip_grad_norm": ("The norm that gradients are cut down to.", held("float")),
    "clip_grad_value": ("The size that each number in a gradient is cut down to.", held("float")),
    "accumulate": ("Batches in a step, whose gradients are added up.", {**held("int"), "default": 1}),
    "early_stopping": ("Ends the run when a metric gets no better.", _table(
        metric=("A column of metrics.csv; val_loss if left out.", _TEXT),
        patience=("How many epochs it waits.", {**held("int"), "default": 5}),
        min_delta=("What counts as better.", {**held("float"), "default": 0}),
    )),
    "average": ("Averaged weights are what is evaluated and kept.", _table(
        type=("EMA, with a decay; SWA, the plain mean from a part of the run on.", held("'EMA' | 'SWA'")),
        decay=("Of EMA: what is kept of the average in each step.", {**held("float"), "default": 0.999}),
        start=("Of SWA: the part of the run after which it begins.", {**held("float"), "default": 0.75}),
    )),
    "compile": ("Whether steps run the model through torch.compile.", {**held("bool"), "default": False}),
    "deterministic": ("Whether only algorithms run that give the same bits each time.",
                      {**held("bool"), "default": False}),
    "time_limit": ('Seconds, or text such as "2h30m", after which the run stops as on Ctrl-C.',
                   {"type": ["number", "string"]}),
    "save_every": ("Steps from one checkpoint to the next, beside those at the end of each epoch.", held("int")),
}  # fmt: skip
_ENUMS: Final[dict[str, list[str]]] = {
    "precision": ["float32", "bf16", "fp16", "auto"], "memory_format": ["contiguous", "channels_last"],
}  # fmt: skip
_SHAPE: Final[Schema] = {"type": "array", "items": {"type": ["integer", "string"], "minimum": 1}}


def declared() -> Schema:
    """An input of a model: a shape, or a table that says more."""
    return {
        "type": ["array", "object", "string"],
        "pattern": EXPRESSION,
        "items": _SHAPE["items"],
        "properties": {
            "shape": {"description": 'Whole numbers, and names of free sizes: ["N", 3, "H", "W"].', **_SHAPE},
            "dtype": {"description": "Of its numbers.", "enum": list(DTYPES)},
            "low": {"description": "The least whole number in it, 0 if left out.", "type": "integer"},
            "high": {"description": "One above the greatest whole number in it.", **held("int")},
            "options": {"description": "The input is a choice of these words; the first is the default.",
                        "type": "array", "items": _TEXT},
        },
        "additionalProperties": False,
    }  # fmt: skip


def field() -> Schema:
    """A field of the data: the source's name for it, several, or a declaration."""
    keys = {key: declared()[key] for key in ("properties", "additionalProperties")}
    return {"type": ["string", "array", "object"], "items": {"type": ["integer", "string"]}, **keys}


def data(reference: str) -> Schema:
    prepare = {**layers(reference), "description": _PREPARE}
    properties = {key: {"description": says, **takes} for key, (says, takes) in _DATA.items()} | {"prepare": prepare}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def metrics() -> Schema:
    one = {
        "type": "object",
        "properties": {
            "type": {"description": "A class of torchmetrics.", **_TEXT},
            "input": {"description": "What it reads, in place of what the loss does.", "type": "array", "items": _TEXT},
        },
        "required": ["type"],
    }
    return {"type": "object", "additionalProperties": one}


def train() -> Schema:
    """Words of a closed list are held by a pattern, so that an expression goes too, and offered by an enum."""
    properties = {key: {"description": says, **takes} for key, (says, takes) in _TRAIN.items()}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def train_view() -> Schema:
    properties = train()["properties"]
    return {"type": "object", "properties": properties | {
        key: {"description": _TRAIN[key][0], "enum": words} for key, words in _ENUMS.items()
    }}  # fmt: skip
