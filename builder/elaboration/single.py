"""A layer that is one node: a type of torch, an expression, a tensor of the model's own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from builder import graph as contract
from builder.elaboration.frame import Feed, Frame
from builder.elaboration.given import truth
from builder.elaboration.kinds import entry_of, has_module
from builder.elaboration.ledger import Ledger
from builder.elaboration.sight import FaultToldError, Seen, text_of
from builder.elaboration.starting import check_started, starts
from builder.elaboration.stored import STORED, stored
from builder.elaboration.tying import check_ties, ties_of
from builder.elaboration.typed import TypedLayer
from builder.elaboration.valued import valued
from builder.graph import Node
from dsl.records import Layer


def one_node(walk: Ledger, layer: Layer, key: str | None, frame: Frame, feed: Feed, path: str) -> Seen:
    """The node of a layer, written down; what the layers below see of it."""
    if key is None:
        key, frame.entries.count = str(frame.entries.count), frame.entries.count + 1
        _check_unnamed(walk, layer, frame)
    name = frame.prefix + key
    if layer.value is not None:
        node, made, seen = valued(layer, name, frame, walk.inputs, walk.faults)
        walk.conditions += [condition.text for condition in made.conditions]
    elif layer.type in STORED:
        node, seen = stored(layer, name, path, frame, feed, walk.faults)
        walk.state[path] = seen.value  # type: ignore[assignment]
        _check_kept(walk, layer, node.reads)
    else:
        node, seen = _typed(walk, layer, name, frame, feed, path)
    own = _own(walk, layer, node, frame, feed, seen)
    walk.write(replace(node, **own) if own else node, layer, frame)
    return seen


def _typed(walk: Ledger, layer: Layer, name: str, frame: Frame, feed: Feed, path: str) -> tuple[Node, Seen]:
    ties = ties_of(walk, layer, frame)
    earlier = walk.owner(path) if frame.shared else None
    typed = TypedLayer(
        walk.faults, layer, entry_of(walk, layer, frame), name, path, frame, feed, walk.inputs,
        {key: kind for key, (_, kind) in ties.items()}, earlier,
    )  # fmt: skip
    node, made, seen = typed.node()
    walk.conditions += [condition.text for condition in made.conditions]
    if node.role == "module" and not frame.shared:
        prefix = f"{path}." if path else ""
        walk.state |= {prefix + key: kind for key, kind in seen.parameters.items()}
    check_ties(walk, layer, ties, seen)
    return replace(node, ties={key: target for key, (target, _) in ties.items()}) if ties else node, seen


def _own(walk: Ledger, layer: Layer, node: Node, frame: Frame, feed: Feed, seen: Seen) -> dict[str, Any]:
    """What the keys of every layer say: init, freeze, train_only."""
    frozen = truth(layer.freeze, layer, "freeze", frame, walk.faults)
    own: dict[str, Any] = {"frozen": True} if frame.frozen or frozen else {}
    if layer.init is not None and layer.type not in STORED and not frame.shared:  # a call starts nothing
        own["init"] = starts(layer.init, layer.place.at("init"), frame, walk.faults)
        if not seen.unknown:
            check_started(own["init"], {**node.parameters, **node.buffers}, layer, walk.faults)
    passed = passes(walk, layer, frame, feed, seen)
    return {**own, "passes": passed} if passed is not None else own


def passes(walk: Ledger, layer: Layer, frame: Frame, feed: Feed, seen: Seen) -> Any:
    """What a layer that is there in training only gives in evaluation: its first input."""
    if not truth(layer.train_only, layer, "train_only", frame, walk.faults):
        return None
    first = feed.first
    place = layer.place.at("train_only")
    if first is None:
        walk.faults.add(place, "a layer that is there in training only needs an input to pass through", "input")
        raise FaultToldError
    if seen.value != first.value and not seen.unknown and not first.unknown:
        message = "a layer that is there in training only must give what it reads"
        note = f"it reads {text_of(first.value)} and gives {text_of(seen.value)}"
        walk.faults.add(place, message, "shape", notes=(note,))
        raise FaultToldError
    return first.reference


def _check_kept(walk: Ledger, layer: Layer, references: Any) -> None:
    """What a buffer keeps is known when the model is built: it hangs on no input and no module."""
    for name in contract.references(references):
        at = walk.index.get(name)
        node = walk.nodes[at] if at is not None else None
        if node is None or node.role == "module" or node.sizes:
            what = f"the input `{name.partition('.')[2]}`" if node is None else f"`{name}`"
            message = f"a Buffer keeps what is known when the model is built, and this hangs on {what}"
            walk.faults.add(layer.place.at("input"), message, "free", part="value")
            raise FaultToldError
        if node.role in ("function", "method", "value"):
            _check_kept(walk, layer, [node.reads, node.keyword_reads])


def _check_unnamed(walk: Ledger, layer: Layer, frame: Frame) -> None:
    """A module without a level of its own makes its surroundings a module of its type: there is room for one."""
    if layer.type in STORED:
        message = f"a {layer.type} is called by its name in the state dict, which cannot be empty"
        walk.faults.add(layer.place.at("name"), message, "name")
        raise FaultToldError
    if has_module(walk, layer, frame):
        if frame.entries.unnamed:
            message = "a block holds at most one module without a name, as it becomes a module of that type"
            walk.faults.add(layer.place.at("name"), message, "name")
            raise FaultToldError
        frame.entries.unnamed = True
