"""Layers that no walk comes to: those of a block that nothing uses, or whose `when` is false.

What they read is not known, so their shapes are not either; that their types are there, and take what is written, is.
So it is with layers of which an expression, or the block around them, needs a shape that a fault made unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from builder.elaboration.arguments import either_of, forward_names, tell_problem
from builder.elaboration.blocks import takes_rest, tell_unknown_params
from builder.elaboration.stored import STORED
from dsl.catalogue import absent, bind, find
from dsl.diagnostics import Fix
from dsl.expressions import holds_expression
from dsl.keys import meant
from dsl.records import Block, Layer, Spec
from dsl.source import key_text
from dsl.tables import Faults


def tell_unreached(spec: Spec, faults: Faults) -> None:
    """Add what is wrong with the types and the keys of layers written in the spec's own file, and has not been told."""
    told = {each.key for each in faults}
    types = {each.key for each in faults if each.code == "type"}
    losses = (each.block for each in spec.losses)
    bodies = [spec.model, *(each.body for each in spec.blocks.values()), *losses]
    sound: set[tuple[str, ...]] = set()  # types, each with the keys that are right there: most layers are alike
    for layer in (layer for body in bodies for layer in _inside(body)):
        kind = (layer.type or "", *layer.arguments)
        if kind in sound or layer.type is None or layer.faulty:
            continue
        if layer.place.source != spec.document.source or key_text(layer.place.at("type").path) in types:
            continue
        found = Faults()
        _check(layer, spec, found)
        inside = key_text(layer.place.path)
        if not any(key == inside or key.startswith(f"{inside}.") for key in told):
            _check_values(layer, spec, found)
        faults += [each for each in found if each.key not in told]
        _drop_echoes(layer, [each.fix.replacement for each in found if each.fix], faults)
        if not found:
            sound.add(kind)


def _drop_echoes(layer: Layer, meant: Sequence[str | None], faults: Faults) -> None:
    """With its misspelled `repeat` a layer has no `i`, with its `input` it reads another: no mistakes of their own."""
    inside, group = key_text(layer.place.path) + ".", key_text(layer.place.at("layers").path)
    for each in [each for each in faults if each.key.startswith(inside) and not each.key.startswith(group)]:
        counts = "repeat" in meant and each.message == "no variable is called `i`"
        if counts or ("input" in meant and each.code == "input"):
            faults.remove(each)


def _inside(block: Block) -> Iterator[Layer]:
    for layer in block.layers:
        yield layer
        if layer.group is not None:
            yield from _inside(layer.group)


def _check(layer: Layer, spec: Spec, faults: Faults) -> None:
    kind = str(layer.type)
    if kind in STORED or holds_expression(kind):
        return
    definition = spec.blocks.get(kind)
    if definition is not None:
        names = (*definition.params, *definition.defaults)
        fed = [each.name for each in definition.body.inputs or ()]
        further = {key: layer.place.at(key) for key in layer.arguments if key not in (*names, *fed)}
        if further and not definition.faulty and not takes_rest(definition.body):
            tell_unknown_params(definition, further, names, faults)
        return
    entry = find(kind)
    if entry is None:
        place = layer.place.at("type")
        why = absent(kind, place.document.source.name, spec.blocks)
        faults.add(place, why.message, "type", notes=why.notes, fix=why.fix)
        return
    for problem in bind(entry, layer.arguments):
        key = problem.argument
        if problem.kind == "unknown" and not entry.accepts(key) and key not in forward_names(entry):
            near = list(problem.suggestions) or meant(key, layer.arguments)[:2]
            fix = Fix(f"did you mean {either_of(near)}?", near[0]) if near else None
            notes = () if near else (f"it takes {problem.expected}",)
            faults.add(layer.place.at(key), f"{entry.name} has no argument `{key}`", "argument", part="key",
                       notes=notes, fix=fix)  # fmt: skip


def _check_values(layer: Layer, spec: Spec, faults: Faults) -> None:
    """Values of a kind that the type does not take, and arguments that it needs, as far as these stand as written."""
    entry = find(str(layer.type)) if layer.type not in spec.blocks and layer.type not in STORED else None
    if entry is None or layer.args is not None or isinstance(layer.input, dict):
        return
    problems = bind(entry, layer.arguments)
    if any(each.kind == "unknown" for each in problems):
        return
    for problem in problems:
        written = layer.arguments.get(problem.argument)
        fed = problem.kind == "missing" and (layer.tie or problem.argument in entry.inferred)
        if not fed and not isinstance(written, dict) and not _is_worked_out(written):
            tell_problem(entry, problem, layer.place, faults)


def _is_worked_out(written: Any) -> bool:
    """Whether a value is an expression, or an array that holds one."""
    if isinstance(written, list):
        return any(map(_is_worked_out, written))
    return holds_expression(written)
