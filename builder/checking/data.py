"""The data of a spec, and which of its fields feeds which input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from builder.data import DataError, FieldType, Request, SourceText, describe, is_name, outside
from builder.elaboration import Seen
from builder.shapes.call import TensorType, shape_text
from builder.shapes.sizes import Free, named, same
from dsl.diagnostics import Fix
from dsl.files import roots
from dsl.records import Data, Input, Spec
from dsl.source import Setting
from dsl.tables import Faults


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


def described_fields(
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


def batch_name(spec: Spec) -> str:
    """What the spec calls the batch dim: the first size of its first input, where that is a name."""
    for each in spec.model.inputs or ():
        if each.shape and isinstance(each.shape[0], str):
            return each.shape[0]
    return "N"


def field_seen(each: FieldType, batch: str, spec: Spec) -> Seen:
    value = TensorType((named(batch), *(named(size) for size in each.shape)), each.dtype)
    place = spec.data.place.at("source") if spec.data else None
    return Seen(value, {"from": f"inputs.{each.name}"}, each.name, place, each.high)


def fed_fields(spec: Spec, seen: Mapping[str, Seen], faults: Faults) -> dict[str, str]:
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


def fed_types(feeding: Mapping[str, str], seen: Mapping[str, Seen]) -> dict[str, tuple[str, TensorType]]:
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
