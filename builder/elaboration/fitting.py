"""Whether what a layer is given and fed fits the signature of its type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from builder.elaboration.arguments import either_of, forward_names, meant_value, tensors_of
from builder.elaboration.frame import Feed, Frame
from builder.elaboration.given import Given
from builder.elaboration.sight import FaultToldError, Seen, said, text_of
from builder.shapes.call import Call, ChoiceType, Misfit, TensorType
from builder.shapes.conditions import Conditions, needs_equal
from dsl.catalogue import Entry, Problem, bind, suggest
from dsl.diagnostics import Fix
from dsl.expressions import holds_expression
from dsl.keys import meant
from dsl.records import Layer, Place
from dsl.tables import Faults, described

_RECURRENT = ("RNN", "LSTM", "GRU")


def check_fed_names(entry: Entry, layer: Layer, feed: Feed, faults: Faults) -> None:
    """A table `input` of a module names what it is called with."""
    if entry.role != "module":
        return
    takes = [each.name for each in entry.inputs]
    takes += ["lengths"] if entry.name in _RECURRENT else []
    further = [key for key in (*feed.named, *feed.values) if key not in takes]
    for key in further:
        near = suggest(key, [each for each in takes if each not in feed.named])
        fix = Fix(f"did you mean {either_of(near)}?", near[0]) if near else None
        notes = () if near else (f"its inputs: {', '.join(takes)}",)
        faults.add(layer.place.at("input", key), f"{entry.name} has no input `{key}`", "input",
                        part="key", notes=notes, fix=fix)  # fmt: skip
    if further:
        raise FaultToldError


def lengths_of(entry: Entry, layer: Layer, keyword_reads: dict[str, Seen], faults: Faults) -> Seen | None:
    """How long each of the padded sequences of a recurrent layer is, where its table `input` says so."""
    if entry.name not in _RECURRENT or "lengths" not in keyword_reads:
        return None
    lengths = keyword_reads.pop("lengths")
    value = lengths.value
    if not lengths.unknown and not (
        isinstance(value, TensorType) and len(value.shape) == 1 and value.dtype in ("int64", "int32")
    ):
        found = f"{value.dtype} {value}" if isinstance(value, TensorType) else text_of(value)
        message = f"`lengths` of {entry.name} is one whole number for each sequence, int64 (N,), not {found}"
        place = layer.place.at("input", "lengths")
        faults.add(place, message, "shape", part="value", notes=(f"input: {said(lengths)}",))
        raise FaultToldError
    return lengths


def of_one_batch(entry: Entry, layer: Layer, lengths: Seen, fed: Call, faults: Faults) -> Conditions:
    """There is a length for each sequence of the batch that the recurrent layer reads."""
    read = fed.reads[0] if fed.reads else fed.keyword_reads.get("input")
    if lengths.unknown or not isinstance(read, TensorType) or not isinstance(lengths.value, TensorType):
        return ()
    place = layer.place.at("input", "lengths")
    try:
        if len(read.shape) != 3:
            raise Misfit(f"{entry.name} reads `lengths` with a batch of sequences, not with {read}")
        batch = read.shape[0 if fed.get("batch_first") is True else 1]
        message = f"{entry.name} reads a length for each of {batch} sequences, but `lengths` is {lengths.value}"
        return needs_equal(batch, lengths.value.shape[0], Misfit(message))
    except Misfit as misfit:
        faults.add(place, misfit.message, misfit.code, part="value", notes=(f"input: {said(lengths)}",))
        raise FaultToldError from misfit


def check_arguments(
    entry: Entry, layer: Layer, arguments: Mapping[str, Any], keyword_reads: Mapping[str, Seen],
    given: Mapping[str, Given], frame: Frame, faults: Faults,
) -> None:  # fmt: skip
    """Hold the arguments against the type's signature."""
    forward = forward_names(entry)
    held = {key: value for key, value in arguments.items() if key not in forward}
    if entry.role != "module":
        held |= dict.fromkeys(keyword_reads, "a reference")
    problems = [each for each in bind(entry, held) if not _inferred_later(entry, each)]
    if any(each.kind == "unknown" and _meant(each, given)[:1] in (["args"], ["tie"]) for each in problems):
        problems = [each for each in problems if each.kind != "missing"]
    for problem in problems:
        place = place_of(problem.argument, given, layer)
        kind = entry.name
        if problem.kind == "unknown":
            likely = _meant(problem, given)
            fix = Fix(f"did you mean {either_of(likely)}?", likely[0]) if likely else None
            if problem.argument == "lengths" and entry.name in _RECURRENT:
                fix = Fix('input = { input = "...", lengths = "..." }')
            notes = () if fix else (f"it takes {problem.expected}",) if problem.expected else ()
            faults.add(place, f"{kind} has no argument `{problem.argument}`", "argument", part="key",
                                 notes=notes, fix=fix)  # fmt: skip
        elif problem.kind == "type":
            message = f"`{problem.argument}` of {kind} is {problem.expected}, not {described(problem.found)}"
            computed = holds_expression(layer.arguments.get(problem.argument))
            fix = meant_value(problem, frame.constants, computed=computed)
            faults.add(place, message, "argument", label=f"expected {problem.expected}", fix=fix)
        else:
            what = f": {problem.expected}" if problem.expected else ""
            message = f"{kind} needs `{problem.argument}`{what}"
            faults.add(layer.place.at("type"), message, "argument",
                                 fix=Fix(f"add {problem.argument} = ..."))  # fmt: skip
    if problems:
        raise FaultToldError


def _meant(problem: Problem, given: Mapping[str, Given]) -> list[str]:
    """Arguments of the type, else keys that every layer has, that an unknown one may stand for."""
    return list(problem.suggestions) or meant(problem.argument, given)[:2]


def _inferred_later(entry: Entry, problem: Problem) -> bool:
    """num_embeddings may come from the `high` of an input."""
    return problem.kind == "missing" and problem.argument in entry.inferred


def check_tensors(
    entry: Entry, layer: Layer, arguments: Mapping[str, Any], keyword_reads: Mapping[str, Seen], reads: Sequence[Any],
    faults: Faults,
) -> None:  # fmt: skip
    """Whether as many tensors are fed as the type reads."""
    takes = tensors_of(entry, arguments, keyword_reads, len(reads))
    place = layer.place.at("input" if layer.input is not None else "type")
    spread = any(each.passing == "spread" for each in takes)
    if len(reads) > len(takes) and not spread:
        count = f"{len(takes)} tensor{'s' if len(takes) != 1 else ''}"
        faults.add(place, f"{entry.name} reads {count}, but {len(reads)} are fed", "input")
        raise FaultToldError
    missing = [each.name for each in takes[len(reads) :]
               if each.required and each.name not in keyword_reads and each.name not in arguments]  # fmt: skip
    if missing:
        named_ones = ", ".join(f"`{each}`" for each in missing)
        faults.add(place, f"{entry.name} also reads {named_ones}", "input",
                             fix=Fix(_fed_by_name(entry, missing[0])))  # fmt: skip
        raise FaultToldError


def _fed_by_name(entry: Entry, missing: str) -> str:
    needed = [each.name for each in entry.inputs if each.required]
    if entry.role != "module":
        return f'add {missing} = "..." or an array in `input`'
    return "input = { " + ", ".join(f'{name} = "..."' for name in needed) + " }"


def refuse_choices(entry: Entry, layer: Layer, read: Sequence[Seen], faults: Faults) -> None:
    """A choice is a word, which only layers of this project's own and from Python read."""
    choices = [seen for seen in read if isinstance(seen.value, ChoiceType)]
    if choices and entry.target.startswith("torch."):
        place = layer.place.at("input" if layer.input is not None else "type")
        message = f"{entry.name} reads tensors, and `{choices[0].label}` is a choice"
        faults.add(place, message, "input", notes=tuple(f"input: {said(seen)}" for seen in read))
        raise FaultToldError


def place_of(argument: str, given: Mapping[str, Given], layer: Layer) -> Place:
    """Where an argument is written; where it would be, if it is not."""
    return given[argument][1] if argument in given else layer.place.at(argument)
