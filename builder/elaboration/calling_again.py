"""`share`: the module of an earlier layer is called again, on another input."""

from __future__ import annotations

from dataclasses import replace

from builder.elaboration.around import check_in_sight
from builder.elaboration.blocks import told_where
from builder.elaboration.copies import count_of, held
from builder.elaboration.frame import Feed, Frame
from builder.elaboration.ledger import Ledger
from builder.elaboration.naming import label_of
from builder.elaboration.sharing import Recipe, may_read_around, recipe_for, same_again
from builder.elaboration.sight import FaultToldError, Seen
from dsl.records import Layer


def called_again(walk: Ledger, layer: Layer, key: str | None, frame: Frame, feed: Feed) -> Seen:
    """The nodes of another call of an earlier layer's module."""
    path, recipe = recipe_for(layer, frame, walk.recipes, walk.faults)
    called = key if key is not None else str(frame.entries.count)
    if key is None:
        frame.entries.count += 1
    again = replace(recipe.frame, prefix=frame.prefix, entries=frame.entries, shared=True, frozen=frame.frozen,
                    scope=dict(recipe.frame.scope))  # fmt: skip
    since, at = len(walk.faults), len(walk.nodes)
    try:
        feed = _fed_alike(walk, layer, recipe, feed)
        seen = _made_again(walk, layer, recipe, called, again, feed, path)
    finally:
        told_where(walk.faults, since, f"called again by `{label_of(layer, called)}`")
    if len(walk.faults) == since:
        if may_read_around(recipe.layer):
            check_in_sight(layer, feed, frame, frame.prefix + called, walk)
        first, here = recipe.name, frame.prefix + called
        pairs = [(node, walk.node(first + node.name.removeprefix(here))) for node in walk.nodes[at:]]
        same_again(layer, here, pairs, walk.faults)
    return replace(seen, label=label_of(layer, called), place=layer.place, module=path)


def _fed_alike(walk: Ledger, layer: Layer, recipe: Recipe, feed: Feed) -> Feed:
    """What a group without `inputs` is fed: nothing where it was fed nothing at first, as nothing in it reads that."""
    group = recipe.layer.group
    if group is None or group.inputs is not None:
        return feed
    at = walk.index.get(f"region {recipe.name}{'.0' if recipe.copies else ''}")
    first = walk.regions[at].reads if at is not None else {}
    if first and feed.first is None:
        walk.faults.add(layer.place.at("share"), f"`{layer.share}` reads one tensor: say which in `input`", "input")
        raise FaultToldError
    return feed if first else Feed()


def _made_again(walk: Ledger, layer: Layer, recipe: Recipe, key: str, again: Frame, feed: Feed, path: str) -> Seen:
    made = replace(recipe.layer, freeze=False, tie={}, train_only=layer.train_only)
    if recipe.layer.group is None:
        made = replace(made, place=layer.place)  # what does not fit, does not fit here
    if not recipe.copies:
        return walk.once(made, key, again, feed, path)
    return held(walk, made, count_of(walk, made, again), key, again, lambda _: feed, path)
