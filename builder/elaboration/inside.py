"""Groups and named blocks: layers in a region of their own, or, without a level, in the one around."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from builder.elaboration.blocks import bound_inputs, bound_params, told_where, used_as
from builder.elaboration.frame import Entries, Feed, Frame
from builder.elaboration.given import truth
from builder.elaboration.handing import made_here
from builder.elaboration.ledger import Ledger
from builder.elaboration.naming import label_of
from builder.elaboration.outputs import result_of
from builder.elaboration.sight import FaultToldError, Seen, entering, leaving
from builder.elaboration.single import passes
from builder.elaboration.starting import check_dims, held_in, starts, tell_unmatched
from builder.elaboration.tying import tie_inside
from builder.shapes.call import ChoiceType
from dsl.catalogue import find
from dsl.diagnostics import Fix
from dsl.records import Block, Definition, Layer, Place


def of_group(walk: Ledger, layer: Layer, group: Block, key: str | None, frame: Frame, feed: Feed, path: str) -> Seen:
    """A group sees the names around it; with inputs of its own, under those names."""
    around = {name: seen for name, seen in frame.scope.items() if not name.isdigit()}
    if group.inputs is None:
        if len(feed.all) > 1:
            walk.faults.add(layer.place.at("input"), "a group without `inputs` reads one tensor: a name", "input",
                            fix=Fix("give the group `inputs` that name what it reads"))  # fmt: skip
            raise FaultToldError
        fed = {"x": feed.first} if feed.first is not None else {}
        return _inside(walk, layer, group, "", key, frame, around, fed, path, feed)
    bound = bound_inputs(group.inputs, feed, layer, "the group", walk.faults)
    return _inside(walk, layer, group, "", key, frame, around, bound, path, feed)


def of_block(
    walk: Ledger, layer: Layer, definition: Definition, key: str | None, frame: Frame, feed: Feed, path: str
) -> Seen:
    """A named block sees its inputs, its params and the vars."""
    if definition.faulty:
        raise FaultToldError
    if definition.name in frame.blocks:
        circle = " -> ".join((*frame.blocks[frame.blocks.index(definition.name) :], definition.name))
        entry = find(definition.name)
        fix = Fix(f"{entry.target} is PyTorch's", f'type = "{entry.target}"') if entry is not None else None
        walk.faults.add(layer.place.at("type"), f"a block cannot contain itself: {circle}", "type", fix=fix)
        raise FaultToldError
    bound = bound_inputs(definition.body.inputs or (), feed, layer, definition.name, walk.faults)
    params, rest = bound_params(definition, layer, frame, bound, walk.vars, walk.faults)
    inner = replace(frame, constants={**walk.vars, **params}, rest=rest, blocks=(*frame.blocks, definition.name))
    since = len(walk.faults)
    try:
        return _inside(walk, layer, definition.body, definition.name, key, inner, {}, bound, path, feed, params)
    finally:
        told_where(walk.faults, since, used_as(definition, layer, params, frame))


def _inside(
    walk: Ledger, layer: Layer, body: Block, kind: str, key: str | None, frame: Frame, around: dict[str, Seen],
    bound: Mapping[str, Seen], path: str, feed: Feed, params: Mapping[str, Any] | None = None,
) -> Seen:  # fmt: skip
    """The layers of a group or a block, in a region of its own, or, without a level, in the one around.

    around: the names that it sees besides its inputs. bound: what feeds its inputs.
    """
    frozen = truth(body.freeze, layer, "freeze", frame, walk.faults)
    frozen = frozen or truth(layer.freeze, layer, "freeze", frame, walk.faults)
    inner = replace(frame, layers=body.layers, frozen=frame.frozen or frozen)
    if key is None:
        inner = replace(inner, start=frame.entries.count if kind else frame.start)
        return _level(walk, layer, body, inner, around, bound, frame)
    name = frame.prefix + key
    frame.region.children.append(name)
    region = walk.open(name, kind, layer.place, path, {k: seen.reference for k, seen in bound.items()}, params)
    inputs = {each: entering(seen, name, each) for each, seen in bound.items()}
    named = inputs if body.inputs is not None else {}
    inner = replace(inner, prefix=f"{name}.", modules=f"{path}.", entries=Entries(region),
                    scope={**around, **named}, inputs=frozenset(named), start=0)  # fmt: skip
    init = {**_init_of(walk, body, body.place, inner), **_init_of(walk, layer, layer.place, frame)}
    last = walk.layers(body, inner, None, only(inputs))
    seen = result_of(body, inner.scope, last, walk.faults)
    if seen is None:
        walk.faults.add(layer.place, f"`{label_of(layer, key)}` makes nothing", "missing")
        raise FaultToldError
    tie_inside(walk, layer, frame, path)
    if not seen.unknown and not frame.shared:
        check_matched(walk, name, body.init, body.place)
        if layer.group is None:
            check_matched(walk, name, layer.init, layer.place)
    passed = passes(walk, layer, frame, feed, seen)
    seen = seen if passed is None or seen.unknown else made_here(walk, layer, seen, inner)
    walk.close(name, results=seen.reference, init=init, frozen=frozen, passes=passed)
    return replace(seen, reference=leaving(seen.reference, name, bound), label=label_of(layer, key),
                   place=layer.place, module=path, parameters={}, high=None)  # fmt: skip


def _level(
    walk: Ledger, layer: Layer, body: Block, inner: Frame, around: dict[str, Seen], bound: Mapping[str, Seen],
    frame: Frame,
) -> Seen:  # fmt: skip
    """A group without a level: its layers stand in the block around it, and are visible there."""
    for key in ("init", "train_only", "tie"):
        if getattr(layer, key) or (key == "init" and body.init is not None):
            place = layer.place.at(key)
            walk.faults.add(place, f"`{key}` has no place on a group without a level of its own", "key",
                            fix=Fix("give the group a name, or write it on its layers"))  # fmt: skip
            raise FaultToldError
    named = bound if body.inputs is not None else {}
    before = {**around, **named}
    scope = dict(before)
    last = walk.layers(body, replace(inner, scope=scope, inputs=frozenset(named)), None, only(bound))
    seen = result_of(body, scope, last, walk.faults)
    for name, each in scope.items():
        if before.get(name) is not each:
            frame.see(str(int(name) + inner.start) if name.isdigit() else name, each)
    if seen is None:
        raise FaultToldError
    return replace(seen, label=label_of(layer), place=layer.place)


def _init_of(walk: Ledger, owner: Block | Layer, place: Place, frame: Frame) -> dict[str, Any]:
    if isinstance(owner, Layer) and owner.group is not None:
        return {}  # it is the group's own, which has been read
    return starts(owner.init, place.at("init"), frame, walk.faults)


def check_matched(walk: Ledger, region: str, init: Any, place: Place) -> None:
    """Every key of an `init` of a group, a block or a model starts something inside."""
    if not isinstance(init, Mapping):
        return
    kinds = {each.name: each.type for each in walk.regions}
    there = held_in(region, walk.nodes, kinds)
    for key, how in init.items():
        if key not in there:
            tell_unmatched(key, sorted(there), place, walk.faults)
        for shape in sorted(there.get(key, ()), key=len)[:1]:
            check_dims(how, shape, place.at("init", key), walk.faults)


def only(inputs: Mapping[str, Seen]) -> Seen | None:
    """The block's only tensor, which the first layer reads; None where there are several."""
    tensors = [seen for seen in inputs.values() if not isinstance(seen.value, ChoiceType)]
    return tensors[0] if len(tensors) == 1 else None
