"""Using a named block: its params, its inputs, and where faults inside it come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from builder.elaboration.frame import Feed, Frame
from builder.elaboration.given import Given, given_to
from builder.elaboration.naming import label_of
from builder.elaboration.sight import FaultToldError, Seen
from dsl.catalogue import suggest
from dsl.diagnostics import Diagnostic, Fix
from dsl.expressions import holds_expression
from dsl.keys import LAYER, meant
from dsl.records import Block, Definition, Input, Layer, Place
from dsl.tables import FAULTY, Faults, described, resolved


def bound_inputs(inputs: Sequence[Input], feed: Feed, layer: Layer, what: str, faults: Faults) -> dict[str, Seen]:
    """Each input by name, fed by place or by name; as many as there are."""
    names = [each.name for each in inputs]
    place = layer.place.at("input") if layer.input is not None else layer.place.at("type" if layer.type else "layers")
    listed = f"its inputs: {', '.join(names) or 'none'}"
    for key in [*feed.named, *feed.values]:
        if key not in names:
            near = suggest(key, names)
            fix = Fix(f"did you mean `{near[0]}`?", near[0]) if near else None
            faults.add(place.at(key), f"{what} has no input `{key}`", "input", part="key", notes=(listed,), fix=fix)
            raise FaultToldError
    if feed.values:
        key = next(iter(feed.values))
        faults.add(place.at(key), f"`{key}` of {what} is a tensor; a number is given as a param", "input")
        raise FaultToldError
    if len(feed.placed) > len(names):
        count = f"{len(names)} input{'s' if len(names) != 1 else ''}"
        faults.add(place, f"{what} has {count}, but {len(feed.placed)} are fed", "input", notes=(listed,))
        raise FaultToldError
    bound = {**dict(zip(names, feed.placed, strict=False)), **feed.named}
    missing = [name for name in names if name not in bound]
    if missing:
        words = ", ".join(f"`{each}`" for each in missing)
        faults.add(place, f"{what} also reads {words}", "input", notes=(listed,),
                   fix=Fix("input = { " + ", ".join(f'{name} = "..."' for name in names) + " }"))  # fmt: skip
        raise FaultToldError
    return {name: replace(bound[name], label=name) for name in names}


def bound_params(
    definition: Definition, layer: Layer, frame: Frame, inputs: Mapping[str, Seen], vars: Mapping[str, Any],
    faults: Faults,
) -> tuple[dict[str, Any], dict[str, Given]]:  # fmt: skip
    """(params with their values, the rest: keys that the block does not name and one of its layers takes)."""
    given = given_to(layer, frame, faults)
    names = (*definition.params, *definition.defaults)
    rest = {key: each for key, each in given.items() if key not in names}
    if rest and not takes_rest(definition.body):
        tell_unknown_params(definition, {key: place for key, (_, place) in rest.items()}, names, faults)
        raise FaultToldError
    missing = [name for name in definition.params if name not in given and name not in definition.defaults]
    if missing:
        add = f"{missing[0]} = ..."
        if missing[0] in LAYER:  # such a key is the layer's own, but for `args`
            add = f"args = {{ {add} }}, as `{missing[0]}` is a key of every layer"
        message = f"{definition.name} needs {', '.join(f'`{each}`' for each in missing)}"
        faults.add(layer.place.at("type"), message, "argument", fix=Fix(f"add {add}"),
                   notes=(_defined(definition),))  # fmt: skip
        raise FaultToldError
    values = {name: given[name][0] for name in names if name in given}
    for name, written in definition.defaults.items():
        if name not in values:
            scope = {**inputs, **vars, **values}
            before, place = len(faults), definition.place.at("defaults", name)
            value = resolved(written, place, faults, scope)
            if value is FAULTY:
                told_where(faults, before, "a default sees the params, the defaults before it and the inputs' shapes")
                raise FaultToldError
            values[name] = value
    return values, rest


def takes_rest(block: Block) -> bool:
    """Whether a layer of the block, or of a group in it, hands on what the block does not name."""
    return any(
        holds_expression(layer.args) or layer.args == "rest" or (layer.group is not None and takes_rest(layer.group))
        for layer in block.layers
    )


def tell_unknown_params(
    definition: Definition, rest: Mapping[str, Place], names: Sequence[str], faults: Faults
) -> None:
    """rest: keys that the block does not name, and where they are written."""
    for key, place in rest.items():
        near = suggest(key, list(names)) or meant(key, rest)
        fix = Fix(f"did you mean `{near[0]}`?", near[0]) if near else None
        listed = f"it has {', '.join(names)}" if names else "it has no params"
        more = f'{_defined(definition)}, and none of its layers has args = "${{rest}}"'
        faults.add(place, f"the block {definition.name} has no param `{key}`", "argument", part="key",
                   notes=() if near else (listed, more), fix=fix)  # fmt: skip


def _defined(definition: Definition) -> str:
    return f"{definition.name} is defined in {definition.place.line_words}"


def handed_by_name(body: Block | None, feed: Feed, last: Seen) -> Feed | None:
    """The feed of a repeat's next copy where outputs and inputs have names in common; None where they have none."""
    if body is None or not body.inputs:
        return None
    names = [each.name for each in body.inputs]
    written = body.outputs
    outputs = list(written) if isinstance(written, dict | list) else []
    common = [name for name in names if name in outputs]
    if not common:
        return None
    picks = {name: last.pick(name if isinstance(written, dict) else str(outputs.index(name))) for name in common}
    found = {name: seen for name, seen in picks.items() if seen is not None}
    named = {**dict(zip(names, feed.placed, strict=False)), **feed.named, **found}
    return replace(feed, placed=(), named=named)


def told_where(faults: Faults, since: int, note: str) -> None:
    """Faults inside a block say where it was used; one that has been told for another use is not told again."""
    faults[since:] = [replace(each, notes=(*each.notes, note)) for each in untold(faults, since)]


def untold(faults: Faults, since: int) -> list[Diagnostic]:
    """Those of the latest faults that have not been told before, in other words."""
    told = {_same(each) for each in faults[:since]}
    return [each for each in faults[since:] if _same(each) not in told]


def _same(each: Diagnostic) -> tuple[Any, ...]:
    return each.file, each.span, each.message


def used_as(definition: Definition, layer: Layer, values: Mapping[str, Any], frame: Frame) -> str:
    given = ", ".join(f"{key} = {described(value)}" for key, value in values.items())
    copy = f", copy {frame.constants['i']}" if layer.repeat is not None and "i" in frame.constants else ""
    where = f"{layer.place.line_words}{copy}"
    return f"in {definition.name}, used by `{label_of(layer)}` ({where})" + (f" with {given}" if given else "")
