"""`share`: an earlier layer is called again, the same module with the same weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from builder.elaboration.arguments import is_reference
from builder.elaboration.frame import Frame
from builder.elaboration.referring import Surroundings, look_up
from builder.elaboration.sight import FaultToldError
from builder.graph import Node
from dsl.catalogue import Entry, suggest
from dsl.diagnostics import Fix
from dsl.expressions import holds_expression
from dsl.records import Layer, Place
from dsl.tables import FAULTY, Faults, described, resolved


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a module was made: the layer, where it stood, the name of its node or region; copies: it holds a repeat."""

    layer: Layer
    frame: Frame
    name: str
    copies: bool

    @classmethod
    def of(cls, layer: Layer, frame: Frame, key: str, entry: Entry | None, *, copies: bool) -> Recipe:
        """What is in sight stays as it is now: a name that is made anew below means nothing to a later call."""
        seen = replace(frame, scope=dict(frame.scope)) if may_read_around(layer, entry) else frame
        return cls(layer, seen, frame.prefix + key, copies)


def may_read_around(layer: Layer, entry: Entry | None = None) -> bool:
    """Whether a layer may read, besides what it is fed, what stands around it: a group does, and words may be names;
    of a type that is known, those that stand for tensors."""
    plain = all(isinstance(each, bool | int | float) or (entry is not None and _is_word(entry, key, each))
                for key, each in layer.arguments.items())  # fmt: skip
    return layer.group is not None or layer.value is not None or layer.args is not None or not plain


def _is_word(entry: Entry, key: str, value: Any) -> bool:
    """Whether an argument is a word such as "same", and no name of a layer."""
    return isinstance(value, str) and not holds_expression(value) and not is_reference(entry, key, value)


def module_path(reference: str, frame: Frame, place: Place, faults: Faults) -> str:
    """A path whose first part is a name in sight and the rest state dict keys below it, as a path from the top."""
    head, dot, rest = reference.partition(".")
    if head not in frame.scope:
        _tell_later(head, frame, place, faults)
    surroundings = Surroundings(frame.layers, frame.blocks[-1] if frame.blocks else "")
    seen = frame.scope[head] if head in frame.scope else look_up(head, frame.scope, place, faults, surroundings)
    if seen.unknown:
        raise FaultToldError
    if seen.module is None:
        off = any(each.name == head and each.when is not True for each in frame.layers)
        why = "it is an input" if head in frame.inputs else "its `when` is false" if off else "it has no parameters"
        faults.add(place, f"`{head}` has no module here: {why}", "reference", part="value")
        raise FaultToldError
    return f"{seen.module}{dot}{rest}"


def recipe_for(layer: Layer, frame: Frame, recipes: Mapping[str, Recipe], faults: Faults) -> tuple[str, Recipe]:
    """(the path of the module that `share` names, how it was made)."""
    place = layer.place.at("share")
    written = resolved(layer.share, place, faults, frame.names())
    if written is FAULTY:
        raise FaultToldError
    if not isinstance(written, str):
        faults.add(place, f"`share` is the name of an earlier layer, not {described(written)}", "reference")
        raise FaultToldError
    path = module_path(written, frame, place, faults)
    if path not in recipes:
        inside = path.rpartition(".")[0]
        there = [each.removeprefix(f"{inside}.") for each in recipes if each.startswith(f"{inside}.")]
        near = suggest(path.rpartition(".")[2], there)
        around = written.rpartition(".")[0]
        fix = Fix(f'did you mean "{around}.{near[0]}"?') if near else None
        listed = ", ".join(f"{around}.{each}" for each in there if "." not in each)
        notes = (f"what stands there: {listed}",) if listed and not near else ()
        faults.add(
            place, f'there is no layer "{written}" to call again', "reference", part="value", notes=notes, fix=fix
        )
        raise FaultToldError
    return path, recipes[path]


def _tell_later(head: str, frame: Frame, place: Place, faults: Faults) -> None:
    if any(each.name == head for each in frame.layers):
        message = f'"{head}" stands after this layer, or is this layer: only an earlier one can be used again'
        faults.add(place, message, "reference", part="value")
        raise FaultToldError


def same_again(layer: Layer, again: str, pairs: Sequence[tuple[Node, Node | None]], faults: Faults) -> None:
    """A module does the same in every call: what was worked out from the input must come out the same. pairs: each node
    of the call, and the one of the first."""
    for node, other in pairs:
        if other is None or _told(other) != _told(node):
            where = node.name.removeprefix(again).removeprefix(".") or node.type
            message = f"`{layer.share}` would be another module for this input: `{where}` differs"
            notes = () if other is None else (f"first {_words(other)}, here {_words(node)}",)
            faults.add(layer.place.at("share"), message, "share", notes=notes)
            raise FaultToldError


def _told(node: Node) -> Any:
    return node.type, node.expression, node.module, _plain(node.arguments)


def _plain(value: Any) -> Any:
    """Free sizes are taken from the input in every call, whatever they are called there."""
    if isinstance(value, dict):
        return "a free size" if "size" in value else {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _words(node: Node) -> str:
    return ", ".join(f"{key} = {described(value)}" for key, value in node.arguments.items()) or node.expression
