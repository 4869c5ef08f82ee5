"""What the lines of a `forward` say of single nodes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from builder.codegen.holes import hole
from builder.graph import Node

_NUMBER: Final = re.compile(r"(?<![\w.{])\d+(\.\d*)?(e[-+]?\d+)?(?![\w.}])")


def has_lengths(node: Node) -> bool:
    """Whether a recurrent layer is told how long each of its padded sequences is."""
    return node.role == "module" and node.kind == "recurrent" and "lengths" in node.keyword_reads


def filled(template: str, values: list[str], device: str) -> str:
    """The text of a `value` with Python's names for what it reads."""
    names: Mapping[str, str] = {**{str(i): value for i, value in enumerate(values)}, "device": device}
    template = re.sub(r"(\{\w+\}|\b\w+) \*\* (\d+)\b", r"\1**\2", template)  # as formatters write a plain power
    numbers = template if re.search("[\"']", template) else _NUMBER.sub(lambda found: hole("", found[0]), template)
    return re.sub(r"\{(\w+)\}", lambda match: names[match[1]], numbers)


def argument_name(node: Node) -> str:
    """What `forward` calls an input."""
    name = node.name.partition(".")[2]
    return name if name.isidentifier() else f"x{re.sub(r'[^0-9a-zA-Z_]', '_', name)}"
