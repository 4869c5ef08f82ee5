"""Values and calls as Python text."""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Mapping
from typing import Any, Final

from builder.codegen.imports import comes_from_python
from builder.graph import Node
from dsl.catalogue import Entry, Parameter, find

WIDTH: Final = 110


def literal(value: Any, parameter: Parameter | None = None) -> str:
    """An argument as Python writes it. Arrays become tuples; words for dtypes and arrays for tensors become torch's."""
    kinds = [part.strip() for part in parameter.type.split("|")] if parameter else []
    if isinstance(value, str):
        return f"torch.{value}" if "dtype" in kinds and value != "none" else _quoted(value)
    if isinstance(value, list):
        if parameter and parameter.takes_tensor:
            return f"torch.tensor({value!r})"
        inner = ", ".join(literal(each) for each in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(key)}: {literal(each)}" for key, each in value.items()) + "}"
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    return repr(value)


def entry_of(node: Node) -> Entry:
    entry = find(node.target)
    if entry is None:
        raise KeyError(f"the catalogue has no {node.target}")
    return entry


def constructor(node: Node) -> str:
    """`nn.Conv2d(in_channels=1, out_channels=6, kernel_size=5)`."""
    entry = entry_of(node)
    forward = {each.name for each in entry.inputs}
    arguments = {key: value for key, value in node.arguments.items() if key not in forward}
    called = "nn." + entry.name if node.target.startswith("torch.nn.") else entry.name
    return f"{called}({keywords(entry, arguments)})"


def call(node: Node, values: list[str], keyword_values: Mapping[str, str], module: str) -> str:
    """The expression that computes a node. `values` are Python's names for what it reads; `module` for its module."""
    entry = entry_of(node)
    named = [f"{key}={value}" for key, value in keyword_values.items()]
    if node.role == "module":
        forward = {each.name for each in entry.inputs}
        rest = keywords(entry, {key: value for key, value in node.arguments.items() if key in forward})
        return f"{module}({_joined(*values, *named, rest)})"
    rest = _joined(keywords(entry, node.arguments), *_mode(entry, node.arguments))
    if node.role == "method":
        return f"{values[0]}.{entry.name}({_joined(*values[1:], *named, rest)})"
    called = entry.name if comes_from_python(node.target) else re.sub(r"^torch\.nn\.functional\.", "F.", node.target)
    leading = [each.name for each in entry.parameters if each.passing == "position" and each.name in node.arguments]
    first = keywords(entry, {name: node.arguments[name] for name in leading})
    others = {name: value for name, value in node.arguments.items() if name not in leading}
    rest = _joined(keywords(entry, others), *_mode(entry, node.arguments))
    return f"{called}({_joined(first, *_placed(entry, values), *named, rest)})"


def _placed(entry: Entry, values: list[str]) -> list[str]:
    """Tensors by place; those that stand behind another argument (the index of gather) by name; einsum's spread."""
    signature = [each for each in entry.parameters if each.passing != "position"]
    if any(each.passing == "spread" for each in signature):
        return [f"*{value}" if value.startswith("[") else value for value in values]
    together = 0
    while together < len(signature) and signature[together].takes_tensor:
        together += 1
    later = [each.name for each in entry.inputs[together:]]
    return values[:together] + [f"{n}={v}" for n, v in zip(later, values[together:], strict=False)]


def keywords(entry: Entry, arguments: Mapping[str, Any]) -> str:
    """Arguments by name, but for those that PyTorch takes by position only."""
    words = []
    for key, value in arguments.items():
        parameter = entry.parameter(key) if entry.accepts(key) else None
        text = literal(value, parameter)
        words.append(text if parameter and parameter.passing == "position" else f"{key}={text}")
    return ", ".join(sorted(words, key=lambda word: "=" in word.split("(")[0]))


def _mode(entry: Entry, arguments: Mapping[str, Any]) -> list[str]:
    """Functions follow the model's mode, which torch's own do not."""
    words = []
    if entry.accepts("training") and "training" not in arguments:
        words.append("training=self.training")
    return words


def identifier(name: str) -> str:
    """A Python name made from a layer's: `x` where nothing is left."""
    text = re.sub(r"\W", "_", name.rpartition(".")[2])
    if not text.isidentifier() or keyword.iskeyword(text):
        text = f"x{text}" if f"x{text}".isidentifier() else "x"
    return text


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _quoted(text: str) -> str:
    return (
        '"' + repr("'" + text)[2:-1].replace('"', '\\"') + '"' if text.isprintable() and '"' not in text else repr(text)
    )
