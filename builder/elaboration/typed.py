"""A layer with a type of the catalogue on its way to a node: its arguments, what it reads, its shape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from builder.elaboration.arguments import (
    argument_data,
    forward_names,
    is_reference,
    reads_nothing,
    refuse_reference,
)
from builder.elaboration.feeding import one_tensor, reference, refuse_several
from builder.elaboration.fitting import (
    check_arguments,
    check_fed_names,
    check_tensors,
    lengths_of,
    of_one_batch,
    place_of,
    refuse_choices,
)
from builder.elaboration.frame import Feed, Frame
from builder.elaboration.given import Given, given_to
from builder.elaboration.ranges import high_of, rows_for
from builder.elaboration.settled import Settled, keep, known, plain_call
from builder.elaboration.sight import FaultToldError, Seen, data_of, dtype_data, said, shape_data
from builder.elaboration.sizing import places_of
from builder.elaboration.starting import told_by
from builder.graph import Node
from builder.shapes.call import Call, Made, Misfit, TensorType, Value
from builder.shapes.rules import shape
from builder.shapes.sizes import Free, Size, plain
from dsl.catalogue import Entry
from dsl.diagnostics import Fix
from dsl.records import Layer, Place
from dsl.tables import Faults


@dataclass(slots=True)
class TypedLayer:
    """name: the node's; module: the path of its module, were it one. inputs: the whole's, where free sizes are found.
    earlier: the node that made the module, if this calls it again."""

    faults: Faults
    layer: Layer
    entry: Entry
    name: str
    module: str
    frame: Frame
    feed: Feed
    inputs: Mapping[str, Seen]
    tied: Mapping[str, TensorType] = field(default_factory=dict)
    earlier: Node | None = None
    given: dict[str, Given] = field(default_factory=dict)
    read: list[Seen] = field(default_factory=list)

    def node(self) -> tuple[Node, Made, Seen]:
        """The finished node, what its rule answered, and what the layers below see of it."""
        call = plain_call(self.entry, self.layer, self.feed) if not self.tied and self.earlier is None else None
        settled = known(call) if call is not None else None
        if settled is not None:
            return self._finished(settled, list(self.feed.placed), {})
        arguments, keyword_reads = self._arguments()
        reads = self._reads(arguments, keyword_reads)
        lengths = lengths_of(self.entry, self.layer, keyword_reads, self.faults)
        self._from_ties(arguments)
        if self.earlier is not None:
            arguments = {**self.earlier.arguments, **arguments}
        check_arguments(self.entry, self.layer, arguments, keyword_reads, self.given, self.frame, self.faults)
        check_tensors(self.entry, self.layer, arguments, keyword_reads, reads, self.faults)
        refuse_choices(self.entry, self.layer, self.read, self.faults)
        if any(seen.unknown for seen in self.read):
            made = Made(result=None)
        else:
            made = self._shape(arguments, reads, keyword_reads, lengths)
        if lengths is not None:
            keyword_reads["lengths"] = lengths
        settled = self._settled(arguments, made)
        device = None
        if self.entry.role == "function" and not self.read and self.entry.accepts("device"):  # it makes a new tensor
            device = first_reference(self._around()) if "device" not in arguments else None
        elif call is not None and not keyword_reads and reads == list(self.feed.placed):
            keep(call, settled)
        sizes = places_of(arguments, self.read, self._around())
        return self._finished(settled, reads, keyword_reads, sizes, device, high_of(self.entry, arguments))

    def _arguments(self) -> tuple[dict[str, Any], dict[str, Seen]]:
        """The written arguments with their expressions worked out, and those that are references to tensors."""
        self.given = given_to(self.layer, self.frame, self.faults)
        arguments: dict[str, Any] = {}
        reads: dict[str, Seen] = {}
        for key, (value, place) in self.given.items():
            refuse_reference(self.entry, key, value, place, self.faults)
            if isinstance(value, Seen):
                reads[key] = self._read(value)
            elif is_reference(self.entry, key, value):
                reads[key] = self._read(reference(value, place, self.frame, self.faults))
            else:
                arguments[key] = argument_data(self.entry, key, value, place, self.faults)
        return arguments, reads

    def _read(self, seen: Seen) -> Seen:
        self.read.append(seen)
        return seen

    def _reads(self, arguments: dict[str, Any], keyword_reads: dict[str, Seen]) -> list[Any]:
        """The tensors by position; those of a table `input` join the ones by name."""
        feed, takes = self.feed, self.entry.inputs
        if self.layer.input is None and reads_nothing(self.entry, {*arguments, *keyword_reads}):
            return []
        for key, value in feed.values.items():
            arguments[key] = value
            self.given[key] = (value, self.layer.place.at("input", key))
        check_fed_names(self.entry, self.layer, self.feed, self.faults)
        keyword_reads |= {key: self._read(seen) for key, seen in feed.named.items()}
        if feed.named:
            return []
        if not feed.placed and any(each.required for each in takes) and not keyword_reads:
            one_tensor(feed, self.layer, self.entry.name, self.frame, self.faults)
        if self._said_by_name(arguments, keyword_reads):
            return []
        sequence = bool(takes) and takes[0].type.split(" | ")[0] == "tensors"
        if sequence and feed.array:
            return [[self._read(seen) for seen in feed.placed]]
        for seen, parameter in zip(feed.placed, takes, strict=False):
            if "tensors" not in parameter.type and "any" not in parameter.type:
                refuse_several(seen, self.layer, self.entry.name, self.faults)
        return [self._read(seen) for seen in feed.placed]

    def _said_by_name(self, arguments: Mapping[str, Any], keyword_reads: Mapping[str, Seen]) -> bool:
        """Whether `args` names what the layer before would feed; naming what `input` feeds too is a fault."""
        said = {*keyword_reads, *(each for each in arguments if each in forward_names(self.entry))}
        said |= set(arguments) if self.entry.role != "module" else set()  # a module may be made with a like name
        placed = zip(self.feed.placed, self.entry.inputs, strict=False)
        twice = next((each.name for _, each in placed if each.name in said), None)
        if twice is not None and self.layer.input is not None:
            message = f"`{twice}` of {self.entry.name} is fed by `input` and written too"
            self.faults.add(self._place(twice), message, "argument")
            raise FaultToldError
        return twice is not None

    def _shape(
        self, arguments: dict[str, Any], reads: Sequence[Any], keyword_reads: Mapping[str, Seen], lengths: Seen | None
    ) -> Made:  # fmt: skip
        if self.entry.role == "module":
            self._refuse_free(arguments)
        try:
            conditions = rows_for(arguments, self.read) if self.entry.name == "Embedding" else ()
            call = Call(entry=self.entry, arguments=arguments, reads=[_value_of(each) for each in reads],
                        keyword_reads={key: seen.value for key, seen in keyword_reads.items()})  # fmt: skip
            made = shape(call)
        except Misfit as misfit:
            self._tell(misfit)
            raise FaultToldError from misfit
        if lengths is not None:
            conditions = of_one_batch(self.entry, self.layer, lengths, call, self.faults)
        return replace(made, conditions=(*made.conditions, *conditions)) if conditions else made

    def _from_ties(self, arguments: dict[str, Any]) -> None:
        """What a tied parameter fixes is left out; what is written all the same must agree."""
        for parameter, kind in self.tied.items():
            for name, size in told_by(self.entry, parameter, kind.shape).items():
                written = arguments.setdefault(name, size)
                if written != size:
                    message = f"{self.entry.name} has {name} {written}, but the tied {parameter} is {kind}"
                    fix = Fix(f"{name} = {size}, or leave it out", f"{name} = {size}")
                    self.faults.add(self._place(name), message, "tie", fix=fix)
                    raise FaultToldError

    def _refuse_free(self, arguments: Mapping[str, Any]) -> None:
        for key, value in arguments.items():
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, Free):
                    message = f"`{key}` of {self.entry.name} hangs on a free size, {each}, which has no number yet"
                    self.faults.add(self._place(key), message, "free")
                    raise FaultToldError

    def _around(self) -> Iterator[Seen]:
        """Tensors from which a device or a free size may be taken, the nearest first."""
        yield from self.frame.scope.values()
        yield from self.inputs.values()

    def _place(self, argument: str) -> Place:
        return place_of(argument, self.given, self.layer)

    def _tell(self, misfit: Misfit) -> None:
        place, label = self.layer.place.at("type"), ""
        written = misfit.argument is not None and misfit.argument in self.given
        if misfit.argument is not None and written:
            place = self._place(misfit.argument)
            label = place.written
        elif misfit.argument is None and self.layer.input is not None:
            place = self.layer.place.at("input")
        notes = [*misfit.notes, *(f"input: {said(seen)}" for seen in self.read)]
        replacement = misfit.replacement if written else None
        fix = Fix(misfit.fix, replacement) if misfit.fix else None
        self.faults.add(place, misfit.message, misfit.code, label=label, notes=tuple(dict.fromkeys(notes)), fix=fix)

    def _settled(self, arguments: dict[str, Any], made: Made) -> Settled:
        return Settled(
            made=made, arguments=data_of({**made.arguments, **arguments}),
            input_shapes=[shape_data(seen.value) for seen in self.read], shape=shape_data(made.result),
            dtype=dtype_data(made.result), parameters={key: list(each) for key, each in made.parameters.items()},
            buffers={key: list(each) for key, each in made.buffers.items()}, multiply_adds=plain(made.multiply_adds),
            owned={key: TensorType(each) for key, each in {**made.parameters, **made.buffers}.items()},
        )  # fmt: skip

    def _finished(
        self, settled: Settled, reads: list[Any], keyword_reads: Mapping[str, Seen],
        sizes: dict[str, Any] | None = None, device: Any = None, high: Size | None = None,
    ) -> tuple[Node, Made, Seen]:  # fmt: skip
        entry, layer, own = self.entry, self.layer, not self.frame.shared
        module = self.module if entry.role == "module" else None
        node = Node(
            name=self.name, type=layer.type or "", target=entry.target, role=entry.role, kind=entry.kind,
            module=module, region=self.frame.region.name, reads=[_reference_of(each) for each in reads],
            keyword_reads={key: seen.reference for key, seen in keyword_reads.items()}, arguments=settled.arguments,
            sizes=sizes or {}, device=device, input_shapes=settled.input_shapes, shape=settled.shape,
            dtype=settled.dtype, parameters=settled.parameters if own else {}, buffers=settled.buffers if own else {},
            multiply_adds=settled.multiply_adds,
        )  # fmt: skip
        seen = Seen(settled.made.result, {"from": self.name}, layer.name or entry.name, layer.place, high,
                    settled.owned, module)  # fmt: skip
        return node, settled.made, seen


def first_reference(several: Iterable[Seen]) -> Any:
    """The first tensor in sight: where it is, new tensors are made too."""
    tensors = (seen for seen in several if isinstance(seen.value, TensorType) and not seen.barred)
    return next((seen.reference for seen in tensors), None)


def _value_of(read: Seen | list[Seen]) -> Value:
    return tuple(each.value for each in read) if isinstance(read, list) else read.value


def _reference_of(read: Seen | list[Seen]) -> Any:
    return [each.reference for each in read] if isinstance(read, list) else read.reference
