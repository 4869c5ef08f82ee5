"""One pass over a block from top to bottom: every layer becomes shaped nodes, or a fault.

A layer whose shape is not known, because it failed or reads one that did, gives its followers an unknown shape and
silence. What a layer is called and reads is settled here; what it makes is settled by its kind: a group, a named block,
the copies of a repeat, an earlier layer called again, an expression, a tensor of the model's own, a type of torch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from builder.elaboration.calling_again import called_again
from builder.elaboration.copies import repeated
from builder.elaboration.feeding import fed
from builder.elaboration.frame import Course, Entries, Feed, Frame, Mark
from builder.elaboration.given import truth
from builder.elaboration.inside import check_matched, of_block, of_group, only
from builder.elaboration.kinds import definition_of, has_module, type_of
from builder.elaboration.ledger import Ledger
from builder.elaboration.naming import check_name, failed, label_of, name_of
from builder.elaboration.outputs import result_of
from builder.elaboration.sight import FaultToldError, Seen
from builder.elaboration.single import one_node
from builder.elaboration.starting import starts
from dsl.expressions import holds_expression
from dsl.keys import meant_name
from dsl.records import Block, Layer


@dataclass(slots=True)
class Walk(Ledger):
    """The walk over one model, loss or preparation. course: how it went, once it is over."""

    course: Course | None = None

    def whole(self, block: Block, inputs: dict[str, Seen], name: str, first: Any) -> Seen | None:
        """Walk the outermost block. Gives what it makes."""
        self.inputs = dict(inputs)
        frame = Frame("", "", Entries(self.open("", name, block.place)), inputs, self.vars, block.layers,
                      inputs=frozenset(inputs))  # fmt: skip
        try:
            frame.frozen = truth(block.freeze, Layer(place=block.place), "freeze", frame, self.faults)
            self.close("", init=starts(block.init, block.place.at("init"), frame, self.faults), frozen=frame.frozen)
            started = True
        except FaultToldError:
            started = False
        last, marks = only(inputs), []
        for index, layer in enumerate(block.layers):
            last = self.layer(layer, frame, first if index == 0 else None, last)
            marks.append(Mark(last, len(frame.scope), len(self.conditions)))
        self.course = Course(frame, marks, self.conditions)
        if last is not None and not last.unknown and started:
            check_matched(self, "", block.init, block.place)
        return result_of(block, frame.scope, last, self.faults)

    def fields(self, block: Block, fields: dict[str, Seen], name: str) -> dict[str, Seen]:
        """The steps of `prepare`: each makes the field of its name anew, or the field that it read first."""
        self.inputs = dict(fields)
        scope = dict(fields)
        frame = Frame("", "", Entries(self.open("", name, block.place)), scope, self.vars, block.layers, prepares=True)
        made: dict[str, Seen] = {}
        at = next(iter(fields), "")
        for layer in block.layers:
            read = layer.input[0] if isinstance(layer.input, list) and layer.input else layer.input
            before = scope.get(at)
            at = layer.name or (read if isinstance(read, str) else at)
            made[at] = scope[at] = self.layer(replace(layer, name=None), frame, None, before) or failed(layer, at)
        self.close("", results={key: seen.reference for key, seen in made.items()})
        return made

    def layers(self, block: Block, frame: Frame, first: Any, before: Seen | None) -> Seen | None:
        """Walk the layers of a block; its frame's scope gets their names. Gives what the last one makes."""
        for index, layer in enumerate(block.layers):
            before = self.layer(layer, frame, first if index == 0 else None, before)
        return before

    def layer(self, layer: Layer, frame: Frame, first: Any, before: Seen | None) -> Seen | None:
        """One layer as it is written: once, several times, or not at all. Its result is what the next one reads."""
        key: str | None = None
        since = self.found
        if layer.faulty:
            key = self.key(layer.name, frame)
            return self.seen_as(layer, key, self.lose(layer, key, frame, first, before, since), frame)
        try:
            if not truth(layer.when, layer, "when", frame, self.faults):
                return self.passed(layer, frame, first, before)
            if layer.repeat is not None:
                return repeated(self, layer, frame, first, before)
            name = name_of(layer, frame, self.faults)
            check_name(name, layer, has_module(self, layer, frame), frame, self.vars, self.faults)
            key = self.key(name, frame)
            seen = self.once(layer, key, frame, fed(layer, frame, before, first, self.faults))
        except FaultToldError:
            seen = self.lose(layer, key, frame, first, before, since)
            meant = meant_name(layer.arguments) if layer.name is None else None
            if meant is not None:
                frame.scope.setdefault(meant, seen)
        return self.seen_as(layer, key, seen, frame)

    def seen_as(self, layer: Layer, key: str | None, seen: Seen, frame: Frame) -> Seen:
        if key is not None:
            frame.see(key, seen)
        elif layer.name and not holds_expression(layer.name):
            frame.scope[layer.name] = seen
        return seen

    def passed(self, layer: Layer, frame: Frame, first: Any, before: Seen | None) -> Seen | None:
        """A layer that is not there passes its first input through, and takes no position."""
        feed = fed(layer, frame, before, first, self.faults) if layer.value is None else Feed()
        seen = feed.first or before
        if seen is None:
            self.faults.add(layer.place, f"`{label_of(layer)}` is left out here, and there is nothing to pass through",
                            "when", part="key")  # fmt: skip
            raise FaultToldError
        left_out = replace(seen, module=None, parameters={}, label=label_of(layer) if layer.name else seen.label)
        if layer.name and not holds_expression(layer.name):
            frame.scope[layer.name] = left_out
        return left_out

    def once(self, layer: Layer, key: str | None, frame: Frame, feed: Feed, module: str | None = None) -> Seen:
        """A layer's node or nodes. key: None adds no level. module: the path of the module, if an earlier layer's."""
        self.demand_bounded(layer)
        if layer.share is not None:
            return called_again(self, layer, key, frame, feed)
        kind = type_of(self, layer, frame)
        layer = layer if kind == layer.type else replace(layer, type=kind)
        path = module if module is not None else frame.modules + key if key is not None else frame.modules[:-1]
        if key is not None:
            self.remember(layer, frame, key, path, copies=False)
        definition = definition_of(self, layer, frame)
        if definition is not None:
            seen = of_block(self, layer, definition, key, frame, feed, path)
        elif layer.group is not None:
            seen = of_group(self, layer, layer.group, key, frame, feed, path)
        else:
            seen = one_node(self, layer, key, frame, feed, path)
        return replace(seen, module=path) if seen.module is None and key is not None and not seen.unknown else seen
