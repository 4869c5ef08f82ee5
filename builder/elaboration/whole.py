"""What is elaborated as a whole: the model at each option of a choice, a term of the loss, the steps of `prepare`."""

from __future__ import annotations

import itertools
from collections import ChainMap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from builder import graph as contract
from builder.elaboration.astray import Astray
from builder.elaboration.blocks import untold
from builder.elaboration.frame import Course
from builder.elaboration.roles import default_input
from builder.elaboration.sight import FaultToldError, Seen, dtype_data, pick_of, shape_data
from builder.elaboration.walk import Walk
from builder.graph import Node, Region
from builder.shapes.call import ChoiceType, TensorType, Value
from builder.shapes.conditions import across, simplest
from builder.shapes.sizes import named, names, plain, replaced, single_name
from builder.totals import size_of
from dsl.diagnostics import SpecError, in_order
from dsl.records import Block, Definition, Input, Place, Spec
from dsl.tables import Faults

Blocks = Mapping[str, Definition]


@dataclass(frozen=True, kw_only=True)
class Elaboration:
    """A block with every layer shaped: what a graph is assembled from.

    inputs, outputs: what the block is fed and gives, by name. made, held: the nodes and the regions without their
    lines, which a check needs only for what is wrong. places: where they stand, by name, as in a Ledger. course: how
    the walk went. astray: the layers at fault, which are none of the nodes.
    """

    name: str
    doc: str
    file: str
    made: list[Node]
    held: list[Region]
    places: Mapping[str, tuple[Place, str]]
    conditions: list[str]
    inputs: dict[str, Value]
    outputs: dict[str, Value]
    course: Course | None = None
    astray: Sequence[Astray] = ()

    @cached_property
    def nodes(self) -> list[Node]:
        batch = next((name for each in self.inputs.values() if (name := _batch(each))), None)
        return [replace(_for_one(each, batch), **_lines(self.places.get(each.name))) for each in self.made]

    @cached_property
    def regions(self) -> list[Region]:
        return [replace(each, **_lines(self.places.get(f"region {each.name}"))) for each in self.held]

    @property
    def parameters(self) -> int:
        return sum(contract.parameter_count(node) for node in self.made)

    @property
    def trainable_parameters(self) -> int:
        return sum(contract.parameter_count(node) for node in self.made if not node.frozen)


def _batch(value: Value) -> str | None:
    """The free size at the front of a tensor: the field's convention for the batch."""
    front = value.shape[0] if isinstance(value, TensorType) and value.shape else 1
    return str(front) if single_name(front) else None


def _for_one(node: Node, batch: str | None) -> Node:
    """A node whose multiply-adds are those of one sample also where it reads a dim that the batch was flattened into:
    of `768 * N * T` `768 * T`."""
    if batch is None or not isinstance(node.multiply_adds, str):
        return node
    size = size_of(node.multiply_adds)
    return replace(node, multiply_adds=plain(replaced(size, {batch: 1}))) if batch in names(size) else node


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
    runs: list[Elaboration] = []
    for options in _choices(inputs):
        seen = {each.name: _seen(each, options.get(each.name)) for each in inputs}
        told = len(faults)
        runs.append(_whole(Walk(faults, spec.vars, spec.blocks), spec.model, seen, spec.name, spec.doc, None))
        faults[told:] = untold(faults, told)
    return _merged(runs, spec, faults) if len(faults) == before else runs[0]


def elaborate_loss(
    block: Block, sight: Mapping[str, Seen], faults: Faults, vars: Mapping[str, Any], blocks: Blocks,
    outputs: Collection[str],
) -> Elaboration:  # fmt: skip
    """A term of the loss, over the outputs, fields and inputs in sight; those that it does not read are left out.

    outputs: which of the names in sight are the model's outputs.
    """
    try:
        first = default_input(block.layers[0], outputs, sight, faults) if block.layers else None
    except FaultToldError:
        block, first = replace(block, layers=(replace(block.layers[0], faulty=True), *block.layers[1:])), None
    done = _whole(Walk(faults, vars, blocks), block, dict(sight), "Loss", "", first, pick="loss")
    read = {name for node in done.made for name in contract.references([node.reads, node.keyword_reads])}
    read |= {name for node in done.made for name in contract.references([node.device, *node.sizes.values()])}
    kept = [node for node in done.made if node.role != "input" or node.name in read]
    return replace(done, made=kept)


def elaborate_prepare(
    block: Block, fields: Mapping[str, Seen], faults: Faults, vars: Mapping[str, Any], blocks: Blocks
) -> Elaboration:
    """The steps that prepare a batch; the outputs are the fields that they make, the others stay as they are."""
    walk = Walk(faults, vars, blocks)
    made = walk.fields(block, dict(fields), "Prepare")
    nodes = [*(_input_node(key, seen) for key, seen in fields.items()), *walk.nodes,
             *(_output_node(key, seen) for key, seen in made.items())]  # fmt: skip
    return _done(walk, nodes, "Prepare", "", block, fields, made)


def _whole(
    walk: Walk, block: Block, inputs: Mapping[str, Seen], name: str, doc: str, first: Any, pick: str | None = None
) -> Elaboration:
    """pick: of a block that gives several results, the one that counts, where it has one of this name."""
    result = walk.whole(block, dict(inputs), name, first)
    if result is not None and isinstance(result.value, dict) and pick in result.value:
        result = Seen(result.value[pick], pick_of(result.reference, pick), pick, result.place)
    outputs = outputs_of(block, result)
    walk.close("", results=_structure(result, outputs))
    nodes = [*(_input_node(key, seen) for key, seen in inputs.items()), *walk.nodes,
             *(_output_node(key, seen) for key, seen in outputs.items())]  # fmt: skip
    return _done(walk, nodes, name, doc, block, inputs, outputs)


def _done(
    walk: Walk, nodes: list[Node], name: str, doc: str, block: Block, inputs: Mapping[str, Seen],
    outputs: Mapping[str, Seen],
) -> Elaboration:  # fmt: skip
    ends = {f"inputs.{key}": (seen.place, "pair") for key, seen in inputs.items() if seen.place}
    ends |= {f"outputs.{key}": (seen.place, "value") for key, seen in outputs.items() if seen.place}
    return Elaboration(
        name=name, doc=doc, file=block.place.document.source.name, made=nodes, held=walk.regions,
        places=ChainMap(ends, walk.places), conditions=simplest(walk.conditions),
        inputs={key: seen.value for key, seen in inputs.items()},
        outputs={key: seen.value for key, seen in outputs.items()}, course=walk.course,
        astray=walk.astray,
    )  # fmt: skip


def outputs_of(block: Block, result: Seen | None) -> dict[str, Seen]:
    """What the whole gives, by the names of the contract: the key in a table, else the layer's, else its index."""
    if result is None:
        return {}
    written, value = block.outputs, result.value
    if isinstance(value, tuple):
        names = [str(i) for i in range(len(value))]
        if isinstance(written, list):
            named = [isinstance(each, str) and not each.isdigit() and each not in written[:i]
                     for i, each in enumerate(written)]  # fmt: skip
            names = [each if named[i] else str(i) for i, each in enumerate(written)]
        return {name: Seen(each, pick_of(result.reference, i), name, result.place)
                for i, (name, each) in enumerate(zip(names, value, strict=True))}  # fmt: skip
    if isinstance(value, dict):
        return {key: Seen(each, pick_of(result.reference, key), key, result.place) for key, each in value.items()}
    if isinstance(written, str):
        return {written: result}
    last = block.layers[-1].name if block.layers else None
    return {last if last and "${" not in last else "output": result}


def _structure(result: Seen | None, outputs: Mapping[str, Seen]) -> Any:
    """The references behind the outputs as the model returns them: one, a tuple of them, a dict of them."""
    if result is None or not isinstance(result.value, tuple | dict):
        return None if result is None else result.reference
    if isinstance(result.value, tuple):
        return [seen.reference for seen in outputs.values()]
    return {key: seen.reference for key, seen in outputs.items()}


def input_type(each: Input, option: str | None = None) -> Value:
    """What a declared input is: a tensor with named sizes, or a choice at one of its options."""
    if each.options is not None:
        return ChoiceType(option or each.options[0], each.options)
    return TensorType(tuple(named(size) for size in each.shape or ()), each.dtype)


def _seen(each: Input, option: str | None) -> Seen:
    value = None if each.faulty else input_type(each, option)
    return Seen(value, {"from": f"inputs.{each.name}"}, each.name, each.place, each.high)


def _choices(inputs: Sequence[Input]) -> list[dict[str, str]]:
    """Every way to settle the inputs that are choices; the defaults come first."""
    several = [(each.name, each.options) for each in inputs if each.options]
    ways = itertools.islice(itertools.product(*(options for _, options in several)), 64)
    return [dict(zip((name for name, _ in several), way, strict=True)) for way in ways]


def _merged(runs: Sequence[Elaboration], spec: Spec, faults: Faults) -> Elaboration:
    """One elaboration out of one for each option: sizes that hang on the choice are told as `4 | 1 | 2`."""
    first, *others = runs
    if not others:
        return first
    if any([(node.name, node.arguments) for node in run.made] != [(node.name, node.arguments) for node in first.made]
           for run in others):  # fmt: skip
        faults.add(spec.model.place.at("layers"), "the layers hang on the option that a choice takes at call time",
                   "choice", part="key")  # fmt: skip
        return first
    nodes = []
    for group in zip(*(run.made for run in runs), strict=True):
        merged = _either([each.shape for each in group])
        inputs = _either([each.input_shapes for each in group])
        nodes.append(replace(group[0], shape=merged, input_shapes=inputs))
    ways = _choices(spec.model.inputs or ())
    conditions = across([(options, run.conditions) for options, run in zip(ways, runs, strict=True)])
    return replace(first, made=nodes, conditions=conditions)


def _either(several: Sequence[Any]) -> Any:
    if all(each == several[0] for each in several):
        return several[0]
    if all(isinstance(each, list) and len(each) == len(several[0]) for each in several):
        return [_either(sizes) for sizes in zip(*several, strict=True)]
    return " | ".join(dict.fromkeys(str(each) for each in several))


def _lines(at: tuple[Place, str] | None) -> dict[str, Any]:
    """Where a node or a region says that it stands."""
    if at is None:
        return {}
    place, part = at
    span = place.span(part)
    return {"file": place.source.name, "line": span.line, "column": span.column}


def _input_node(name: str, seen: Seen) -> Node:
    options = list(seen.value.options) if isinstance(seen.value, ChoiceType) else None
    return Node(
        name=f"inputs.{name}", type="input", target="", role="input", kind="input", shape=shape_data(seen.value),
        dtype=dtype_data(seen.value), options=options,
    )  # fmt: skip


def _output_node(name: str, seen: Seen) -> Node:
    return Node(
        name=f"outputs.{name}", type="output", target="", role="output", kind="output", reads=[seen.reference],
        input_shapes=[shape_data(seen.value)], shape=shape_data(seen.value), dtype=dtype_data(seen.value),
    )  # fmt: skip
