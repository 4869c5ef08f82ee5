"""The optimizer and the schedulers of a spec, held against the signatures of their types."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from builder.elaboration.arguments import either_of
from dsl.catalogue import Entry, bind, find_optimizer, find_scheduler, optimizer_names, scheduler_names, suggest
from dsl.diagnostics import Fix
from dsl.expressions import ExpressionError, evaluate, whole
from dsl.records import Optimizer, Place, Scheduler, Spec
from dsl.tables import Faults, described, is_number, remarks

# What a scheduler calls the length of its own stretch, which it is then not told.
LENGTHS: Final[Mapping[str, str]] = {
    "CosineAnnealingLR": "T_max",
    "CosineAnnealingWarmRestarts": "T_0",
    "LinearLR": "total_iters",
    "ConstantLR": "total_iters",
    "PolynomialLR": "total_iters",
    "OneCycleLR": "total_steps",
}
WATCHES: Final = "ReduceLROnPlateau"


def check_optimization(spec: Spec, faults: Faults) -> None:
    if spec.optimizer is not None:
        _check_optimizer(spec.optimizer, faults)
    elif spec.schedulers:
        faults.add(spec.schedulers[0].place, "there is no `[optimizer]` whose learning rate it could change", "missing",
                   part="key")  # fmt: skip
    for each in spec.schedulers:
        _check_scheduler(each, spec, faults)


def _check_optimizer(optimizer: Optimizer, faults: Faults) -> None:
    entry = _found(optimizer.place, "optimizer", optimizer.type, find_optimizer, optimizer_names(), faults)
    if entry is not None:
        _check_arguments(optimizer.place, entry, optimizer.arguments, faults)
    for each in optimizer.groups:
        own = entry
        if each.type is not None:
            own = _found(each.place, "optimizer", each.type, find_optimizer, optimizer_names(), faults)
        if own is not None:
            _check_arguments(each.place, own, each.arguments, faults, complete=each.type is not None)
    if entry is not None and entry.name == "LBFGS" and optimizer.groups:
        message = "LBFGS takes all parameters as one: it has no groups"
        faults.add(optimizer.place.at("groups"), message, "optimizer", part="key")


def _check_scheduler(scheduler: Scheduler, spec: Spec, faults: Faults) -> None:
    entry = _found(scheduler.place, "scheduler", scheduler.type, find_scheduler, scheduler_names(), faults)
    if entry is None:
        return
    given = dict(scheduler.arguments)
    if entry.name in LENGTHS and LENGTHS[entry.name] not in given:
        given[LENGTHS[entry.name]] = 1  # the length of its stretch, known when the data is
    _check_arguments(scheduler.place, entry, given, faults)
    if entry.name == WATCHES and scheduler.every == "step":
        faults.add(scheduler.place.at("every"), f'{entry.name} watches a metric, which an epoch has: every = "epoch"',
                   "scheduler", fix=Fix('every = "epoch"', 'every = "epoch"'))  # fmt: skip
    if entry.name != WATCHES and scheduler.metric is not None:
        faults.add(scheduler.place.at("metric"), f"{entry.name} watches no metric: {WATCHES} does", "scheduler",
                   part="key")  # fmt: skip
    if "lr_lambda" in given:
        _check_course(scheduler, spec, faults)


def _check_course(scheduler: Scheduler, spec: Spec, faults: Faults) -> None:
    """`lr_lambda` is worked out here for the first step of all."""
    text, place = scheduler.arguments["lr_lambda"], scheduler.place.at("lr_lambda")
    if whole(str(text)) is None:
        fix = Fix('lr_lambda = "${0.95 ** epoch}"')
        faults.add(place, f"`lr_lambda` is an expression over `step` and `epoch`, not {described(text)}", "expression",
                   fix=fix)  # fmt: skip
        return
    try:
        value = evaluate(text, {**spec.vars, "step": 0, "epoch": 0})
    except ExpressionError as error:
        meant, notes = remarks(error, {**spec.vars, "step": 0, "epoch": 0})
        faults.add(place, str(error), "expression", part="value", notes=notes, fix=meant)
        return
    if not is_number(value):
        message = f"`lr_lambda` makes a number, which the learning rate is multiplied by, not {described(value)}"
        faults.add(place, message, "expression", part="value")


def _found(
    place: Place, what: str, name: str, find: Callable[[str], Entry | None], known: Sequence[str], faults: Faults
) -> Entry | None:
    entry = find(name)
    if entry is None:
        near = suggest(name, known)
        fix = Fix(f"did you mean {either_of(near)}?", f'type = "{near[0]}"') if near else None
        faults.add(place.at("type"), f'there is no {what} "{name}"', "type", fix=fix)
    return entry


def _check_arguments(
    place: Place, entry: Entry, arguments: Mapping[str, Any], faults: Faults, *, complete: bool = True
) -> None:
    """complete: what has no default must be there; a group need not say what the optimizer does."""
    for problem in bind(entry, arguments):
        if problem.kind == "missing" and not complete:
            continue
        near = list(problem.suggestions)
        fix = Fix(f"did you mean {either_of(near)}?", near[0]) if near and problem.kind == "unknown" else None
        if problem.kind == "unknown":
            faults.add(place.at(problem.argument), f"{entry.name} has no argument `{problem.argument}`", "argument",
                       part="key", fix=fix)  # fmt: skip
        elif problem.kind == "type":
            message = f"`{problem.argument}` of {entry.name} is {problem.expected}, not {described(problem.found)}"
            faults.add(place.at(problem.argument), message, "argument")
        else:
            faults.add(place.at("type"), f"{entry.name} needs `{problem.argument}`", "argument")
