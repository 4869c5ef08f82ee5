"""The graph of a faulty spec as far as it is known, for a picture: layers at fault are nodes too, and marked.

It is no graph of a model: shapes are missing, and nothing but a picture is made of it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from builder.checking.whole import Examined, examine_text
from builder.elaboration import Elaboration
from builder.graph import Marked, Node, Region, assemble, references, with_marks
from dsl.diagnostics import Diagnostic
from dsl.source import key_text

if TYPE_CHECKING:
    import networkx

_NOT_KNOWN = "cannot be worked out"  # of a layer whose own fault is told elsewhere


def partial_graph(text: str, path: str | os.PathLike[str] = "<spec>") -> networkx.DiGraph[str] | None:
    """What is known of the text of a spec, its faults marked; None where no layer of it can be read, or
    nothing is wrong.

    path: its name in diagnostics; files that it names are looked for beside that.
    """
    return known_part(examine_text(text, os.fspath(path)))


def known_part(found: Examined) -> networkx.DiGraph[str] | None:
    """The model that an examination leaves, its faults marked; None where there is no layer in it, or no fault."""
    model = found.model
    if model is None or not found.faults or not (model.astray or any(map(_is_layer, model.made))):
        return None
    entries = _with_own_names(_in_order(model))
    all_nodes = [each.node for each in entries]
    there = _regions(model, all_nodes)
    graph = assemble(model.name, model.doc, model.file, all_nodes, there, [])
    marks = _marks(entries, there, model, found.faults)
    return with_marks(graph, marks, {}, _told(found.faults, marks))


@dataclass(frozen=True, slots=True)
class _Entry:
    """A node on its way into the graph. key: of its layer, as diagnostics say it; "" where that is not known."""

    node: Node
    key: str
    astray: bool = False


def _in_order(model: Elaboration) -> list[_Entry]:
    """All nodes as the spec has them: inputs, what was made and what went astray, outputs."""
    ahead = sum(each.role == "input" for each in model.made)
    made = [_Entry(each, _key_of(model, each.name) if each.role != "output" else "") for each in model.nodes]
    found: list[_Entry] = made[:ahead]
    at = 0
    for each in model.astray:
        found += made[ahead + at : ahead + each.after]
        at = each.after
        span = each.place.span("value")
        node = replace(each.node, file=each.place.source.name, line=span.line, column=span.column)
        found.append(_Entry(node, key_text(each.place.path), astray=True))
    return [*found, *made[ahead + at :]]


def _key_of(model: Elaboration, name: str) -> str:
    at = model.places.get(name)
    return key_text(at[0].path) if at is not None else ""


def _with_own_names(entries: Sequence[_Entry]) -> list[_Entry]:
    """Each under a name that no other and no region has; faults may have given one twice. Those below a name read the
    last one above them."""
    last: dict[str, str] = {}
    taken = {name for entry in entries for name in accumulate(entry.node.region.split("."), "{}.{}".format)}
    found = []
    for entry in entries:
        node = entry.node
        reads, keyword_reads = _renamed(node.reads, last), _renamed(node.keyword_reads, last)
        name = _free(node.name, taken)
        taken.add(name)
        last[node.name] = name
        found.append(replace(entry, node=replace(node, name=name, reads=reads, keyword_reads=keyword_reads)))
    return found


def _free(name: str, taken: set[str]) -> str:
    number = 2
    free = name
    while free in taken:
        free, number = f"{name} ({number})", number + 1
    return free


def _renamed(reads: Any, names: Mapping[str, str]) -> Any:
    """The references whose nodes are there; a reference loses how it came through regions, of which some are not."""
    if isinstance(reads, list):
        kept = [_renamed(each, names) for each in reads]
        return [each for each in kept if each]
    if not isinstance(reads, dict):
        return None
    if not isinstance(reads.get("from"), str):
        kept_by_name = {key: _renamed(each, names) for key, each in reads.items()}
        return {key: each for key, each in kept_by_name.items() if each}
    name = names.get(reads["from"])
    if name is None:
        return None
    return {"from": name, **({"pick": reads["pick"]} if "pick" in reads and name == reads["from"] else {})}


def _regions(model: Elaboration, all_nodes: Sequence[Node]) -> list[Region]:
    """The regions that hold a node; their children are in the order of the nodes."""
    parents = {child: each.name for each in model.held for child in each.children}
    children: dict[str, dict[str, None]] = {"": {}}
    for node in all_nodes:
        inner, around = node.name, node.region
        while _is_layer(node):
            children.setdefault(around, {})[inner] = None
            if not around:
                break
            inner, around = around, parents[around]
    return [replace(each, children=list(children[each.name])) for each in model.regions if each.name in children]


def _marks(
    entries: Sequence[_Entry], there: Sequence[Region], model: Elaboration, faults: Sequence[Diagnostic]
) -> dict[str, Marked]:
    """Each fault at the nodes or regions that it is told of. What went astray for a fault that is told elsewhere is
    marked too, but not what only follows something unknown."""
    keys = {**{each.name: _key_of(model, f"region {each.name}") for each in there if each.name},
            **{each.node.name: each.key for each in entries}}  # fmt: skip
    types = {each.name: each.type for each in there} | {each.node.name: each.node.type for each in entries}
    facts: dict[str, dict[str, None]] = {}
    for fault in faults:
        told = _outputs_of(fault.key, entries) or _told_of(fault.key, keys) or _uses_of(fault.key, types)
        for name in told:
            facts.setdefault(name, {})[fault.message] = None
    unknown = {each.node.name for each in entries if each.node.shape is None and each.node.options is None}
    for each in entries:
        follows = not unknown.isdisjoint(references([each.node.reads, each.node.keyword_reads]))
        if each.astray and not follows:
            facts.setdefault(each.node.name, {_NOT_KNOWN: None})
    return {name: Marked("fault", tuple(messages)) for name, messages in facts.items()}


def _told_of(key: str, keys: Mapping[str, str]) -> list[str]:
    """The nodes, else the regions, of the innermost layer that a diagnostic's key lies in."""
    around = [own for own in set(keys.values()) if own and (key == own or key.startswith((f"{own}.", f"{own}[")))]
    innermost = max(around, key=len, default=None)
    return [name for name, own in keys.items() if own == innermost and innermost is not None]


def _uses_of(key: str, types: Mapping[str, str]) -> list[str]:
    """Where a named block is used, of which something is wrong that is in no layer of it."""
    words = re.match(r"blocks\.([\w-]+)", key)
    return [name for name, type_ in types.items() if words is not None and type_ == words[1]]


def _outputs_of(key: str, entries: Sequence[_Entry]) -> list[str]:
    """The outputs that a diagnostic about the model's `outputs` means; all of them where it names none."""
    words = re.fullmatch(r"model\.outputs(?:\[(\d+)\]|\.(\w+))?.*", key)
    if words is None:
        return []
    outputs = [each.node.name for each in entries if each.node.role == "output"]
    meant = (
        f"outputs.{words[2]}"
        if words[2]
        else outputs[int(words[1])]
        if words[1] and int(words[1]) < len(outputs)
        else ""
    )
    return [meant] if meant in outputs else outputs


def _is_layer(node: Node) -> bool:
    return node.role not in ("input", "output")


def _told(faults: Sequence[Diagnostic], marks: Mapping[str, Marked]) -> str:
    count = f"{len(faults)} faults" if len(faults) != 1 else "1 fault"
    return f"{count} · drawn as far as it is known" if marks else f"{count}, not at a layer"
