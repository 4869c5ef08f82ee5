"""A written argument becomes node data: numbers and words as they are, layers and tensors as tables of plain values.

A layer as a value (`distance_function = { type = "PairwiseDistance" }`) becomes `{"type": TARGET, "arguments": {...}}`,
where TARGET is the catalogue's dotted one. It is held against its own signature here: no input reaches it, so nothing
is worked out from shapes. A tensor is a list, or `{"tensor": LIST, "dtype": NAME}`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from builder.elaboration.sight import FaultToldError, Seen
from builder.shapes.sizes import Free
from dsl.catalogue import Entry, Parameter, Problem, absent, bind, find, find_settings, mismatch, signature_of, suggest
from dsl.catalogue.aliases import WORDS
from dsl.catalogue.types import DTYPES, words
from dsl.diagnostics import Fix
from dsl.records import Place
from dsl.tables import Faults, described

_LAYERS = frozenset(("module", "callable", "settings"))


def argument_data(entry: Entry, key: str, value: Any, place: Place, faults: Faults) -> Any:
    """What the node holds for one argument; `place` is the argument's own.

    Faults inside of a layer as a value, and of an argument of a module's `forward`, are told here and raised as
    FaultToldError; the others are the signature's to find (`dsl.catalogue.bind`).
    """
    if isinstance(value, tuple):
        value = list(value)
    if not entry.accepts(key):
        _check_forward(entry, key, value, place, faults)
    if isinstance(value, dict) and "type" in value and _takes_layer(entry, key):
        settings = all("settings" in each.type.split(" | ") for each in _parameters(entry, key))
        return _layer(value, place, faults, settings)
    if isinstance(value, dict):
        _check_table(entry, key, value, place, faults)
    return value


def _check_table(entry: Entry, key: str, value: dict[str, Any], place: Place, faults: Faults) -> None:
    """A table where a tensor goes has `tensor` and may have `dtype`; where a layer goes, a `type`."""
    kinds = {each for parameter in _parameters(entry, key) for each in parameter.type.split(" | ")}
    known = ("tensor", "dtype") if "tensor" in kinds else ("type",) if kinds & _LAYERS else ()
    if not known or any(each.startswith("{") for each in kinds):
        return
    before = len(faults)
    for each in value if "tensor" in known else ():
        near = suggest(each, known)
        if each not in known:
            fix = Fix(f"did you mean `{near[0]}`?", near[0]) if near else None
            faults.add(place.at(each), f"unknown key `{each}` of a tensor", "key", part="key", fix=fix,
                       notes=() if near else ("it has `tensor` and `dtype`",))  # fmt: skip
    if len(faults) == before and known[0] not in value:
        faults.add(place, f"a table as `{key}` of {entry.name} has a `{known[0]}`", "argument")
    if len(faults) == before and value.get("dtype", "float32") not in DTYPES:
        likely = suggest(str(value["dtype"]).removeprefix("torch."), DTYPES, WORDS)
        fix = Fix(f'did you mean "{likely[0]}"?', f'dtype = "{likely[0]}"') if likely else None
        message = f"`dtype` is one of torch's, such as float32, not {described(value['dtype'])}"
        faults.add(place.at("dtype"), message, fix=fix)
    inner = value.get("tensor", 0)
    if len(faults) == before and not isinstance(inner, bool) and mismatch("float | tensor", inner):
        message = f"`tensor` is a number or an array of rows of one length, not {described(inner)}"
        faults.add(place.at("tensor"), message, "argument")
    if len(faults) > before:
        raise FaultToldError


def is_reference(entry: Entry, key: str, value: Any) -> bool:
    """Whether an argument names layers to read, and is not a value: a word, or words in an array, for a tensor."""
    return _takes_tensor(entry, key) and _are_words(value)


def refuse_reference(entry: Entry, key: str, value: Any, place: Place, faults: Faults) -> None:
    """What a module is made with is there before anything is read: a result, or the name of one, will not do."""
    made_with = entry.role == "module" and entry.accepts(key)
    if made_with and (isinstance(value, Seen) or is_reference(entry, key, value)):
        message = f"`{key}` is what {entry.name} is made with: numbers, not what another layer gives"
        faults.add(place, message, "argument", part="value")
        raise FaultToldError


def forward_names(entry: Entry) -> frozenset[str]:
    """The names that a module's `forward` takes and its constructor does not.

    PoissonNLLLoss has a `log_input` in both. Arguments of these names go into the call, others into the constructor.
    """
    if entry.role != "module":
        return frozenset()
    return frozenset(each.name for each in entry.inputs if not entry.accepts(each.name))


def reads_nothing(entry: Entry, given: Collection[str]) -> bool:
    """Whether no tensor is left for the layer before to feed: the type takes none, or those that it needs are written
    as arguments (`normal` of two numbers). `given`: the arguments' names.
    """
    if entry.role == "module":
        return all(each.name in given for each in entry.inputs if each.required)
    signatures = (entry.parameters, *entry.overloads)
    most = max(sum(each.name in given for each in signature) for signature in signatures)
    taking = [each for each in signatures if sum(parameter.name in given for parameter in each) == most]
    return any(_is_fed(way, given) for way in taking)


def _is_fed(signature: Sequence[Parameter], given: Collection[str]) -> bool:
    """Whether the tensors of a signature are given; with them all else that it needs (pow of a number by a tensor needs
    the number, where an exponent alone is given to a tensor)."""
    needed = [each for each in signature if each.required]
    tensors = any(each.takes_tensor for each in needed)
    return not tensors or all(each.name in given for each in needed)


def tensors_of(entry: Entry, arguments: Mapping[str, Any], keyword_reads: Collection[str], fed: int) -> list[Parameter]:
    """What a type reads, in order: a function's tensors in the signature that its arguments and `fed` tensors fit."""
    if entry.role == "module":
        return list(entry.inputs)
    given = {**arguments, **dict.fromkeys(keyword_reads, "a reference")}
    signature = signature_of(entry, given, fed).values()
    return [each for each in signature if each.takes_tensor and each.name not in given]


def _check_forward(entry: Entry, key: str, value: Any, place: Place, faults: Faults) -> None:
    for parameter in _parameters(entry, key):
        expected = mismatch(parameter.type, value)
        if expected:
            _tell_type(entry.name, key, value, expected, place, faults)
            raise FaultToldError


def _takes_tensor(entry: Entry, key: str) -> bool:
    return any(each.takes_tensor for each in _parameters(entry, key))


def _takes_layer(entry: Entry, key: str) -> bool:
    return any(not _LAYERS.isdisjoint(each.type.split(" | ")) for each in _parameters(entry, key))


def _parameters(entry: Entry, key: str) -> list[Parameter]:
    """The parameters of this name: of each signature that has it, else of the module's `forward`."""
    signatures = [entry.parameters, *entry.overloads] if entry.accepts(key) else [entry.inputs]
    return [each for signature in signatures for each in signature if each.name == key]


def _are_words(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(_are_words(each) for each in value)
    return isinstance(value, str)


def _layer(written: dict[str, Any], place: Place, faults: Faults, settings: bool) -> dict[str, Any]:
    entry = (_settings if settings else _entry)(written["type"], place.at("type"), faults)
    before = len(faults)
    _refuse_what_hangs_on_its_place(entry, place.at("type"), faults)
    arguments = {}
    for key, value in written.items():
        if key != "type":
            inner = place.at(key)
            arguments[key] = argument_data(entry, key, value, inner, faults)
            _refuse_references(entry, key, value, inner, faults)
    for problem in [*bind(entry, arguments), *_not_told(entry, arguments)]:
        tell_problem(entry, problem, place, faults)
    if len(faults) > before:
        raise FaultToldError
    return {"type": entry.target, "arguments": arguments}


def _entry(name: Any, place: Place, faults: Faults) -> Entry:
    entry = find(name) if isinstance(name, str) else None
    if entry is not None:
        return entry
    if not isinstance(name, str):
        faults.add(place, f"there is no layer type {described(name)}", "type")
        raise FaultToldError
    why = absent(name, place.document.source.name)
    faults.add(place, why.message, "type", notes=why.notes, fix=why.fix)
    raise FaultToldError


def _settings(name: Any, place: Place, faults: Faults) -> Entry:
    entry = find_settings(name) if isinstance(name, str) else None
    if entry is None:
        faults.add(place, f"there are no settings {described(name)}", "type")
        raise FaultToldError
    return entry


def _refuse_what_hangs_on_its_place(entry: Entry, place: Place, faults: Faults) -> None:
    """A bare function cannot follow the model's mode (`dropout` would drop in evaluation too)."""
    if entry.role in ("function", "method") and (entry.accepts("training") or entry.accepts("dropout_p")):
        fix = Fix("use the layer of that name with a capital, which follows the model's mode")
        faults.add(place, f"{entry.name} as a value cannot follow the model's mode", "argument", fix=fix)
    if entry.target == "tomograph.rearrange":
        faults.add(place, "rearrange is written out where it is called, and cannot be a value", "argument")


def _refuse_references(entry: Entry, key: str, value: Any, place: Place, faults: Faults) -> None:
    """Inside of a value there is no layer to refer to, and no size that is still free."""
    if is_reference(entry, key, value):
        message = f"`{key}` of {entry.name} is an array here: a layer as a value reads no other layer"
        faults.add(place, message, "argument", part="value")
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, Free):
            message = f"`{key}` of {entry.name} hangs on a free size, {each}, which has no number yet"
            faults.add(place, message, "free")
            return


def _not_told(entry: Entry, arguments: dict[str, Any]) -> list[Problem]:
    """What an input would tell, and here must be written."""
    missing = [each for each in entry.parameters if each.name in entry.inferred and each.required]
    left_out = [each for each in missing if each.name not in arguments]
    return [Problem(kind="missing", argument=each.name, expected=words(each.type)) for each in left_out]


def tell_problem(entry: Entry, problem: Problem, place: Place, faults: Faults) -> None:
    """A fault for what does not fit the signature; `place` is the table that holds the arguments."""
    kind, key = entry.name, problem.argument
    if problem.kind == "unknown":
        near = problem.suggestions
        fix = Fix(f"did you mean {either_of(near)}?", near[0]) if near else None
        notes = (f"it takes {problem.expected}",) if problem.expected and not near else ()
        faults.add(place.at(key), f"{kind} has no argument `{key}`", "argument", part="key", notes=notes, fix=fix)
    elif problem.kind == "type":
        _tell_type(kind, key, problem.found, problem.expected, place.at(key), faults)
    else:
        what = f": {problem.expected}" if problem.expected else ""
        faults.add(place.at("type"), f"{kind} needs `{key}`{what}", "argument", fix=Fix(f"add {key} = ..."))


def _tell_type(kind: str, key: str, found: Any, expected: str, place: Place, faults: Faults) -> None:
    problem = Problem(kind="type", argument=key, found=found, expected=expected)
    message = f"`{key}` of {kind} is {expected}, not {described(found)}"
    faults.add(place, message, "argument", label=f"expected {expected}", fix=meant_value(problem, ()))


def meant_value(problem: Problem, names: Collection[str], *, computed: bool = False) -> Fix | None:
    """What was meant by a value of another type: a word near it, a value in quotes, a var or a param without braces.

    names: those of params and vars. computed: the value comes out of an expression, and is not to be replaced.
    """
    key, found = problem.argument, problem.found
    near, bare = problem.suggestions, found.strip("${}() ") if isinstance(found, str) else ""
    if near:
        return Fix(f'did you mean "{near[0]}"?', None if computed else f'{key} = "{near[0]}"')
    if bare and not computed and (bare in names or bare != found):
        return _written(f'{key} = "${{{bare}}}"')
    if problem.unquoted and not computed:
        return _written(f"{key} = {problem.unquoted}")
    if bare and "a table with a type" in problem.expected and find(bare) is not None:
        return _written(f'{key} = {{ type = "{bare}" }}')
    if isinstance(found, float) and found.is_integer() and "whole number" in problem.expected:
        return Fix(f"{int(found)}; in an expression, `//` divides to a whole number")
    return None


def _written(text: str) -> Fix:
    return Fix(text, text)


def either_of(several: Sequence[str]) -> str:
    return " or ".join(f"`{each}`" for each in several)
