"""Where the nodes of an ONNX graph stand: the modules that they came from, as far as the file tells."""

from __future__ import annotations

import ast
import keyword
import re
from typing import Any

from builder.exchange.programs.nesting import Scope


def scope_of(node: Any) -> Scope:
    """The modules around a node: as torch's exporter tells them, else as the node's name does."""
    told = {each.key: each.value for each in node.metadata_props}
    names, kinds = (_list(told.get(f"pkg.torch.onnx.{key}", "")) for key in ("name_scopes", "class_hierarchy"))
    if names and len(names) == len(kinds):
        around = zip(names[:-1], kinds[:-1], strict=True)
        return tuple((path_of(name), kind) for name, kind in around if name and "empty_nn" not in name)
    parts = [path_of(part) for part in node.name.strip("/").split("/")[:-1] if part]
    found: list[tuple[str, str]] = []
    for part in parts if node.name.startswith("/") else ():
        outer = found[-1][0] if found else ""
        last = outer.rpartition(".")[2]  # the older exporter writes `layers/layers.0`
        within = outer.rpartition(".")[0] if last and part.startswith(f"{last}.") else outer
        found.append((f"{within}.{part}" if within else part, re.sub(r"\W|\d", "", part.title()) or "Part"))
    return tuple(found)


def path_of(text: str) -> str:
    """A path in the state dict out of any text that a file has for a name."""
    parts = [each for each in re.sub(r"[^\w.]+", "_", text, flags=re.ASCII).split(".") if each]
    sound = (each if each.isdecimal() or (each.isidentifier() and not keyword.iskeyword(each)) else f"c{each}"
             for each in parts)  # fmt: skip
    return ".".join(sound) or "constant"


def _list(text: str) -> list[str]:
    try:
        found = ast.literal_eval(text) if text else []
    except (ValueError, SyntaxError):
        return []
    return [str(each) for each in found] if isinstance(found, list) else []


def class_of(model: Any) -> str:
    """The name of the model's class, else of its graph."""
    for node in model.graph.node:
        told = {each.key: each.value for each in node.metadata_props}
        kinds = _list(told.get("pkg.torch.onnx.class_hierarchy", ""))
        if len(kinds) > 1 and "empty_nn" not in kinds[0]:
            return re.sub(r"\W", "", kinds[0].rpartition(".")[2]) or "Model"
    word = re.sub(r"\W", "", model.graph.name.title())
    return word if word.isidentifier() and word.lower() not in ("maingraph", "graph", "torchjit") else "Model"
