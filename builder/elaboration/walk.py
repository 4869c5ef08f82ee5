"""One pass over a block from top to bottom: every layer becomes shaped nodes, or a fault.

A layer whose shape is not known, because it failed or reads one that did, gives its followers an unknown shape and
silence. What a layer is called and reads is settled here; what it makes is settled by its kind: a group, a named block,
the copies of a repeat, an earlier layer called again, an expression, a tensor of the model's own, a type of torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from builder import graph as contract
from builder.elaboration.arguments import either_of
from builder.elaboration.blocks import bound_inputs, bound_params, handed_by_name, told_where, used_as
from builder.elaboration.feeding import fed
from builder.elaboration.frame import Entries, Feed, Frame
from builder.elaboration.given import truth
from builder.elaboration.layer_names import check_name, failed, label_of, name_of
from builder.elaboration.outputs import result_of
from builder.elaboration.sharing import Recipe, module_path, recipe_for, same_again
from builder.elaboration.sight import FaultToldError, Seen, entering, leaving, tuple_of
from builder.elaboration.starting import check_started, held_in, starts, tell_unmatched, tied
from builder.elaboration.stored import STORED, stored
from builder.elaboration.typed import TypedLayer
from builder.elaboration.valued import valued
from builder.graph import Node, Region
from builder.shapes.call import ChoiceType, TensorType
from builder.shapes.sizes import Free
from dsl.catalogue import Entry, find, names, suggest
from dsl.catalogue.aliases import ALIASES
from dsl.diagnostics import Fix
from dsl.expressions import holds_expression
from dsl.records import Block, Definition, Layer, Place
from dsl.tables import FAULTY, Faults, described, is_whole, resolved

_MOST_COPIES = 10_000


@dataclass(slots=True)
class Walk:
    """state: every parameter and buffer so far, by dotted name. recipes: how each module was made, by its path."""

    faults: Faults
    vars: Mapping[str, Any]
    blocks: Mapping[str, Definition]
    nodes: list[Node] = field(default_factory=list)
    regions: list[Region] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    inputs: dict[str, Seen] = field(default_factory=dict)
    state: dict[str, TensorType] = field(default_factory=dict)
    recipes: dict[str, Recipe] = field(default_factory=dict)
    index: dict[str, int] = field(default_factory=dict)  # where each node stands in `nodes`, each region in `regions`

    def whole(self, block: Block, inputs: dict[str, Seen], name: str, first: Any) -> Seen | None:
        """Walk the outermost block. Gives what it makes."""
        self.inputs = dict(inputs)
        frame = Frame("", "", Entries(self._open("", name, block.place)), inputs, self.vars, block.layers,
                      inputs=frozenset(inputs))  # fmt: skip
        try:
            frame.frozen = truth(block.freeze, Layer(place=block.place), "freeze", frame, self.faults)
            self.close("", init=starts(block.init, block.place.at("init"), frame, self.faults), frozen=frame.frozen)
        except FaultToldError:
            pass
        last = self._layers(block, frame, first, _only(inputs))
        if last is not None and not last.unknown:
            self._check_matched("", block.init, block.place)
        return result_of(block, frame.scope, last, self.faults)

    def fields(self, block: Block, fields: dict[str, Seen], name: str) -> dict[str, Seen]:
        """The steps of `prepare`: each makes the field of its name anew, or the field that it read first."""
        self.inputs = dict(fields)
        scope = dict(fields)
        frame = Frame("", "", Entries(self._open("", name, block.place)), scope, self.vars, block.layers, prepares=True)
        made: dict[str, Seen] = {}
        at = next(iter(fields), "")
        for layer in block.layers:
            read = layer.input[0] if isinstance(layer.input, list) and layer.input else layer.input
            before = scope.get(at)
            at = layer.name or (read if isinstance(read, str) else at)
            made[at] = scope[at] = self._layer(replace(layer, name=None), frame, None, before) or failed(layer, at)
        self.close("", results={key: seen.reference for key, seen in made.items()})
        return made

    def _layers(self, block: Block, frame: Frame, first: Any, before: Seen | None) -> Seen | None:
        """Walk the layers of a block; its frame's scope gets their names. Gives what the last one makes."""
        for index, layer in enumerate(block.layers):
            before = self._layer(layer, frame, first if index == 0 else None, before)
        return before

    def _layer(self, layer: Layer, frame: Frame, first: Any, before: Seen | None) -> Seen | None:
        """One layer as it is written: once, several times, or not at all. Its result is what the next one reads."""
        key: str | None = None
        try:
            if not truth(layer.when, layer, "when", frame, self.faults):
                return self._passed(layer, frame, first, before)
            if layer.repeat is not None:
                return self._repeated(layer, frame, first, before)
            name = name_of(layer, frame, self.faults)
            check_name(name, layer, self._has_module(layer, frame), frame, self.vars, self.faults)
            key = self._key(name, frame)
            seen = self._once(layer, key, frame, fed(layer, frame, before, first, self.faults))
        except FaultToldError:
            seen = failed(layer, key)
        return self._seen_as(layer, key, seen, frame)

    def _seen_as(self, layer: Layer, key: str | None, seen: Seen, frame: Frame) -> Seen:
        if key is not None:
            frame.scope[key] = seen
        elif layer.name and not holds_expression(layer.name):
            frame.scope[layer.name] = seen
        return seen

    def _key(self, name: str | None, frame: Frame) -> str | None:
        """What the next entry of the module is called; None for one that adds no level."""
        if name == "":
            return None
        key = name or str(frame.entries.count)
        frame.entries.count += 1
        return key

    def _passed(self, layer: Layer, frame: Frame, first: Any, before: Seen | None) -> Seen | None:
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

    def _once(self, layer: Layer, key: str | None, frame: Frame, feed: Feed, module: str | None = None) -> Seen:
        """A layer's node or nodes. key: None adds no level. module: the path of the module, if an earlier layer's."""
        if layer.share is not None:
            return self._again(layer, key, frame, feed)
        path = module if module is not None else frame.modules + key if key is not None else frame.modules[:-1]
        if module is None and key is not None:
            self.recipes[path] = Recipe(layer, frame, frame.prefix + key, copies=False)
        definition = self._definition(layer, frame)
        if definition is not None:
            seen = self._block(layer, definition, key, frame, feed, path)
        elif layer.group is not None:
            seen = self._group(layer, layer.group, key, frame, feed, path)
        else:
            seen = self._node(layer, key, frame, feed, path)
        return replace(seen, module=path) if seen.module is None and key is not None and not seen.unknown else seen

    # One node

    def _node(self, layer: Layer, key: str | None, frame: Frame, feed: Feed, path: str) -> Seen:
        if key is None:
            key, frame.entries.count = str(frame.entries.count), frame.entries.count + 1
            self._check_unnamed(layer, frame)
        name = frame.prefix + key
        if layer.value is not None:
            node, made, seen = valued(layer, name, frame, self.inputs, self.faults)
            self.conditions += [condition.text for condition in made.conditions]
        elif layer.type in STORED:
            node, seen = stored(layer, name, path, frame, feed, self.faults)
            self.state[path] = seen.value  # type: ignore[assignment]
            self._check_kept(layer, node.reads)
        else:
            node, seen = self._typed(layer, name, frame, feed, path)
        node = replace(node, **self._own(layer, node, frame, feed, seen))
        self.index[name] = len(self.nodes)
        self.nodes.append(node)
        frame.region.children.append(name)
        return seen

    def _typed(self, layer: Layer, name: str, frame: Frame, feed: Feed, path: str) -> tuple[Node, Seen]:
        ties = self._ties(layer, frame)
        earlier = self._owner(path) if frame.shared else None
        typed = TypedLayer(
            self.faults, layer, self._entry(layer, frame), name, path, frame, feed, self.inputs,
            {key: kind for key, (_, kind) in ties.items()}, earlier,
        )  # fmt: skip
        node, made, seen = typed.node()
        self.conditions += [condition.text for condition in made.conditions]
        if node.role == "module" and not frame.shared:
            prefix = f"{path}." if path else ""
            self.state |= {prefix + key: kind for key, kind in seen.parameters.items()}
        self._check_ties(layer, ties, seen)
        return replace(node, ties={key: target for key, (target, _) in ties.items()}), seen

    def _own(self, layer: Layer, node: Node, frame: Frame, feed: Feed, seen: Seen) -> dict[str, Any]:
        """What the keys of every layer say: init, freeze, train_only."""
        frozen = truth(layer.freeze, layer, "freeze", frame, self.faults)
        own: dict[str, Any] = {"frozen": frame.frozen or frozen}
        if layer.init is not None and layer.type not in STORED:
            own["init"] = starts(layer.init, layer.place.at("init"), frame, self.faults)
            if not seen.unknown:
                check_started(own["init"], {**node.parameters, **node.buffers}, layer, self.faults)
        own["passes"] = self._passes(layer, frame, feed, seen)
        return own

    def _passes(self, layer: Layer, frame: Frame, feed: Feed, seen: Seen) -> Any:
        """What a layer that is there in training only gives in evaluation: its first input."""
        if not truth(layer.train_only, layer, "train_only", frame, self.faults):
            return None
        first = feed.first
        place = layer.place.at("train_only")
        if first is None:
            self.faults.add(place, "a layer that is there in training only needs an input to pass through", "input")
            raise FaultToldError
        if seen.value != first.value and not seen.unknown and not first.unknown:
            message = "a layer that is there in training only must give what it reads"
            self.faults.add(place, message, "shape", notes=(f"it reads {first.value} and gives {seen.value}",))
            raise FaultToldError
        return first.reference

    def _check_kept(self, layer: Layer, references: Any) -> None:
        """What a buffer keeps is known when the model is built: it hangs on no input and no module."""
        for name in contract.references(references):
            at = self.index.get(name)
            node = self.nodes[at] if at is not None else None
            if node is None or node.role == "module" or node.sizes:
                what = f"the input `{name.partition('.')[2]}`" if node is None else f"`{name}`"
                message = f"a Buffer keeps what is known when the model is built, and this hangs on {what}"
                self.faults.add(layer.place.at("input"), message, "free", part="value")
                raise FaultToldError
            if node.role in ("function", "method", "value"):
                self._check_kept(layer, [node.reads, node.keyword_reads])

    def _check_unnamed(self, layer: Layer, frame: Frame) -> None:
        """A module without a level of its own makes its surroundings a module of its type: there is room for one."""
        entry = find(str(layer.type))
        if entry is not None and entry.role == "module":
            if frame.entries.unnamed:
                message = "a block holds at most one module without a name, as it becomes a module of that type"
                self.faults.add(layer.place.at("name"), message, "name")
                raise FaultToldError
            frame.entries.unnamed = True

    def _check_matched(self, region: str, init: Any, place: Place) -> None:
        """Every key of an `init` of a group, a block or a model starts something inside."""
        if not isinstance(init, Mapping):
            return
        kinds = {each.name: each.type for each in self.regions}
        there = held_in(region, self.nodes, kinds)
        for key in init:
            if key not in there:
                tell_unmatched(key, sorted(there), place, self.faults)

    # Ties

    def _ties(self, layer: Layer, frame: Frame) -> dict[str, tuple[str, TensorType]]:
        def path(reference: str, place: Place) -> str:
            return module_path(reference, frame, place, self.faults)

        return tied(layer.tie, layer.place, path, self.state, frame, self.faults)

    def _check_ties(self, layer: Layer, ties: Mapping[str, tuple[str, TensorType]], seen: Seen) -> None:
        for key, (target, kind) in ties.items():
            own = seen.parameters.get(key)
            if seen.unknown:
                continue
            if own is None:
                there = ", ".join(seen.parameters) or "none"
                message = f"{label_of(layer)} has no parameter `{key}`"
                self.faults.add(layer.place.at("tie", key), message, "tie", part="key", notes=(f"it has {there}",))
                raise FaultToldError
            if own.shape != kind.shape:
                message = f"`{key}` is {own} here, but {target} is {kind}"
                self.faults.add(layer.place.at("tie", key), message, "tie")
                raise FaultToldError

    def _tie_inside(self, layer: Layer, frame: Frame, path: str) -> None:
        """Ties of a group or a block: dotted names of parameters inside it."""
        for key, (target, kind) in self._ties(layer, frame).items():
            own = f"{path}.{key}"
            owner = self._owner(own.rpartition(".")[0])
            if own not in self.state or owner is None:
                near = suggest(key, [each.removeprefix(f"{path}.") for each in self.state if each.startswith(path)])
                fix = Fix(f"did you mean `{near[0]}`?") if near else None
                self.faults.add(layer.place.at("tie", key), f"there is no parameter `{key}` in it", "tie", part="key",
                                fix=fix)  # fmt: skip
                raise FaultToldError
            if self.state[own].shape != kind.shape:
                message = f"`{key}` is {self.state[own]} here, but {target} is {kind}"
                self.faults.add(layer.place.at("tie", key), message, "tie")
                raise FaultToldError
            ties = {**owner.ties, own.rpartition(".")[2]: target}
            self.nodes[self.index[owner.name]] = replace(owner, ties=ties)

    def _owner(self, path: str) -> Node | None:
        """The node that made the module at this path."""
        made = self.recipes.get(path)
        at = self.index.get(made.name) if made else None
        return self.nodes[at] if at is not None and at < len(self.nodes) else None

    # Groups and blocks

    def _group(self, layer: Layer, group: Block, key: str | None, frame: Frame, feed: Feed, path: str) -> Seen:
        around = {name: seen for name, seen in frame.scope.items() if not name.isdigit()}
        if group.inputs is None:
            if len(feed.all) > 1:
                self.faults.add(layer.place.at("input"), "a group without `inputs` reads one tensor: a name", "input",
                                fix=Fix("give the group `inputs` that name what it reads"))  # fmt: skip
                raise FaultToldError
            fed = {"x": feed.first} if feed.first is not None else {}
            return self._inside(layer, group, "", key, frame, around, fed, path, feed)
        bound = bound_inputs(group.inputs, feed, layer, "the group", self.faults)
        return self._inside(layer, group, "", key, frame, around, bound, path, feed)

    def _block(
        self, layer: Layer, definition: Definition, key: str | None, frame: Frame, feed: Feed, path: str
    ) -> Seen:
        if definition.name in frame.blocks:
            circle = " -> ".join((*frame.blocks[frame.blocks.index(definition.name) :], definition.name))
            self.faults.add(layer.place.at("type"), f"a block cannot contain itself: {circle}", "type")
            raise FaultToldError
        bound = bound_inputs(definition.body.inputs or (), feed, layer, definition.name, self.faults)
        params, rest = bound_params(definition, layer, frame, bound, self.vars, self.faults)
        inner = replace(frame, constants={**self.vars, **params}, rest=rest, blocks=(*frame.blocks, definition.name))
        since = len(self.faults)
        try:
            return self._inside(layer, definition.body, definition.name, key, inner, {}, bound, path, feed, params)
        finally:
            told_where(self.faults, since, used_as(definition, layer, params, frame))

    def _inside(
        self, layer: Layer, body: Block, kind: str, key: str | None, frame: Frame, around: dict[str, Seen],
        bound: Mapping[str, Seen], path: str, feed: Feed, params: Mapping[str, Any] | None = None,
    ) -> Seen:  # fmt: skip
        """The layers of a group or a block, in a region of its own, or, without a level, in the one around.

        around: the names that it sees besides its inputs. bound: what feeds its inputs.
        """
        frozen = truth(body.freeze, layer, "freeze", frame, self.faults)
        frozen = frozen or truth(layer.freeze, layer, "freeze", frame, self.faults)
        inner = replace(frame, layers=body.layers, frozen=frame.frozen or frozen)
        if key is None:
            return self._level(layer, body, inner, around, bound, frame)
        name = frame.prefix + key
        frame.region.children.append(name)
        region = self._open(name, kind, layer.place, path, {k: seen.reference for k, seen in bound.items()}, params)
        inputs = {each: entering(seen, name, each) for each, seen in bound.items()}
        named = inputs if body.inputs is not None else {}
        inner = replace(inner, prefix=f"{name}.", modules=f"{path}.", entries=Entries(region),
                        scope={**around, **named}, inputs=frozenset(named))  # fmt: skip
        init = {**self._init_of(body, body.place, inner), **self._init_of(layer, layer.place, frame)}
        last = self._layers(body, inner, None, _only(inputs))
        seen = result_of(body, inner.scope, last, self.faults)
        if seen is None:
            self.faults.add(layer.place, f"`{label_of(layer, key)}` makes nothing", "missing")
            raise FaultToldError
        self._tie_inside(layer, frame, path)
        if not seen.unknown and not frame.shared:
            self._check_matched(name, body.init, body.place)
            if layer.group is None:
                self._check_matched(name, layer.init, layer.place)
        self.close(name, results=seen.reference, init=init, frozen=frozen,
                   passes=self._passes(layer, frame, feed, seen))  # fmt: skip
        return replace(seen, reference=leaving(seen.reference, name, bound), label=label_of(layer, key),
                       place=layer.place, module=path, parameters={}, high=None)  # fmt: skip

    def _level(
        self, layer: Layer, body: Block, inner: Frame, around: dict[str, Seen], bound: Mapping[str, Seen], frame: Frame
    ) -> Seen:
        """A group without a level: its layers stand in the block around it, and are visible there."""
        for key in ("init", "train_only", "tie"):
            if getattr(layer, key) or (key == "init" and body.init is not None):
                place = layer.place.at(key)
                self.faults.add(place, f"`{key}` has no place on a group without a level of its own", "key",
                                fix=Fix("give the group a name, or write it on its layers"))  # fmt: skip
                raise FaultToldError
        named = bound if body.inputs is not None else {}
        scope = {**around, **named}
        before = set(scope)
        last = self._layers(body, replace(inner, scope=scope, inputs=frozenset(named)), None, _only(bound))
        seen = result_of(body, scope, last, self.faults)
        frame.scope.update({name: each for name, each in scope.items() if name not in before})
        if seen is None:
            raise FaultToldError
        return replace(seen, label=label_of(layer), place=layer.place)

    def _init_of(self, owner: Block | Layer, place: Place, frame: Frame) -> dict[str, Any]:
        if isinstance(owner, Layer) and owner.group is not None:
            return {}  # it is the group's own, which has been read
        return starts(owner.init, place.at("init"), frame, self.faults)

    # Copies

    def _repeated(self, layer: Layer, frame: Frame, first: Any, before: Seen | None) -> Seen | None:
        count = self._count(layer, frame)
        if count == 0:
            return self._passed(layer, frame, first, before)
        apart = layer.name is not None and holds_expression(layer.name)
        if apart or layer.name == "":
            return self._copies(layer, count, frame, frame, first, before)
        check_name(layer.name, layer, True, frame, self.vars, self.faults)
        key = self._key(layer.name, frame)
        assert key is not None
        self.recipes[frame.modules + key] = Recipe(layer, frame, frame.prefix + key, copies=True)
        try:
            seen = self._held(layer, count, key, frame, first, before, frame.modules + key)
        except FaultToldError:
            seen = failed(layer, key)
        return self._seen_as(layer, key, seen, frame)

    def _held(
        self, layer: Layer, count: int, key: str, frame: Frame, first: Any, before: Seen | None, path: str
    ) -> Seen:
        """Copies `name.0`, `name.1` ... in a region that holds them."""
        name = frame.prefix + key
        frame.region.children.append(name)
        region = self._open(name, "", layer.place, path, copies=count)
        inside = replace(frame, prefix=f"{name}.", modules=f"{path}.", entries=Entries(region))
        seen = self._copies(layer, count, inside, frame, first, before)
        self.close(name, results=seen.reference)
        return replace(seen, label=label_of(layer, key), module=path)

    def _copies(
        self, layer: Layer, count: int, inside: Frame, frame: Frame, first: Any, before: Seen | None
    ) -> Seen:
        """The copies one after another; in parallel, all reading the same. inside: where their entries stand."""
        parallel = truth(layer.parallel, layer, "parallel", frame, self.faults)
        results: list[Seen] = []
        for i in range(count):
            at = frame.with_constants(i=i)
            feed = fed(layer, at, before, first, self.faults)
            if results and not parallel:
                body = layer.group or getattr(self._definition(layer, at), "body", None)
                feed = handed_by_name(body, feed, results[-1]) or feed.handed(results[-1])
            scope = at.scope if parallel else _barred(layer, at, fed(layer, at, before, first, self.faults))
            copy = replace(inside, constants=at.constants, scope=scope)
            seen = self._copy(layer, copy, at, feed)
            results.append(seen)
            if seen.unknown:
                raise FaultToldError
            if layer.name == "" or inside is frame:
                frame.scope.update({k: v for k, v in scope.items() if k not in frame.scope})
        if frame.shared:
            return tuple_of(results) if parallel else results[-1]
        return tuple_of(results) if parallel else results[-1]

    def _copy(self, layer: Layer, copy: Frame, frame: Frame, feed: Feed) -> Seen:
        """One copy, under its number, or under its own name, at its position."""
        name = None
        if layer.name is not None and holds_expression(layer.name):
            name = name_of(layer, frame, self.faults)
            check_name(name, layer, self._has_module(layer, frame), copy, self.vars, self.faults)
        key = self._key(name, copy)
        since = len(self.faults)
        seen = self._once(layer, key, copy, feed)
        told_where(self.faults, since, f"in copy {frame.constants['i']} of `{label_of(layer, key)}`")
        if name is not None:
            copy.scope[name] = seen
        return seen

    def _count(self, layer: Layer, frame: Frame) -> int:
        place = layer.place.at("repeat")
        count = resolved(layer.repeat, place, self.faults, frame.names())
        if count is FAULTY:
            raise FaultToldError
        if isinstance(count, Free):
            self.faults.add(place, f"`repeat` hangs on a free size, {count}, which has no number yet", "free")
            raise FaultToldError
        if not is_whole(count) or not 0 <= count <= _MOST_COPIES:
            expected = f"a whole number from 0 to {_MOST_COPIES:,}"
            self.faults.add(place, f"`repeat` is {expected}, not {described(count)}", "value", label="how many copies")
            raise FaultToldError
        return int(count)

    # An earlier layer, called again

    def _again(self, layer: Layer, key: str | None, frame: Frame, feed: Feed) -> Seen:
        path, recipe = recipe_for(layer, frame, self.recipes, self.faults)
        called = key if key is not None else str(frame.entries.count)
        if key is None:
            frame.entries.count += 1
        again = replace(recipe.frame, prefix=frame.prefix, entries=frame.entries, shared=True, frozen=frame.frozen,
                        scope=dict(recipe.frame.scope))  # fmt: skip
        since, at = len(self.faults), len(self.nodes)
        try:
            seen = self._made_again(layer, recipe, called, again, feed, path)
        finally:
            told_where(self.faults, since, f"called again by `{label_of(layer, called)}`")
        if len(self.faults) == since:
            earlier = {name: self.nodes[i] for name, i in self.index.items() if i < at}
            same_again(layer, recipe.name, frame.prefix + called, earlier, self.nodes[at:], self.faults)
        return replace(seen, label=label_of(layer, called), place=layer.place, module=path)

    def _made_again(self, layer: Layer, recipe: Recipe, key: str, again: Frame, feed: Feed, path: str) -> Seen:
        made = replace(recipe.layer, freeze=False, tie={}, train_only=layer.train_only)
        if recipe.layer.group is None:
            made = replace(made, place=layer.place)  # what does not fit, does not fit here
        if not recipe.copies:
            return self._once(made, key, again, feed, path)
        before = feed.first
        return self._held(replace(made, input=None), self._count(made, again), key, again, None, before, path)

    # Types

    def _definition(self, layer: Layer, frame: Frame) -> Definition | None:
        kind = self._type(layer, frame)
        return self.blocks.get(kind) if kind else None

    def _type(self, layer: Layer, frame: Frame) -> str | None:
        if layer.type is None or not holds_expression(layer.type):
            return layer.type
        place = layer.place.at("type")
        kind = resolved(layer.type, place, self.faults, frame.names())
        if kind is FAULTY:
            raise FaultToldError
        if not isinstance(kind, str):
            self.faults.add(place, f"a type is text, not {described(kind)}", "type", part="value")
            raise FaultToldError
        return kind

    def _entry(self, layer: Layer, frame: Frame) -> Entry:
        kind = self._type(layer, frame)
        if kind is None:
            raise FaultToldError
        entry = find(kind)
        if entry is None or entry.role == "optimizer":
            near = suggest(kind, [*self.blocks, *names()], ALIASES)
            fix = Fix(f"did you mean {either_of(near)}?", f'type = "{near[0]}"') if near else None
            self.faults.add(layer.place.at("type"), f'there is no layer type "{kind}"', "type", fix=fix)
            raise FaultToldError
        return entry

    def _has_module(self, layer: Layer, frame: Frame) -> bool:
        if layer.group is not None or layer.type in STORED or self._definition(layer, frame) is not None:
            return True
        entry = find(self._type(layer, frame) or "")
        return entry is not None and entry.role == "module"

    # Regions

    def _open(
        self, name: str, kind: str, place: Place, module: str = "", reads: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None, copies: int = 0,
    ) -> Region:  # fmt: skip
        span = place.span("key")
        region = Region(
            name=name, type=kind, module=module, copies=copies, reads=dict(reads or {}), params=dict(params or {}),
            file=place.source.name, line=span.line, column=span.column,
        )  # fmt: skip
        self.index[f"region {name}"] = len(self.regions)
        self.regions.append(region)
        return region

    def close(self, name: str, **found: Any) -> None:
        """Write into a region what became known of it."""
        at = self.index[f"region {name}"]
        self.regions[at] = replace(self.regions[at], **found)


def _barred(layer: Layer, frame: Frame, feed: Feed) -> dict[str, Seen]:
    """What a repeated group sees around it: not what its first copy read, which the others do not read."""
    if layer.group is None or layer.group.inputs is not None or feed.first is None:
        return frame.scope if layer.group is None else dict(frame.scope)
    reference, name = feed.first.reference, label_of(layer)
    why = f"is what the first copy of `{name}` reads; the others read the copy before them"
    return {
        key: replace(seen, barred=f"`{key}` {why}: give the group `inputs`") if seen.reference == reference else seen
        for key, seen in frame.scope.items()
    }


def _only(inputs: Mapping[str, Seen]) -> Seen | None:
    """The block's only tensor, which the first layer reads; None where there are several."""
    tensors = [seen for seen in inputs.values() if not isinstance(seen.value, ChoiceType)]
    return tensors[0] if len(tensors) == 1 else None
