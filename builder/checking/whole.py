"""The whole of a spec held together: data, `prepare`, model, loss, optimizer. Brings no torch where rules suffice."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import dsl
from builder.checking.culprits import at_culprits
from builder.checking.data import batch_name, described_fields, fed_fields, fed_types, field_seen
from builder.checking.declarations import at_declarations, is_echo
from builder.checking.losses import checked_loss, loss_sight
from builder.checking.metrics import check_metrics
from builder.checking.optimization import check_optimization
from builder.checking.recovering import hidden
from builder.checking.sizes import check_sizes
from builder.checking.terms import check_terms
from builder.checking.weights import check_weights
from builder.data import FieldType
from builder.elaboration import Elaboration, Seen, elaborate_model, elaborate_prepare
from builder.elaboration.unreached import tell_unreached
from dsl.diagnostics import Diagnostic, SpecError, in_order
from dsl.records import Loss, Spec
from dsl.tables import Faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A sound spec. fields: of the source; None where the data was not looked at. feeding: input -> field."""

    spec: Spec
    model: Elaboration
    prepare: Elaboration | None
    losses: tuple[tuple[Loss, Elaboration], ...]
    fields: tuple[FieldType, ...] | None
    feeding: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What is known of a spec. faults: in the order of the file. model: as far as its form let it be read. checked:
    where there is no fault."""

    faults: tuple[dsl.Diagnostic, ...]
    model: Elaboration | None = None
    checked: Checked | None = None


def load(path: str | os.PathLike[str], overrides: Mapping[str, Any] | None = None) -> Spec:
    """Read a spec from a file. Raises SpecError with all that is wrong: its form, and what it says where the form
    leaves no doubt."""
    return with_meaning(lambda: dsl.load(path, overrides))


def with_meaning(read: Callable[[], Spec]) -> Spec:
    """What `read` gives. Raises SpecError with what is wrong with its form and, where that leaves no doubt, with what
    it says."""
    try:
        return read()
    except SpecError as error:
        if error.spec is None:
            raise
        told = _of_form(error).faults
    raise SpecError(told)


def examine_text(text: str, name: str) -> Examined:
    """What is known of the text of a spec called `name`."""
    return examine_read(lambda: dsl.loads(text, name))


def examine_read(read: Callable[[], Spec]) -> Examined:
    """What is known of a spec that `read` reads, or finds at fault."""
    try:
        spec = read()
    except SpecError as error:
        return _of_form(error)
    return examine(spec)


def _of_form(error: SpecError) -> Examined:
    """What is known of a spec whose form is at fault, as far as any of it is sound."""
    if error.spec is None:
        return Examined(faults=error.diagnostics)
    found = examine(error.spec, told=error.diagnostics)
    told = [*error.diagnostics, *(each for each in found.faults if not is_echo(each, error.diagnostics))]
    return Examined(faults=tuple(in_order(told)), model=found.model)


def check(spec: Spec, fields: Sequence[FieldType] | None = None, *, anywhere: bool = False) -> Checked:
    """Everything about a spec that can be known before it runs. Raises SpecError with all that is wrong.

    fields: those of data that comes from Python. anywhere: data may be looked at wherever it lies (the person asked for
    training); otherwise only below the spec's folder or the working directory.
    """
    found = examine(spec, fields, anywhere=anywhere)
    if found.checked is None:
        raise SpecError(found.faults)
    return found.checked


def examine(
    spec: Spec, fields: Sequence[FieldType] | None = None, *, anywhere: bool = False, told: Sequence[Diagnostic] = ()
) -> Examined:
    """As `check`, without an exception: a faulty spec has a model too, as far as it is known. told: faults of the
    spec's form."""
    found, data = _examined(spec, fields, anywhere)
    if found.checked is not None and not told:
        return _with_weights(found, found.checked, anywhere)

    def again(other: Spec) -> Sequence[Diagnostic]:
        return _examined(other, data, anywhere)[0].faults

    def with_hidden(other: Spec, faults: Sequence[Diagnostic]) -> Sequence[Diagnostic]:
        return in_order([*faults, *hidden(other, [*told, *faults], again)])

    faults = with_hidden(spec, found.faults)
    highs = {each.high for each in data or () if isinstance(each.high, int)}
    layers = len(found.model.made) if found.model else 0
    more = len(faults) > len(found.faults)  # then a trial is several checks
    culprits = at_culprits(
        spec, faults, lambda other: with_hidden(other, again(other)), highs, 4 * layers if more else layers
    )
    return Examined(faults=tuple(in_order(culprits)), model=found.model)


def _with_weights(found: Examined, checked: Checked, anywhere: bool) -> Examined:
    """What is known of a spec that is sound by itself and of the weights that it starts from."""
    faults = Faults()
    note = check_weights(checked.spec, checked.model, faults, anywhere=anywhere)
    if faults:
        return Examined(faults=tuple(faults), model=found.model)
    return replace(found, checked=replace(checked, notes=(*checked.notes, note))) if note else found


def _examined(
    spec: Spec, fields: Sequence[FieldType] | None, anywhere: bool
) -> tuple[Examined, tuple[FieldType, ...] | None]:
    """What is known of a spec, faults where they are found, and the fields of its data."""
    faults = Faults()
    model = elaborate_model(spec, faults)
    checked = check_around(spec, model, faults, fields, anywhere=anywhere)
    tell_unreached(spec, faults)
    if faults:
        told = tuple(in_order(at_declarations(spec, faults)))
        return Examined(faults=told, model=model), checked.fields
    return Examined(faults=(), model=model, checked=checked), checked.fields


def check_around(
    spec: Spec, model: Elaboration, faults: Faults, fields: Sequence[FieldType] | None = None, *, anywhere: bool = False
) -> Checked:
    """What stands around the model, held together with it: data, `prepare`, losses, optimizer. What is wrong is added
    to `faults`; with any, only the fields of what comes back are to be used."""
    sound, notes = not faults, []
    found: tuple[FieldType, ...] | None = tuple(fields) if fields is not None else None
    if found is None and spec.data is not None:
        found, note = described_fields(spec, spec.data, faults, anywhere)
        notes += [note] if note else []
    batch = batch_name(spec)
    seen = {each.name: field_seen(each, batch, spec) for each in found or ()}
    prepare = None
    described, before = found, len(faults)
    if spec.data and spec.data.prepare and (found is not None or spec.data.source is None):
        prepare = elaborate_prepare(spec.data.prepare, seen, faults, spec.vars, spec.blocks)
        places = dict.fromkeys(prepare.outputs, spec.data.prepare.place)
        seen |= {
            key: Seen(value, {"from": f"inputs.{key}"}, key, places[key]) for key, value in prepare.outputs.items()
        }
    if len(faults) > before:  # what the steps make is not known
        seen, found = {}, None
    feeding = fed_fields(spec, seen, faults) if found is not None else {}
    if feeding and not faults:
        check_sizes(spec, model, fed_types(feeding, seen), faults)
    astray = any(each.key.startswith("model.outputs") for each in faults)  # what a loss may name is not known
    read = () if astray else spec.losses
    losses = tuple((loss, checked_loss(spec, loss, model, seen, feeding, faults, sound)) for loss in read)
    check_terms(spec, losses, faults)
    if spec.metrics:
        note = check_metrics(spec, loss_sight(spec, model, seen, feeding, sound) if seen else None, faults)
        notes += [note] if note else []
    check_optimization(spec, faults)
    return Checked(spec=spec, model=model, prepare=prepare, losses=losses, fields=described, feeding=feeding,
                   notes=tuple(notes))  # fmt: skip
