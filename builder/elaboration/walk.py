"""A spec becomes shaped nodes in one pass from top to bottom, or all its faults at once.

The model, the loss and the steps of `prepare` are blocks, and all three are elaborated here. A layer whose shape is not
known, because it failed or reads one that did, gives its followers an unknown shape and silence.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from builder import graph as contract
from builder.elaboration.sight import FaultToldError, Seen, dtype_data, look_up, pick_of, shape_data
from builder.elaboration.typed import TypedLayer
from builder.graph import Node, Region
from builder.names import MODULE_ATTRIBUTES
from builder.shapes.call import ChoiceType, TensorType, Value
from builder.shapes.sizes import named
from dsl.catalogue import Entry, absent, find
from dsl.diagnostics import SpecError, in_order
from dsl.records import Block, Input, Layer, Place, Spec
from dsl.tables import Faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Elaboration:
    """A block with every layer shaped: what a graph is assembled from.

    inputs, outputs: what the block is fed and gives, by name.
    results: the references behind the outputs, in the structure that the block returns.
    """

    name: str
    doc: str
    file: str
    nodes: list[Node]
    regions: list[Region]
    conditions: list[str]
    inputs: dict[str, Value]
    outputs: dict[str, Value]

    @property
    def parameters(self) -> int:
        return sum(contract.parameter_count(node) for node in self.nodes)


def elaborate(spec: Spec) -> Elaboration:
    """The model of a spec, shaped. Raises SpecError with everything that is wrong."""
    faults = Faults()
    done = elaborate_model(spec, faults)
    if faults:
        raise SpecError(in_order(faults))
    return done


def elaborate_model(spec: Spec, faults: Faults) -> Elaboration:
    """The model of a spec as far as it is sound; what is wrong is added to `faults`."""
    inputs = spec.model.inputs or ()
    before = len(faults)
    runs = [_elaborate_with(spec, inputs, options, faults) for options in _choices(inputs)]
    return runs[0] if len(faults) > before else _merged(runs)


def elaborate_loss(block: Block, sight: Mapping[str, Seen], faults: Faults, scope: Mapping[str, Any]) -> Elaboration:
    """A term of the loss, over the outputs, fields and inputs in sight; those that it does not read are left out."""
    first = [name for name in ("output", "target") if name in sight]
    done = Walk(faults, scope).whole(block, dict(sight), "Loss", "", first)
    read = {name for node in done.nodes for name in contract.references([node.reads, node.keyword_reads])}
    kept = [node for node in done.nodes if node.role != "input" or node.name in read]
    return replace(done, nodes=kept)


def elaborate_prepare(
    block: Block, fields: Mapping[str, Seen], faults: Faults, scope: Mapping[str, Any]
) -> Elaboration:
    """The steps that prepare a batch; the outputs are the fields that they make, the others stay as they are."""
    return Walk(faults, scope).fields(block, dict(fields), "Prepare")


def input_type(each: Input, option: str | None = None) -> Value:
    """What a declared input is: a tensor with named sizes, or a choice at one of its options."""
    if each.options is not None:
        return ChoiceType(option or each.options[0], each.options)
    return TensorType(tuple(named(size) for size in each.shape or ()), each.dtype)


def _choices(inputs: Sequence[Input]) -> list[dict[str, str]]:
    """Every way to settle the inputs that are choices; the defaults come first."""
    several = [(each.name, each.options) for each in inputs if each.options]
    ways = itertools.islice(itertools.product(*(options for _, options in several)), 64)
    return [dict(zip((name for name, _ in several), way, strict=True)) for way in ways]


def _elaborate_with(spec: Spec, inputs: Sequence[Input], options: dict[str, str], faults: Faults) -> Elaboration:
    seen = {
        each.name: Seen(input_type(each, options.get(each.name)), {"from": f"inputs.{each.name}"}, each.name,
                        each.place, each.high)
        for each in inputs
    }  # fmt: skip
    return Walk(faults, spec.vars).whole(spec.model, seen, spec.name, spec.doc, None)


def _merged(runs: Sequence[Elaboration]) -> Elaboration:
    """One elaboration out of one for each option: sizes that hang on the choice are told as `4 | 1 | 2`."""
    first, *others = runs
    if not others:
        return first
    nodes = []
    for group in zip(*(run.nodes for run in runs), strict=True):
        merged = _either([each.shape for each in group])
        inputs = _either([each.input_shapes for each in group])
        nodes.append(replace(group[0], shape=merged, input_shapes=inputs))
    return replace(first, nodes=nodes, conditions=list(dict.fromkeys(text for run in runs for text in run.conditions)))


def _either(several: Sequence[Any]) -> Any:
    if all(each == several[0] for each in several):
        return several[0]
    if all(isinstance(each, list) and len(each) == len(several[0]) for each in several):
        return [_either(sizes) for sizes in zip(*several, strict=True)]
    return " | ".join(dict.fromkeys(str(each) for each in several))


@dataclass(slots=True)
class Walk:
    """One pass over one block."""

    faults: Faults
    vars: Mapping[str, Any]
    nodes: list[Node] = field(default_factory=list)
    regions: list[Region] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)

    def whole(self, block: Block, inputs: dict[str, Seen], name: str, doc: str, first: Any) -> Elaboration:
        self.nodes += [_input_node(key, seen) for key, seen in inputs.items()]
        region = self._region("", name, block.place)
        fed = {key: seen.value for key, seen in inputs.items()}
        last = self._layers(block, inputs, "", region, first, _only(inputs, block))
        outputs, results = self._outputs(block, inputs, last)
        self.regions[0] = replace(region, results=results)
        self.nodes += [_output_node(key, seen) for key, seen in outputs.items()]
        return self._done(name, doc, block, fed, outputs)

    def _done(
        self, name: str, doc: str, block: Block, fed: dict[str, Value], outputs: Mapping[str, Seen]
    ) -> Elaboration:
        return Elaboration(
            name=name, doc=doc, file=block.place.document.source.name, nodes=self.nodes, regions=self.regions,
            conditions=list(dict.fromkeys(self.conditions)), inputs=fed,
            outputs={key: seen.value for key, seen in outputs.items()},
        )  # fmt: skip

    def _region(self, name: str, kind: str, place: Place) -> Region:
        span = place.span("key")
        region = Region(name=name, type=kind, file=place.source.name, line=span.line, column=span.column)
        self.regions.append(region)
        return region

    def _layers(
        self, block: Block, scope: dict[str, Seen], prefix: str, region: Region, first: Any, before: Seen | None
    ) -> Seen | None:
        """Walk the layers of a block; `scope` gets their names. Gives what the last one makes."""
        own: set[str] = set()
        for position, layer in enumerate(block.layers):
            key = layer.name or str(position)
            default = first if position == 0 else None
            self._check_name(layer, key, own, scope, prefix)
            own.add(key)
            try:
                before = self._layer(layer, key, prefix, scope, region, default, before)
            except FaultToldError:
                before = Seen(None, None, layer.name or layer.type or key, layer.place)
            scope[key] = before
        return before

    def fields(self, block: Block, fields: dict[str, Seen], name: str) -> Elaboration:
        """The steps of `prepare`: each makes the field of its name anew, or the field that it read first."""
        scope = dict(fields)
        region = self._region("", name, block.place)
        self.nodes += [_input_node(key, seen) for key, seen in fields.items()]
        field = next(iter(fields), "")
        made: dict[str, Seen] = {}
        for position, layer in enumerate(block.layers):
            read = layer.input[0] if isinstance(layer.input, list) and layer.input else layer.input
            before = scope.get(field)
            field = layer.name or (read if isinstance(read, str) else field)
            try:
                made[field] = self._layer(layer, str(position), "", scope, region, None, before)
            except FaultToldError:
                made[field] = Seen(None, None, field, layer.place)
            scope[field] = made[field]
        self.nodes += [_output_node(key, seen) for key, seen in made.items()]
        self.regions[0] = replace(region, results={key: seen.reference for key, seen in made.items()})
        return self._done(name, "", block, {key: seen.value for key, seen in fields.items()}, made)

    def _check_name(self, layer: Layer, key: str, own: set[str], scope: Mapping[str, Seen], prefix: str) -> None:
        if layer.name is None:
            return
        place, message = layer.place.at("name"), None
        if key in own:
            message = f"two layers are called `{key}`"
        elif key in self.vars:
            message = f"`{key}` is a var and a layer; one of them needs another name"
        elif not prefix and key in scope and scope[key].reference == {"from": f"inputs.{key}"}:
            message = f"`{key}` is an input of this block and cannot name a layer too"
        if message:
            self.faults.add(place, message, "name", part="value")
        entry = find(layer.type) if layer.type else None
        if (layer.group or (entry and entry.role == "module")) and key in MODULE_ATTRIBUTES:
            self.faults.add(place, f"`{key}` is a name that nn.Module keeps for itself", "name", part="value")

    def _layer(
        self,
        layer: Layer,
        key: str,
        prefix: str,
        scope: dict[str, Seen],
        region: Region,
        first: Any,
        before: Seen | None,
    ) -> Seen:
        name = prefix + key
        region.children.append(name)
        if layer.group is not None:
            return self._group(layer, layer.group, name, scope, before)
        if layer.type is None:
            raise FaultToldError
        entry = self._entry(layer)
        typed = TypedLayer(self.faults, self.vars, layer, entry, name, region.name, scope, first, before)
        node, made, seen = typed.node()
        self.nodes.append(node)
        self.conditions += [condition.text for condition in made.conditions]
        return seen

    def _group(self, layer: Layer, group: Block, name: str, scope: dict[str, Seen], before: Seen | None) -> Seen:
        if layer.input is not None:
            if not isinstance(layer.input, str):
                self.faults.add(layer.place.at("input"), "a group reads one tensor: a name", "input")
                raise FaultToldError
            before = look_up(layer.input, scope, layer.place.at("input"), self.faults)
        inner = dict(scope)
        region = self._region(name, "", layer.place.at("layers"))
        at = len(self.regions) - 1
        last = self._layers(group, inner, f"{name}.", region, None, before)
        outputs, results = self._outputs(group, inner, last)
        self.regions[at] = replace(region, results=results)
        value: Value
        if isinstance(results, list):
            value = tuple(seen.value for seen in outputs.values())
        elif isinstance(results, dict) and "from" not in results:
            value = {key: seen.value for key, seen in outputs.items()}
        else:
            value = next(iter(outputs.values())).value if outputs else None
        return Seen(value, results, name, layer.place)

    def _entry(self, layer: Layer) -> Entry:
        assert layer.type is not None
        entry = find(layer.type)
        if entry is None:
            why = absent(layer.type, layer.place.document.source.name)
            self.faults.add(layer.place.at("type"), why.message, "type", notes=why.notes, fix=why.fix)
            raise FaultToldError
        return entry

    def _outputs(self, block: Block, scope: Mapping[str, Seen], last: Seen | None) -> tuple[dict[str, Seen], Any]:
        """What the block gives, by name, and the references in the structure that it returns."""
        place = block.place.at("outputs")
        wanted = block.outputs
        if wanted is None:
            if last is None:
                return {}, None
            return self._last(block, last)
        if isinstance(wanted, str):
            seen = self._seen(wanted, scope, place)
            return {wanted: seen}, seen.reference
        if isinstance(wanted, list):
            several = [self._seen(each, scope, place.at(i)) for i, each in enumerate(wanted)]
            keys = [str(each) if not str(each).isdigit() else str(i) for i, each in enumerate(wanted)]
            return dict(zip(keys, several, strict=True)), [seen.reference for seen in several]
        table = {key: self._seen(each, scope, place.at(key)) for key, each in wanted.items()}
        return table, {key: seen.reference for key, seen in table.items()}

    def _last(self, block: Block, last: Seen) -> tuple[dict[str, Seen], Any]:
        name = block.layers[-1].name if block.layers else None
        if isinstance(last.value, tuple):
            parts = {str(i): Seen(each, pick_of(last.reference, i), f"{last.label}.{i}", last.place)
                     for i, each in enumerate(last.value)}  # fmt: skip
            return parts, [part.reference for part in parts.values()]
        return {name or "output": last}, last.reference

    def _seen(self, reference: Any, scope: Mapping[str, Seen], place: Place) -> Seen:
        try:
            return look_up(reference, scope, place, self.faults)
        except FaultToldError:
            return Seen(None, None, str(reference), place)


def _only(inputs: Mapping[str, Seen], block: Block) -> Seen | None:
    """The block's only tensor, which the first layer reads; None where there are several."""
    tensors = [seen for seen in inputs.values() if not isinstance(seen.value, ChoiceType)]
    return tensors[0] if len(tensors) == 1 else None


def _input_node(name: str, seen: Seen) -> Node:
    span = seen.place.span() if seen.place else None
    options = list(seen.value.options) if isinstance(seen.value, ChoiceType) else None
    return Node(
        name=f"inputs.{name}", type="input", target="", role="input", kind="input", shape=shape_data(seen.value),
        dtype=dtype_data(seen.value), options=options, file=seen.place.source.name if seen.place else "",
        line=span.line if span else 0, column=span.column if span else 0,
    )  # fmt: skip


def _output_node(name: str, seen: Seen) -> Node:
    span = seen.place.span("value") if seen.place else None
    return Node(
        name=f"outputs.{name}", type="output", target="", role="output", kind="output", reads=[seen.reference],
        input_shapes=[shape_data(seen.value)], shape=shape_data(seen.value), dtype=dtype_data(seen.value),
        file=seen.place.source.name if seen.place else "", line=span.line if span else 0,
        column=span.column if span else 0,
    )  # fmt: skip
