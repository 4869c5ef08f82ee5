"""The whole of a spec held together: data, `prepare`, model, loss, optimizer. Brings no torch where rules suffice."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import dsl
from builder.checking_metrics import check_metrics
from builder.checking_optimization import check_optimization
from builder.checking_terms import check_terms
from builder.culprits import at_culprits
from builder.data import DataError, FieldType, Request, SourceText, describe, is_name, outside
from builder.data_sizes import check_sizes
from builder.declared import at_declarations, is_echo
from builder.elaboration import Elaboration, Seen, elaborate_loss, elaborate_model, elaborate_prepare
from builder.elaboration.roles import fields_of
from builder.elaboration.unreached import tell_unreached
from builder.recovering import hidden
from builder.shapes.call import TensorType, shape_text
from builder.shapes.sizes import Free, Size, named, same
from dsl.diagnostics import Diagnostic, Fix, SpecError, in_order
from dsl.files import roots
from dsl.records import Data, Input, Loss, Place, Spec
from dsl.source import Setting
from dsl.tables import Faults

_COUNTS_CLASSES = ("CrossEntropyLoss", "NLLLoss", "MultiMarginLoss")


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
    try:
        spec = dsl.loads(text, name)
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
        return found

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
        found, note = _described(spec, spec.data, faults, anywhere)
        notes += [note] if note else []
    batch = _batch_name(spec)
    seen = {each.name: _field_seen(each, batch, spec) for each in found or ()}
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
    feeding = _feeding(spec, seen, faults) if found is not None else {}
    if feeding and not faults:
        check_sizes(spec, model, _fed(feeding, seen), faults)
    astray = any(each.key.startswith("model.outputs") for each in faults)  # what a loss may name is not known
    read = () if astray else spec.losses
    losses = tuple((loss, _loss(spec, loss, model, seen, feeding, faults, sound)) for loss in read)
    check_terms(spec, losses, faults)
    if spec.metrics:
        note = check_metrics(spec, loss_sight(spec, model, seen, feeding, sound) if seen else None, faults)
        notes += [note] if note else []
    check_optimization(spec, faults)
    return Checked(spec=spec, model=model, prepare=prepare, losses=losses, fields=described, feeding=feeding,
                   notes=tuple(notes))  # fmt: skip


def request_of(spec: Spec, data: Data, source: SourceText, key: str = "source") -> Request:
    """What the spec asks for. Paths are relative to the folder of the file that says them; those of `--set`, to the
    working directory."""
    place = data.place.at(key)
    folder = place.source.folder
    if not isinstance(source, str):  # files of a table may be said by several
        folder, source = Path(), {name: str(place.at(name).source.folder / each) for name, each in source.items()}
    mapping = {name: value for name, value in data.fields.items() if not isinstance(value, Input)}
    declared = _declarations(spec, data, with_inputs=source == "random")
    return Request(source=source, folder=folder, fields=mapping or None, declarations=declared, samples=data.samples,
                   seed=spec.train.seed, sizes=data.sizes)  # fmt: skip


def _declarations(spec: Spec, data: Data, *, with_inputs: bool) -> tuple[FieldType, ...]:
    """What `fields` declares; for random data beside, or in place of, the model's inputs."""
    inputs = {each.name: each for each in spec.model.inputs or () if each.options is None and with_inputs}
    inputs |= {name: value for name, value in data.fields.items() if isinstance(value, Input)}
    return tuple(FieldType(each.name, (each.shape or ())[1:], each.dtype, each.low, each.high)
                 for each in inputs.values())  # fmt: skip


def _described(
    spec: Spec, data: Data, faults: Faults, anywhere: bool
) -> tuple[tuple[FieldType, ...] | None, str | None]:
    if data.source is None:
        return None, None
    request = request_of(spec, data, data.source)
    named_outside = isinstance(data.place.at("source").source, Setting)
    if not anywhere and not named_outside and not is_name(data.source):
        elsewhere = outside(request, roots(spec.document.source.name))
        if elsewhere is not None:
            return None, f"the data is not looked at, as {elsewhere} is not below the spec's folder"
    try:
        return describe(request), None
    except DataError as error:
        fix = Fix(f'did you mean "{error.meant}"?', f'source = "{error.meant}"') if error.meant else None
        faults.add(data.place.at("source"), str(error), "data", fix=fix)
        return None, None


def _batch_name(spec: Spec) -> str:
    """What the spec calls the batch dim: the first size of its first input, where that is a name."""
    for each in spec.model.inputs or ():
        if each.shape and isinstance(each.shape[0], str):
            return each.shape[0]
    return "N"


def _field_seen(each: FieldType, batch: str, spec: Spec) -> Seen:
    value = TensorType((named(batch), *(named(size) for size in each.shape)), each.dtype)
    place = spec.data.place.at("source") if spec.data else None
    return Seen(value, {"from": f"inputs.{each.name}"}, each.name, place, each.high)


def _feeding(spec: Spec, seen: Mapping[str, Seen], faults: Faults) -> dict[str, str]:
    """Which field each input takes, checked for shape and dtype."""
    inputs = [each for each in spec.model.inputs or () if each.options is None]
    feeding = feed([each.name for each in inputs], list(seen))
    for each in inputs:
        if each.name not in feeding:
            listed = ", ".join(seen) or "none"
            faults.add(
                each.place, f"the data has no field for the input `{each.name}`", "data", notes=(f"fields: {listed}",)
            )
            continue
        value = seen[feeding[each.name]].value
        if isinstance(value, TensorType):
            _check_fed(each, feeding[each.name], value, faults)
    return feeding


def _fed(feeding: Mapping[str, str], seen: Mapping[str, Seen]) -> dict[str, tuple[str, TensorType]]:
    """The field and its type that each input takes."""
    values = {name: (field, seen[field].value) for name, field in feeding.items()}
    return {name: (field, value) for name, (field, value) in values.items() if isinstance(value, TensorType)}


def feed(inputs: Sequence[str], fields: Sequence[str]) -> dict[str, str]:
    """Inputs take the fields of their names; a single input takes the first field, whatever its name."""
    feeding = {name: name for name in inputs if name in fields}
    if len(inputs) == 1 and not feeding and fields:
        feeding[inputs[0]] = fields[0]
    return feeding


def target_of(feeding: Mapping[str, str], fields: Sequence[str]) -> str | None:
    """The field that is also called `target`: the only one left over."""
    rest = [name for name in fields if name not in feeding.values()]
    return rest[0] if len(rest) == 1 else None


def _check_fed(each: Input, name: str, value: TensorType, faults: Faults) -> None:
    wanted = tuple(named(size) for size in each.shape or ())
    sizes = zip(wanted, value.shape, strict=False)
    fits = len(wanted) == len(value.shape) and all(
        isinstance(want, Free) or isinstance(have, Free) or same(want, have) for want, have in sizes
    )
    if not fits:
        message = f"the input `{each.name}` is {shape_text(wanted)}, but the data's `{name}` is {value}"
        faults.add(each.place, message, "data", notes=("`prepare` can bring a field into another shape",))
    elif each.dtype != value.dtype:
        message = f"the input `{each.name}` has dtype {each.dtype}, but the data's `{name}` has {value.dtype}"
        faults.add(each.place, message, "data")


def _loss(
    spec: Spec, loss: Loss, model: Elaboration, seen: Mapping[str, Seen], feeding: Mapping[str, str], faults: Faults,
    sound: bool,
) -> Elaboration:  # fmt: skip
    sight = loss_sight(spec, model, seen, feeding, sound)
    before = len(faults)
    done = elaborate_loss(loss.block, sight, faults, spec.vars, spec.blocks, list(model.outputs))
    if seen and "target" not in sight:
        _tell_fields(seen, faults, before)
    value = next(iter(done.outputs.values()), None)
    if len(faults) == before and isinstance(value, TensorType) and value.shape:
        faults.add(loss.place, f"the loss is one number, but this gives {value}", "shape", part="key")
    if len(faults) == before:
        _check_classes(spec, loss, sight, faults)
    return done


def _tell_fields(seen: Mapping[str, Seen], faults: Faults, since: int) -> None:
    """A loss that misses its target is told which fields there are."""
    note = f"no single field is left over to be the target; the data's fields: {', '.join(seen)}"
    faults[since:] = [
        replace(each, notes=(*each.notes, note)) if each.code == "input" and "`target`" in each.message else each
        for each in faults[since:]
    ]


def loss_sight(
    spec: Spec, model: Elaboration, seen: Mapping[str, Seen], feeding: Mapping[str, str], sound: bool = True
) -> dict[str, Seen]:
    """What a loss may name: the model's outputs, the batch's fields, the model's inputs; the earlier hides the later.
    Values are unknown where the model has faults or the data is not known."""
    sight: dict[str, Seen] = {}

    def put(name: str, value: Any, place: Place | None, high: Size | None = None) -> None:
        sight.setdefault(name, Seen(value, {"from": f"inputs.{name}"}, name, place, high))

    for name, value in model.outputs.items():
        put(name, value if sound else None, spec.model.place.at("layers", len(spec.model.layers) - 1, "type")
            if len(model.outputs) == 1 else spec.model.place.at("outputs"))  # fmt: skip
    if len(model.outputs) == 1:
        only = next(iter(model.outputs))
        put("output", sight[only].value, sight[only].place)
    for name, each in seen.items():
        put(name, each.value, each.place, each.high)
    target = target_of(feeding, list(seen)) if seen else None
    if target is not None:
        put("target", seen[target].value, seen[target].place, seen[target].high)
    elif not seen:
        put("target", None, None)
    for declared in spec.model.inputs or ():
        put(declared.name, model.inputs.get(declared.name), declared.place)
    if not seen:
        for name in _names_of(spec):
            put(name, None, None)
    return sight


def _names_of(spec: Spec) -> list[str]:
    """Names that losses read and that fields of unknown data may have."""
    found: list[str] = []
    for loss in spec.losses:
        for layer in loss.block.layers:
            reads = layer.input if isinstance(layer.input, list) else [layer.input]
            values = layer.input.values() if isinstance(layer.input, dict) else reads
            found += [each for each in values if isinstance(each, str)]
            found += fields_of(layer)
    own = {layer.name for loss in spec.losses for layer in loss.block.layers}
    return [name for name in found if name not in own and "." not in name]


def _check_classes(spec: Spec, loss: Loss, sight: Mapping[str, Seen], faults: Faults) -> None:
    """Targets of a classification must be among the classes that the output has."""
    layer = loss.block.layers[0] if len(loss.block.layers) == 1 else None
    if layer is None or layer.type not in _COUNTS_CLASSES:
        return
    names = layer.input if isinstance(layer.input, list) else ["output", "target"]
    pair = [sight.get(name) for name in names if isinstance(name, str)]
    if len(pair) != 2 or pair[0] is None or pair[1] is None or not isinstance(pair[1].high, int):
        return
    output = pair[0].value
    classes = output.shape[1] if isinstance(output, TensorType) and len(output.shape) > 1 else None
    if isinstance(classes, int) and pair[1].high > classes:
        message = f"the targets go up to {pair[1].high - 1}, but the output has {classes} classes, 0 to {classes - 1}"
        declared = spec.data.fields.get(pair[1].label) if spec.data else None
        if isinstance(declared, Input):  # random data is there for the model's sake
            fix = Fix(f"all else fits with `high = {classes}`", f"high = {classes}")
            faults.add(declared.place.at("high"), message, "target", fix=fix)
        else:
            faults.add(layer.place.at("type"), message, "target")
