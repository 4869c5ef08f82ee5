"""How parameters start and which are another layer's: `init` and `tie`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from builder.elaboration.frame import Frame
from builder.elaboration.sight import FaultToldError
from builder.graph import Node
from builder.shapes.call import TensorType
from dsl.catalogue import Entry, bind, find, suggest
from dsl.catalogue.starts import STARTS, find_start
from dsl.diagnostics import Fix
from dsl.records import Layer, Place
from dsl.tables import FAULTY, Faults, described, is_number, resolved


def starts(written: Any, place: Place, frame: Frame, faults: Faults) -> dict[str, Any]:
    """The table `init`, worked out: name, or type and name, of parameters -> how each starts."""
    if written is None:
        return {}
    if not isinstance(written, Mapping):
        way = f'{{ type = "{written}" }}' if find_start(str(written)) else written if is_number(written) else None
        fix = Fix(f"init = {{ weight = {way} }}") if way is not None else None
        message = f'`init` is a table such as {{ weight = {{ type = "normal_" }} }}, not {described(written)}'
        faults.add(place, message, fix=fix)
        raise FaultToldError
    if isinstance(written.get("type"), str):
        fix = Fix(f'init = {{ weight = {{ type = "{written["type"]}", ... }} }}')
        faults.add(place, "`init` is by the name of a parameter, and this has none", "init", fix=fix)
        raise FaultToldError
    before = len(faults)
    found = {key: _by_name(key, each, place, frame, faults) for key, each in written.items()}
    if len(faults) > before:
        raise FaultToldError
    return found


def _by_name(key: str, written: Any, place: Place, frame: Frame, faults: Faults) -> Any:
    """How the parameter of this name starts; None where that is at fault, and told."""
    dotted = next(iter(written), "") if isinstance(written, Mapping) and len(written) == 1 else ""
    if dotted and dotted != "type" and find(key) is not None:
        fix = Fix(f'"{key}.{dotted}" in quotes')
        faults.add(place.at(key), f"`{key}.{dotted}` without quotes is a table in a table", "init", part="key", fix=fix)
        return None
    try:
        return start(written, place.at(key), frame, faults)
    except FaultToldError:
        return None


def start(written: Any, place: Place, frame: Frame, faults: Faults, *, array: bool = False) -> Any:
    """One way to start: a number, a table with a type of torch.nn.init, or, for a tensor of one's own, an array."""
    value = resolved(written, place, faults, frame.names())
    if value is FAULTY:
        raise FaultToldError
    if is_number(value) or (array and isinstance(value, bool | list)):
        return value
    if isinstance(value, dict) and isinstance(value.get("type"), str):
        return _filled(value, place, faults)
    more = ", an array" if array else ""
    found = "a table without one" if isinstance(value, dict) else described(value)
    near = [each for each in value if suggest(each, ["type"])] if isinstance(value, dict) else []
    if near:
        faults.add(place.at(near[0]), f"unknown key `{near[0]}`", "init", part="key", fix=Fix("did you mean `type`?"))
        raise FaultToldError
    faults.add(place, f'a parameter starts as a number{more} or a table with a type, not {found}',
               "init", part="value")  # fmt: skip
    raise FaultToldError


def _filled(value: Mapping[str, Any], place: Place, faults: Faults) -> dict[str, Any]:
    entry = find_start(value["type"])
    if entry is None:
        near = suggest(value["type"], list(STARTS))
        fix = Fix(f"did you mean `{near[0]}`?", f'type = "{near[0]}"') if near else None
        faults.add(place.at("type"), f'torch.nn.init has no "{value["type"]}"', "init", fix=fix)
        raise FaultToldError
    arguments = {key: each for key, each in value.items() if key != "type"}
    for problem in bind(entry, arguments):
        told = {
            "unknown": f"{entry.name} has no argument `{problem.argument}`",
            "type": f"`{problem.argument}` of {entry.name} is {problem.expected}, not {described(problem.found)}",
            "missing": f"{entry.name} needs `{problem.argument}`",
        }[problem.kind]
        quote = '"' if problem.kind == "type" else "`"
        likely = problem.suggestions
        fix = Fix(f"did you mean {quote}{likely[0]}{quote}?") if likely else None
        at = place.at("type" if problem.kind == "missing" else problem.argument)
        faults.add(at, told, "init", part="key" if problem.kind == "unknown" else "pair", fix=fix)
        raise FaultToldError
    return {"type": entry.target, "arguments": arguments}


def check_started(init: Mapping[str, Any], there: Mapping[str, Any], layer: Layer, faults: Faults) -> None:
    """A layer's `init` names parameters that it has, and starts them as their dims allow."""
    before = len(faults)
    for key, how in init.items():
        if key in there:
            check_dims(how, there[key], layer.place.at("init", key), faults)
        else:
            near = suggest(key, list(there))
            fix = Fix(f"did you mean `{near[0]}`?", near[0]) if near else None
            notes = () if near else (f"it has {', '.join(there) or 'none'}",)
            faults.add(layer.place.at("init", key), f"{layer.type or layer.name} has no parameter `{key}`", "init",
                       part="key", notes=notes, fix=fix)  # fmt: skip
    if len(faults) > before:
        raise FaultToldError


# How many dims torch.nn.init's functions take; the others take any.
_DIMS: Mapping[str, tuple[int, int | None]] = {
    "xavier_uniform_": (2, None), "xavier_normal_": (2, None), "kaiming_uniform_": (2, None),
    "kaiming_normal_": (2, None), "orthogonal_": (2, None), "sparse_": (2, 2), "eye_": (2, 2), "dirac_": (3, 5),
}  # fmt: skip


def check_dims(how: Any, shape: Sequence[Any], place: Place, faults: Faults) -> None:
    """Some ways to start are for parameters of so many dims alone: a bias has one, and no fan."""
    name = str(how["type"]).rpartition(".")[2] if isinstance(how, dict) else ""
    least, most = _DIMS.get(name, (0, None))
    if len(shape) < least or (most is not None and len(shape) > most):
        dims = f"{least} dims" if least == most else f"{least} to {most} dims" if most else f"{least} dims or more"
        found = f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
        faults.add(place, f"{name} is for parameters of {dims}, and this one is {found}", "init")


def held_in(region: str, nodes: Sequence[Node], kinds: Mapping[str, str]) -> dict[str, list[Any]]:
    """What an `init` of this region may name, with the shapes of those of that name: parameters inside it, alone and
    behind the type that holds them.

    kinds: the type of each region, "" where it is no named block.
    """
    prefix = f"{region}." if region else ""
    found: dict[str, list[Any]] = {}
    for node in nodes:
        if node.name.startswith(prefix):
            held = {**node.parameters, **node.buffers}
            kind = kinds.get(node.region, "") if node.role in ("parameter", "buffer") else node.type
            for name, shape in held.items():
                own = name.rpartition(".")[2]
                for each in {own, f"{kind.rpartition('.')[2]}.{own}"} if kind else {own}:
                    found.setdefault(each, []).append(shape)
    return found


def tell_unmatched(key: str, there: Sequence[str], place: Place, faults: Faults) -> None:
    near = suggest(key, list(there))
    fix = Fix(f"did you mean `{near[0]}`?", f'"{near[0]}"') if near else None
    notes = () if near else (f"what could start here: {', '.join(there[:12])}",) if there else ()
    faults.add(place.at("init", key), f"nothing inside is called `{key}`", "init", part="key", notes=notes, fix=fix)


def tied(
    written: Mapping[str, Any], place: Place, find: Callable[[str, Place], str], state: Mapping[str, TensorType],
    frame: Frame, faults: Faults,
) -> dict[str, tuple[str, TensorType]]:  # fmt: skip
    """`tie`, worked out: parameter -> the other's dotted name in the state dict, and what it is.

    find: the path of the module that a reference begins with, followed by the rest of the reference.
    """
    found: dict[str, tuple[str, TensorType]] = {}
    before = len(faults)
    for key, each in written.items():
        at = place.at("tie", key)
        path = resolved(each, at, faults, frame.names())
        if path is FAULTY:
            raise FaultToldError
        target = find(str(path), at)
        if target not in state:
            owner = path if "." not in path else path.rpartition(".")[0]
            inside = target + "." if "." not in path else target.rpartition(".")[0] + "."
            there = [name.removeprefix(inside) for name in state if name.startswith(inside)]
            near = [key] if owner == path and key in there else suggest(target.rpartition(".")[2], there)
            fix = Fix(f'did you mean "{owner}.{near[0]}"?') if near else None
            notes = (f"what stands there: {', '.join(there[:8])}",) if there and not near else ()
            faults.add(at, f'there is no parameter "{path}" to tie to', "tie", part="value", notes=notes, fix=fix)
        else:
            found[key] = (target, state[target])
    if len(faults) > before:
        raise FaultToldError
    return found


# A parameter's dims as constructor arguments, of those types where a tie may fix them.
_TOLD: Mapping[str, Mapping[str, tuple[str | None, ...]]] = {
    "Linear": {"weight": ("out_features", "in_features"), "bias": ("out_features",)},
    "Embedding": {"weight": ("num_embeddings", "embedding_dim")},
    "EmbeddingBag": {"weight": ("num_embeddings", "embedding_dim")},
    "Conv1d": {"weight": ("out_channels",), "bias": ("out_channels",)},
    "Conv2d": {"weight": ("out_channels",), "bias": ("out_channels",)},
    "Conv3d": {"weight": ("out_channels",), "bias": ("out_channels",)},
    "Bilinear": {"weight": ("out_features", "in1_features", "in2_features"), "bias": ("out_features",)},
}


def told_by(entry: Entry, parameter: str, dims: Sequence[Any]) -> dict[str, Any]:
    """The constructor arguments that a parameter of this shape fixes."""
    names = _TOLD.get(entry.name, {}).get(parameter, ())
    return {name: size for name, size in zip(names, dims, strict=False) if name is not None}
