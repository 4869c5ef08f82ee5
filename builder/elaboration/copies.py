"""`repeat`: copies one after another, or in parallel, each with weights of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, TypeAlias

from builder.elaboration.blocks import handed_by_name, told_where
from builder.elaboration.feeding import fed
from builder.elaboration.frame import Entries, Feed, Frame
from builder.elaboration.given import truth
from builder.elaboration.kinds import definition_of, has_module
from builder.elaboration.ledger import Ledger
from builder.elaboration.naming import check_name, label_of, name_of
from builder.elaboration.sight import FaultToldError, Seen, tuple_of
from builder.shapes.sizes import Free
from dsl.diagnostics import Fix
from dsl.expressions import holds_expression
from dsl.records import Layer
from dsl.tables import FAULTY, described, is_whole, resolved

_MOST_COPIES: Final = 10_000
Feeds: TypeAlias = Callable[[Frame], Feed]  # what a copy would read, were it the first; the frame has its `i`


def repeated(walk: Ledger, layer: Layer, frame: Frame, first: Any, before: Seen | None) -> Seen | None:
    """Copies in a region that holds them, under names of their own side by side, or at the next positions."""
    count = count_of(walk, layer, frame)
    if count == 0:
        return walk.passed(layer, frame, first, before)

    def feeds(at: Frame) -> Feed:
        return fed(layer, at, before, first, walk.faults)

    if layer.name == "" or (layer.name is not None and holds_expression(layer.name)):
        return _copies(walk, layer, count, frame, frame, feeds)
    check_name(layer.name, layer, True, frame, walk.vars, walk.faults)
    key = walk.key(layer.name, frame)
    assert key is not None
    walk.remember(layer, frame, key, frame.modules + key, copies=True)
    since = walk.found
    try:
        seen = held(walk, layer, count, key, frame, feeds, frame.modules + key)
    except FaultToldError:
        seen = walk.lose(layer, key, frame, first, before, since)
    return walk.seen_as(layer, key, seen, frame)


def held(walk: Ledger, layer: Layer, count: int, key: str, frame: Frame, feeds: Feeds, path: str) -> Seen:
    """Copies `name.0`, `name.1` ... in a region that holds them."""
    name = frame.prefix + key
    frame.region.children.append(name)
    region = walk.open(name, "", layer.place, path, copies=count)
    inside = replace(frame, prefix=f"{name}.", modules=f"{path}.", entries=Entries(region), start=0)
    seen = _copies(walk, layer, count, inside, frame, feeds)
    walk.close(name, results=seen.reference)
    return replace(seen, label=label_of(layer, key), module=path)


def _copies(walk: Ledger, layer: Layer, count: int, inside: Frame, frame: Frame, feeds: Feeds) -> Seen:
    """The copies one after another; in parallel, all reading the same. inside: where their entries stand."""
    parallel = truth(layer.parallel, layer, "parallel", frame, walk.faults)
    results: list[Seen] = []
    for i in range(count):
        at = frame.with_constants(i=i)
        feed = feeds(at)
        scope = at.scope if parallel else _barred(layer, at, feed)
        if results and not parallel:
            body = layer.group or getattr(definition_of(walk, layer, at), "body", None)
            feed = handed_by_name(body, feed, results[-1]) or feed.handed(results[-1])
        key, seen = _copy(walk, layer, replace(inside, constants=at.constants, scope=scope), at, feed)
        results.append(seen)
        if seen.unknown:
            raise FaultToldError
        if inside is frame:
            frame.see(key, seen)
    return tuple_of(results) if parallel else results[-1]


def _copy(walk: Ledger, layer: Layer, copy: Frame, frame: Frame, feed: Feed) -> tuple[str, Seen]:
    """One copy, under its number, or under its own name, at its position: (what it is called, its result)."""
    name = None
    if layer.name is not None and holds_expression(layer.name):
        name = name_of(layer, frame, walk.faults)
        check_name(name, layer, has_module(walk, layer, frame), copy, walk.vars, walk.faults)
    key = walk.key(name, copy) or ""
    since = len(walk.faults)
    try:
        seen = walk.once(layer, key, copy, feed)
    finally:
        if definition_of(walk, layer, frame) is None:  # a block says so itself
            called = layer.name or layer.type
            what = f"`{label_of(layer, key)}`" if called else f"the layer in {layer.place.line_words}"
            told_where(walk.faults, since, f"in copy {frame.constants['i']} of {what}")
    return key, seen


def count_of(walk: Ledger, layer: Layer, frame: Frame) -> int:
    """How many copies `repeat` says."""
    place = layer.place.at("repeat")
    count = resolved(layer.repeat, place, walk.faults, frame.names())
    if count is FAULTY:
        raise FaultToldError
    if isinstance(count, Free):
        walk.faults.add(place, f"`repeat` hangs on a free size, {count}, which has no number yet", "free")
        raise FaultToldError
    if not is_whole(count) or not 0 <= count <= _MOST_COPIES:
        expected = f"a whole number from 0 to {_MOST_COPIES:,}"
        bare = str(layer.repeat).strip('"')
        fix = Fix(f"repeat = {bare}", f"repeat = {bare}") if isinstance(layer.repeat, str) and bare.isdigit() else None
        message = f"`repeat` is {expected}, not {described(count)}"
        walk.faults.add(place, message, "value", label="how many copies", fix=fix)
        raise FaultToldError
    return int(count)


def _barred(layer: Layer, frame: Frame, feed: Feed) -> dict[str, Seen]:
    """What a repeated group sees around it: not what its first copy read, which the others do not read."""
    if layer.group is None or layer.group.inputs is not None or feed.first is None or frame.shared:
        return frame.scope if layer.group is None else dict(frame.scope)
    reference, name = feed.first.reference, label_of(layer)
    why = f"is what the first copy of `{name}` reads; the others read the copy before them"
    return {
        key: replace(seen, barred=f"`{key}` {why}: give the group `inputs`") if seen.reference == reference else seen
        for key, seen in frame.scope.items()
    }
