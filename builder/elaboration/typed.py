"""A layer with a type on its way to a node: its arguments, what it reads, its shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from builder.elaboration.arguments import argument_data, forward_names, is_reference, reads_nothing, tensors_of
from builder.elaboration.sight import FaultToldError, Seen, data_of, dtype_data, look_up, said, shape_data
from builder.graph import Node
from builder.shapes.call import Call, ChoiceType, Made, Misfit, Value
from builder.shapes.rules import shape
from builder.shapes.sizes import Free, plain
from dsl.catalogue import Entry, bind
from dsl.diagnostics import Fix
from dsl.records import Layer, Place
from dsl.tables import FAULTY, Faults, described, resolved


@dataclass(slots=True)
class TypedLayer:
    """A layer with a type on its way to a node."""

    faults: Faults
    vars: Mapping[str, Any]
    layer: Layer
    entry: Entry
    name: str
    region: str
    scope: Mapping[str, Seen]
    first: Any
    before: Seen | None
    read: list[Seen] = field(default_factory=list)

    def node(self) -> tuple[Node, Made, Seen]:
        """The finished node, what its rule answered, and what the layers below see of it."""
        arguments, keyword_reads = self._arguments()
        reads, more = self._reads(arguments, keyword_reads)
        keyword_reads |= more
        self._check_arguments(arguments, keyword_reads)
        self._check_tensors(arguments, keyword_reads, reads)
        if any(_unknown(seen) for seen in self.read):
            made = Made(result=None)
        else:
            made = self._shape(arguments, reads, keyword_reads)
        node = self._finished(arguments, reads, keyword_reads, made)
        label = self.layer.name or self.entry.name
        return node, made, Seen(made.result, {"from": self.name}, label, self.layer.place)

    def _arguments(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The written arguments with their expressions worked out, and those that are references to tensors."""
        scope = {**{key: seen for key, seen in self.scope.items() if key.isidentifier()}, **self.vars}
        arguments: dict[str, Any] = {}
        reads: dict[str, Any] = {}
        for key, written in self.layer.arguments.items():
            value = resolved(written, self.layer.place.at(key), self.faults, scope)
            if value is FAULTY:
                raise FaultToldError
            if is_reference(self.entry, key, value):
                reads[key] = self._reference(value, self.layer.place.at(key))
            else:
                arguments[key] = argument_data(self.entry, key, value, self.layer.place.at(key), self.faults)
        return arguments, reads

    def _reads(self, arguments: dict[str, Any], keyword_reads: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """References of the tensors by position, and by name where `input` is a table."""
        written, place = self.layer.input, self.layer.place.at("input")
        if written is None:
            written = self.first
        if written is None and reads_nothing(self.entry, {*arguments, *keyword_reads}):
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
            self.faults.add(self.layer.place.at("type"), message, "input", notes=notes,
                                 fix=Fix(f'add input = "{tensors[0]}"') if tensors else None)  # fmt: skip
            raise FaultToldError
        if isinstance(self.before.value, (tuple, dict)):
            picks = range(len(self.before.value)) if isinstance(self.before.value, tuple) else self.before.value
            listed = ", ".join(f"{self.before.label}.{pick}" for pick in picks)
            message = f"{self.entry.name} reads one tensor, but `{self.before.label}` gives several"
            self.faults.add(self.layer.place.at("type"), message, "input", notes=(f"pick one: {listed}",))
            raise FaultToldError
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
        seen = look_up(written, self.scope, place, self.faults)
        self.read.append(seen)
        return seen.reference

    def _check_arguments(self, arguments: Mapping[str, Any], keyword_reads: Mapping[str, Any]) -> None:
        forward = forward_names(self.entry)
        held = {key: value for key, value in arguments.items() if key not in forward}
        if self.entry.role != "module":
            held |= dict.fromkeys(keyword_reads, "a reference")
        problems = [each for each in bind(self.entry, held) if not self._inferred_later(each)]
        for problem in problems:
            place = self.layer.place.at(problem.argument)
            kind = self.entry.name
            if problem.kind == "unknown":
                near = problem.suggestions
                fix = Fix(f"did you mean {either_of(near)}?", near[0]) if near else None
                notes = () if near else (f"it takes {problem.expected}",) if problem.expected else ()
                self.faults.add(place, f"{kind} has no argument `{problem.argument}`", "argument", part="key",
                                     notes=notes, fix=fix)  # fmt: skip
            elif problem.kind == "type":
                message = f"`{problem.argument}` of {kind} is {problem.expected}, not {described(problem.found)}"
                near = problem.suggestions
                fix = Fix(f'did you mean "{near[0]}"?', f'{problem.argument} = "{near[0]}"') if near else None
                self.faults.add(place, message, "argument", label=f"expected {problem.expected}", fix=fix)
            else:
                what = f": {problem.expected}" if problem.expected else ""
                message = f"{kind} needs `{problem.argument}`{what}"
                self.faults.add(self.layer.place.at("type"), message, "argument",
                                     fix=Fix(f"add {problem.argument} = ..."))  # fmt: skip
        if problems:
            raise FaultToldError

    def _inferred_later(self, problem: Any) -> bool:
        """num_embeddings may come from the `high` of an input."""
        return bool(problem.kind == "missing" and problem.argument in self.entry.inferred)

    def _check_tensors(
        self, arguments: Mapping[str, Any], keyword_reads: Mapping[str, Any], reads: Sequence[Any]
    ) -> None:
        """Whether as many tensors are fed as the type reads."""
        takes = tensors_of(self.entry, arguments, keyword_reads, len(reads))
        place = self.layer.place.at("input" if self.layer.input is not None else "type")
        spread = any(each.passing == "spread" for each in takes)
        if len(reads) > len(takes) and not spread:
            count = f"{len(takes)} tensor{'s' if len(takes) != 1 else ''}"
            self.faults.add(place, f"{self.entry.name} reads {count}, but {len(reads)} are fed", "input")
            raise FaultToldError
        missing = [each.name for each in takes[len(reads) :]
                   if each.required and each.name not in keyword_reads and each.name not in arguments]  # fmt: skip
        if missing:
            named_ones = ", ".join(f"`{each}`" for each in missing)
            self.faults.add(place, f"{self.entry.name} also reads {named_ones}", "input",
                                 fix=Fix(f'add {missing[0]} = "..." or an array in `input`'))  # fmt: skip
            raise FaultToldError

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
            raise FaultToldError from misfit

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
            self.faults.add(self.layer.place.at("num_embeddings"), message, "shape", fix=fix)
            raise FaultToldError

    def _refuse_free(self, arguments: Mapping[str, Any]) -> None:
        for key, value in arguments.items():
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, Free):
                    message = f"`{key}` of {self.entry.name} hangs on a free size, {each}, which has no number yet"
                    self.faults.add(self.layer.place.at(key), message, "free")
                    raise FaultToldError

    def _tell(self, misfit: Misfit) -> None:
        place, label = self.layer.place.at("type"), ""
        written = misfit.argument is not None and misfit.argument in self.layer.arguments
        if misfit.argument is not None and written:
            place = self.layer.place.at(misfit.argument)
            label = place.source.written(place.path)
        elif misfit.argument is None and self.layer.input is not None:
            place = self.layer.place.at("input")
        notes = [*misfit.notes, *(f"input: {said(seen)}" for seen in self.read)]
        replacement = misfit.replacement if written else None
        fix = Fix(misfit.fix, replacement) if misfit.fix else None
        self.faults.add(place, misfit.message, misfit.code, label=label, notes=tuple(dict.fromkeys(notes)), fix=fix)

    def _finished(self, arguments: dict[str, Any], reads: list[Any], keyword_reads: dict[str, Any], made: Made) -> Node:
        span = self.layer.place.span("value")
        worked_out = {key: data_of(value) for key, value in made.arguments.items()}
        return Node(
            name=self.name, type=self.layer.type or "", target=self.entry.target, role=self.entry.role,
            kind=self.entry.kind, module=self.name if self.entry.role == "module" else None, region=self.region,
            reads=reads, keyword_reads=keyword_reads, arguments={**worked_out, **data_of(arguments)},
            input_shapes=[shape_data(seen.value) for seen in self.read], shape=shape_data(made.result),
            dtype=dtype_data(made.result), parameters={key: list(each) for key, each in made.parameters.items()},
            buffers={key: list(each) for key, each in made.buffers.items()},
            multiply_adds=plain(made.multiply_adds), file=self.layer.place.source.name,
            line=span.line, column=span.column,
        )  # fmt: skip


def _key(reference: Any) -> str:
    return repr(reference)


def _unknown(seen: Seen) -> bool:
    return seen.value is None


def either_of(words: Sequence[str]) -> str:
    return " or ".join(f"`{word}`" for word in words)
