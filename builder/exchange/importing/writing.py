"""Tables and comments as the text of a spec."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from builder.exchange.importing.examples import Examples
from builder.exchange.importing.records import Recording
from builder.exchange.importing.tables import Tables
from builder.exchange.importing.values import Ref
from dsl.formatting import dump_tables
from dsl.layout import formatted
from dsl.source import Source


def spec_text(name: str, tables: Tables, recording: Recording, examples: Examples, results: Mapping[str, Ref]) -> str:
    """The whole text in the house's form."""
    model = tables.model(told=list(results) != [""])
    outputs = _outputs(model, results)
    inputs = {key: _input(key, recording, examples) for key in recording.inputs}
    whole: dict[str, Any] = {"name": class_name(name)}
    blocks = tables.blocks()
    if blocks:
        whole["blocks"] = blocks
    whole["model"] = {
        "inputs": inputs,
        "layers": model["layers"],
        **({"outputs": outputs} if outputs is not None else {}),
    }
    text = dump_tables(whole)
    return formatted(Source("imported", text))


def class_name(name: str) -> str:
    return re.sub(r"\W", "", name) or "Imported"


def _outputs(model: Mapping[str, Any], results: Mapping[str, Ref]) -> Any:
    """The model's outputs in the form that the module gives them in."""
    written = model.get("outputs")
    keys = list(results)
    if keys == [""] or written is None:
        return written
    several = written if isinstance(written, list) else [written]
    if keys[0] == "0":
        return several
    return dict(zip(keys, several, strict=True))


def _input(name: str, recording: Recording, examples: Examples) -> Any:
    known = recording.known[recording.inputs[name]]
    tensor = examples.inputs[name]
    shape = [examples.free.get((name, dim), size) for dim, size in enumerate(tensor.shape)]
    if tensor.is_floating_point():  # of which kind is the model's own affair: `model.double()` takes others
        return shape
    table: dict[str, Any] = {"shape": shape, "dtype": known.dtype}
    if known.dtype not in ("bool", "complex64", "complex128"):
        table["high"] = recording.highs.get(name, max(2, int(tensor.max()) + 1 if tensor.numel() else 2))
    return table
