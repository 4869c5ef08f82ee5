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
from builder.graph import Node, Region
from builder.names import MODULE_ATTRIBUTES
from builder.shapes.call import Call, ChoiceType, Made, Misfit, TensorType, Value
from builder.shapes.rules import shape
from builder.shapes.sizes import Free, named, plain
from dsl.catalogue import Entry, bind, find, names, suggest
from dsl.catalogue.aliases import ALIASES
from dsl.diagnostics import Fix, SpecError, in_order
from dsl.records import Block, Input, Layer, Place, Spec
from dsl.tables import FAULTY, Faults, described, resolved


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


@dataclass(frozen=True, slots=True)
class Seen:
    """A name in sight: what it is, how nodes refer to it, and where it was said."""

    value: Value
    reference: Any
    label: str
    place: Place | None = None
    high: int | None = None

    @property
    def shape(self) -> tuple[Any, ...]:
        """For expressions: `x.shape[1]`."""
        if isinstance(self.value, TensorType):
            return self.value.shape
        raise TypeError(f"`{self.label}` has no shape here")


class _FaultError(Exception):
    """A layer cannot go on; its fault has been told."""


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
    done = _Walk(faults, scope).whole(block, dict(sight), "Loss", "", first)
    read = {name for node in done.nodes for name in contract.references([node.reads, node.keyword_reads])}
    kept = [node for node in done.nodes if node.role != "input" or node.name in read]
    return replace(done, nodes=kept)


def elaborate_prepare(
    block: Block, fields: Mapping[str, Seen], faults: Faults, scope: Mapping[str, Any]
) -> Elaboration:
    """The steps that prepare a batch; the outputs are the fields that they make, the others stay as they are."""
    return _Walk(faults, scope).fields(block, dict(fields), "Prepare")


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
    return _Walk(faults, spec.vars).whole(spec.model, seen, spec.name, spec.doc, None)


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
class _Walk:
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
            except _FaultError:
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
            except _FaultError:
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
            raise _FaultError
        entry = self._entry(layer)
        return _Typed(self, layer, entry, name, region.name, scope, first, before).node()

    def _group(self, layer: Layer, group: Block, name: str, scope: dict[str, Seen], before: Seen | None) -> Seen:
        if layer.input is not None:
            if not isinstance(layer.input, str):
                self.faults.add(layer.place.at("input"), "a group reads one tensor: a name", "input")
                raise _FaultError
            before = self.look_up(layer.input, scope, layer.place.at("input"))
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
        if entry is None or entry.role == "optimizer":
            near = suggest(layer.type, names(), ALIASES)
            fix = Fix(f"did you mean {_either_of(near)}?", f'type = "{near[0]}"') if near else None
            self.faults.add(layer.place.at("type"), f'there is no layer type "{layer.type}"', "type", fix=fix)
            raise _FaultError
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
            parts = {str(i): Seen(each, _pick(last.reference, i), f"{last.label}.{i}", last.place)
                     for i, each in enumerate(last.value)}  # fmt: skip
            return parts, [part.reference for part in parts.values()]
        return {name or "output": last}, last.reference

    def _seen(self, reference: Any, scope: Mapping[str, Seen], place: Place) -> Seen:
        try:
            return self.look_up(reference, scope, place)
        except _FaultError:
            return Seen(None, None, str(reference), place)

    def look_up(self, reference: Any, scope: Mapping[str, Seen], place: Place) -> Seen:
        """The layer or input of this name, or the result of it that a pick names (`lstm.1.0`)."""
        if not isinstance(reference, str):
            self.faults.add(place, f"a reference is a name, not {described(reference)}", "reference", part="value")
            raise _FaultError
        head, *picks = reference.split(".")
        if head not in scope:
            near = suggest(reference, list(scope))
            fix = Fix(f'did you mean "{near[0]}"?') if near else None
            notes = () if near else ("names in sight: " + ", ".join(scope),)
            self.faults.add(place, f'no layer or input before this one is called "{head}"', "reference", part="value",
                            notes=notes, fix=fix)  # fmt: skip
            raise _FaultError
        seen = scope[head]
        for pick in picks:
            seen = self._picked(seen, pick, reference, place)
        return seen

    def _picked(self, seen: Seen, pick: str, reference: str, place: Place) -> Seen:
        value = seen.value
        if value is None:
            return seen
        if isinstance(value, tuple) and pick.isdigit() and int(pick) < len(value):
            return Seen(value[int(pick)], _pick(seen.reference, int(pick)), f"{seen.label}.{pick}", seen.place)
        if isinstance(value, dict) and pick in value:
            return Seen(value[pick], _pick(seen.reference, pick), f"{seen.label}.{pick}", seen.place)
        there = range(len(value)) if isinstance(value, tuple) else value if isinstance(value, dict) else ()
        notes = (f"its results: {', '.join(f'{seen.label}.{each}' for each in there)}",) if there else ()
        message = f'"{reference}" is not one of several results: `{seen.label}` gives {_text(value)}'
        self.faults.add(place, message, "reference", part="value", notes=notes)
        raise _FaultError


@dataclass(slots=True)
class _Typed:
    """A layer with a type on its way to a node."""

    walk: _Walk
    layer: Layer
    entry: Entry
    name: str
    region: str
    scope: Mapping[str, Seen]
    first: Any
    before: Seen | None
    read: list[Seen] = field(default_factory=list)

    def node(self) -> Seen:
        arguments, keyword_reads = self._arguments()
        reads, more = self._reads(arguments)
        keyword_reads |= more
        self._check_arguments(arguments, keyword_reads)
        self._check_tensors(arguments, keyword_reads, reads)
        if any(_unknown(seen) for seen in self.read):
            made = Made(result=None)
        else:
            made = self._shape(arguments, reads, keyword_reads)
            self.walk.conditions += [condition.text for condition in made.conditions]
        node = self._finished(arguments, reads, keyword_reads, made)
        self.walk.nodes.append(node)
        label = self.layer.name or self.entry.name
        return Seen(made.result, {"from": self.name}, label, self.layer.place)

    def _arguments(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The written arguments with their expressions worked out, and those that are references to tensors."""
        scope = {**{key: seen for key, seen in self.scope.items() if key.isidentifier()}, **self.walk.vars}
        arguments: dict[str, Any] = {}
        reads: dict[str, Any] = {}
        for key, written in self.layer.arguments.items():
            value = resolved(written, self.layer.place.at(key), self.walk.faults, scope)
            if value is FAULTY:
                raise _FaultError
            takes_tensor = self.entry.accepts(key) and self.entry.parameter(key).takes_tensor
            if takes_tensor and isinstance(value, str):
                reads[key] = self._reference(value, self.layer.place.at(key))
            else:
                arguments[key] = list(value) if isinstance(value, tuple) else value
        return arguments, reads

    def _reads(self, arguments: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """References of the tensors by position, and by name where `input` is a table."""
        written, place = self.layer.input, self.layer.place.at("input")
        if written is None:
            written = self.first
        if not self.entry.inputs and written is None:
            return [], {}
        if written is None:
            return [self._default()], {}
        if isinstance(written, dict):
            return [], self._table(written, arguments, place)
        if isinstance(written, str):
            return [self._reference(written, place)], {}
        several = [self._reference(each, place.at(i)) for i, each in enumerate(written)]
        sequence = bool(self.entry.inputs) and "tensors" in self.entry.inputs[0].type
        return ([several] if sequence else several), {}

    def _default(self) -> Any:
        if self.before is None:
            tensors = [key for key, seen in self.scope.items() if not isinstance(seen.value, ChoiceType)]
            message = f"{self.entry.name} does not say which input it reads"
            notes = ("inputs: " + ", ".join(tensors),)
            self.walk.faults.add(self.layer.place.at("type"), message, "input", notes=notes,
                                 fix=Fix(f'add input = "{tensors[0]}"') if tensors else None)  # fmt: skip
            raise _FaultError
        if isinstance(self.before.value, (tuple, dict)):
            picks = range(len(self.before.value)) if isinstance(self.before.value, tuple) else self.before.value
            listed = ", ".join(f"{self.before.label}.{pick}" for pick in picks)
            message = f"{self.entry.name} reads one tensor, but `{self.before.label}` gives several"
            self.walk.faults.add(self.layer.place.at("type"), message, "input", notes=(f"pick one: {listed}",))
            raise _FaultError
        self.read.append(self.before)
        return self.before.reference

    def _table(self, written: Mapping[str, Any], arguments: dict[str, Any], place: Place) -> dict[str, Any]:
        reads = {}
        for key, each in written.items():
            if isinstance(each, (bool, int, float)):
                arguments[key] = each
            else:
                reads[key] = self._reference(each, place.at(key))
        return reads

    def _reference(self, written: Any, place: Place) -> Any:
        if isinstance(written, list):
            return [self._reference(each, place.at(i)) for i, each in enumerate(written)]
        seen = self.walk.look_up(written, self.scope, place)
        self.read.append(seen)
        return seen.reference

    def _check_arguments(self, arguments: Mapping[str, Any], keyword_reads: Mapping[str, Any]) -> None:
        forward = {each.name for each in self.entry.inputs} if self.entry.role == "module" else set()
        held = {key: value for key, value in arguments.items() if key not in forward}
        if self.entry.role != "module":
            held |= dict.fromkeys(keyword_reads, "a reference")
        problems = [each for each in bind(self.entry, held) if not self._inferred_later(each)]
        for problem in problems:
            place = self.layer.place.at(problem.argument)
            kind = self.entry.name
            if problem.kind == "unknown":
                near = problem.suggestions
                fix = Fix(f"did you mean {_either_of(near)}?", near[0]) if near else None
                notes = () if near else (f"it takes {problem.expected}",) if problem.expected else ()
                self.walk.faults.add(place, f"{kind} has no argument `{problem.argument}`", "argument", part="key",
                                     notes=notes, fix=fix)  # fmt: skip
            elif problem.kind == "type":
                message = f"`{problem.argument}` of {kind} is {problem.expected}, not {described(problem.found)}"
                near = problem.suggestions
                fix = Fix(f'did you mean "{near[0]}"?', f'{problem.argument} = "{near[0]}"') if near else None
                self.walk.faults.add(place, message, "argument", label=f"expected {problem.expected}", fix=fix)
            else:
                what = f": {problem.expected}" if problem.expected else ""
                message = f"{kind} needs `{problem.argument}`{what}"
                self.walk.faults.add(self.layer.place.at("type"), message, "argument",
                                     fix=Fix(f"add {problem.argument} = ..."))  # fmt: skip
        if problems:
            raise _FaultError

    def _inferred_later(self, problem: Any) -> bool:
        """num_embeddings may come from the `high` of an input."""
        return bool(problem.kind == "missing" and problem.argument in self.entry.inferred)

    def _check_tensors(
        self, arguments: Mapping[str, Any], keyword_reads: Mapping[str, Any], reads: Sequence[Any]
    ) -> None:
        """Whether as many tensors are fed as the type reads."""
        takes = self.entry.inputs
        place = self.layer.place.at("input" if self.layer.input is not None else "type")
        spread = any(each.passing == "spread" for each in takes)
        if len(reads) > len(takes) and not spread:
            count = f"{len(takes)} tensor{'s' if len(takes) != 1 else ''}"
            self.walk.faults.add(place, f"{self.entry.name} reads {count}, but {len(reads)} are fed", "input")
            raise _FaultError
        missing = [each.name for each in takes[len(reads) :]
                   if each.required and each.name not in keyword_reads and each.name not in arguments]  # fmt: skip
        overloaded = any(all(part.name in arguments or not part.takes_tensor for part in way[len(reads) :])
                         for way in self.entry.overloads)  # fmt: skip
        if missing and not overloaded:
            named_ones = ", ".join(f"`{each}`" for each in missing)
            self.walk.faults.add(place, f"{self.entry.name} also reads {named_ones}", "input",
                                 fix=Fix(f'add {missing[0]} = "..." or an array in `input`'))  # fmt: skip
            raise _FaultError

    def _shape(self, arguments: dict[str, Any], reads: Sequence[Any], keyword_reads: Mapping[str, Any]) -> Made:
        values = iter(self.read)
        by_reference: dict[str, Value] = {}
        for seen in values:
            by_reference[_key(seen.reference)] = seen.value

        def value_of(reference: Any) -> Value:
            if isinstance(reference, list) and _key(reference) not in by_reference:
                return tuple(value_of(each) for each in reference)
            return by_reference[_key(reference)]

        if self.entry.name == "Embedding":
            self._embedding(arguments)
        self._refuse_free(arguments)
        call = Call(entry=self.entry, arguments=arguments, reads=[value_of(each) for each in reads],
                    keyword_reads={key: value_of(each) for key, each in keyword_reads.items()})  # fmt: skip
        try:
            return shape(call)
        except Misfit as misfit:
            self._tell(misfit)
            raise _FaultError from misfit

    def _embedding(self, arguments: dict[str, Any]) -> None:
        high = next((seen.high for seen in self.read if seen.high is not None), None)
        rows = arguments.get("num_embeddings")
        if high is None:
            return
        if rows is None:
            arguments["num_embeddings"] = high
        elif rows < high:
            message = f"Embedding has {rows} rows, but its input goes up to {high - 1}"
            fix = Fix(f"num_embeddings = {high}, or leave it out", f"num_embeddings = {high}")
            self.walk.faults.add(self.layer.place.at("num_embeddings"), message, "shape", fix=fix)
            raise _FaultError

    def _refuse_free(self, arguments: Mapping[str, Any]) -> None:
        for key, value in arguments.items():
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, Free):
                    message = f"`{key}` of {self.entry.name} hangs on a free size, {each}, which has no number yet"
                    self.walk.faults.add(self.layer.place.at(key), message, "free")
                    raise _FaultError

    def _tell(self, misfit: Misfit) -> None:
        place, label = self.layer.place.at("type"), ""
        written = misfit.argument is not None and misfit.argument in self.layer.arguments
        if misfit.argument is not None and written:
            place = self.layer.place.at(misfit.argument)
            label = place.source.written(place.path)
        elif misfit.argument is None and self.layer.input is not None:
            place = self.layer.place.at("input")
        notes = [*misfit.notes, *(f"input: {_said(seen)}" for seen in self.read)]
        replacement = misfit.replacement if written else None
        fix = Fix(misfit.fix, replacement) if misfit.fix else None
        self.walk.faults.add(
            place, misfit.message, misfit.code, label=label, notes=tuple(dict.fromkeys(notes)), fix=fix
        )

    def _finished(self, arguments: dict[str, Any], reads: list[Any], keyword_reads: dict[str, Any], made: Made) -> Node:
        span = self.layer.place.span("value")
        worked_out = {key: _data(value) for key, value in made.arguments.items()}
        return Node(
            name=self.name, type=self.layer.type or "", target=self.entry.target, role=self.entry.role,
            kind=self.entry.kind, module=self.name if self.entry.role == "module" else None, region=self.region,
            reads=reads, keyword_reads=keyword_reads, arguments={**worked_out, **_data(arguments)},
            input_shapes=[_shape_data(seen.value) for seen in self.read], shape=_shape_data(made.result),
            dtype=_dtype_data(made.result), parameters={key: list(each) for key, each in made.parameters.items()},
            buffers={key: list(each) for key, each in made.buffers.items()},
            multiply_adds=plain(made.multiply_adds), file=self.layer.place.source.name,
            line=span.line, column=span.column,
        )  # fmt: skip


def _only(inputs: Mapping[str, Seen], block: Block) -> Seen | None:
    """The block's only tensor, which the first layer reads; None where there are several."""
    tensors = [seen for seen in inputs.values() if not isinstance(seen.value, ChoiceType)]
    return tensors[0] if len(tensors) == 1 else None


def _input_node(name: str, seen: Seen) -> Node:
    span = seen.place.span() if seen.place else None
    options = list(seen.value.options) if isinstance(seen.value, ChoiceType) else None
    return Node(
        name=f"inputs.{name}", type="input", target="", role="input", kind="input", shape=_shape_data(seen.value),
        dtype=_dtype_data(seen.value), options=options, file=seen.place.source.name if seen.place else "",
        line=span.line if span else 0, column=span.column if span else 0,
    )  # fmt: skip


def _output_node(name: str, seen: Seen) -> Node:
    span = seen.place.span("value") if seen.place else None
    return Node(
        name=f"outputs.{name}", type="output", target="", role="output", kind="output", reads=[seen.reference],
        input_shapes=[_shape_data(seen.value)], shape=_shape_data(seen.value), dtype=_dtype_data(seen.value),
        file=seen.place.source.name if seen.place else "", line=span.line if span else 0,
        column=span.column if span else 0,
    )  # fmt: skip


def _pick(reference: Any, pick: int | str) -> Any:
    if isinstance(reference, list) and isinstance(pick, int):
        return reference[pick]
    if isinstance(reference, dict) and "from" not in reference:
        return reference[pick]
    return {**reference, "pick": [*reference.get("pick", []), pick]} if reference else None


def _key(reference: Any) -> str:
    return repr(reference)


def _unknown(seen: Seen) -> bool:
    return seen.value is None


def _said(seen: Seen) -> str:
    line = f" (line {seen.place.span('value').line})" if seen.place else ""
    verb = (
        "is"
        if isinstance(seen.reference, dict) and str(seen.reference.get("from", "")).startswith("inputs.")
        else "gives"
    )
    return f"{seen.label}{line} {verb} {_text(seen.value)}"


def _text(value: Value) -> str:
    if isinstance(value, TensorType):
        return str(value) if value.dtype == "float32" else f"{value.dtype} {value}"
    if isinstance(value, ChoiceType):
        return "a choice of " + ", ".join(value.options)
    if isinstance(value, tuple):
        return "several results: " + ", ".join(_text(each) for each in value)
    if isinstance(value, dict):
        return "several results: " + ", ".join(f"{key} {_text(each)}" for key, each in value.items())
    return "an unknown shape"


def _shape_data(value: Value) -> Any:
    if isinstance(value, TensorType):
        return [plain(size) for size in value.shape]
    if isinstance(value, tuple):
        return [_shape_data(each) for each in value]
    if isinstance(value, dict):
        return {key: _shape_data(each) for key, each in value.items()}
    return None


def _dtype_data(value: Value) -> Any:
    if isinstance(value, TensorType):
        return value.dtype
    if isinstance(value, tuple):
        return [_dtype_data(each) for each in value]
    if isinstance(value, dict):
        return {key: _dtype_data(each) for key, each in value.items()}
    return "choice" if isinstance(value, ChoiceType) else None


def _data(value: Any) -> Any:
    """An argument as JSON can say it."""
    if isinstance(value, Free):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [_data(each) for each in value]
    if isinstance(value, dict):
        return {key: _data(each) for key, each in value.items()}
    return value


def _either_of(words: Sequence[str]) -> str:
    return " or ".join(f"`{word}`" for word in words)
