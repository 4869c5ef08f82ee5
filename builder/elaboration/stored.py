"""`Parameter` and `Buffer`: tensors that the model keeps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from builder.elaboration.feeding import refuse_several
from builder.elaboration.frame import Feed, Frame
from builder.elaboration.given import Given, given_to
from builder.elaboration.sight import FaultToldError, Seen, data_of, dtype_data, shape_data
from builder.elaboration.starting import check_dims, start
from builder.graph import Node
from builder.shapes.call import TensorType
from builder.shapes.sizes import Free
from dsl.catalogue import mismatch, suggest
from dsl.catalogue.types import DTYPES
from dsl.diagnostics import Fix
from dsl.keys import meant
from dsl.records import Layer
from dsl.tables import Faults, described, is_whole

STORED = ("Parameter", "Buffer")
_KEYS = {"Parameter": ("shape", "dtype"), "Buffer": ("shape", "dtype", "persistent")}
_TRAINED = ("float", "bfloat", "complex")
# What PyTorch and others call the same, folded.
_ELSEWHERE = {
    "data": ("init",), "value": ("init",), "tensor": ("init",), "fill": ("init",), "size": ("shape",),
    "shapes": ("shape",), "dims": ("shape",),
}  # fmt: skip


def stored(layer: Layer, name: str, path: str, frame: Frame, feed: Feed, faults: Faults) -> tuple[Node, Seen]:
    """The node of a tensor of the model's own, and what the layers below see. Its state dict key is its name."""
    kind, given = str(layer.type), given_to(layer, frame, faults)
    _check_keys(kind, given, faults)
    if layer.tie:
        message = f"`tie` has no place on a {kind}: where a tensor is used again, it is referred to by its name"
        faults.add(layer.place.at("tie"), message, "key")
        raise FaultToldError
    if kind == "Parameter" and layer.input is not None:
        fix = Fix("a Buffer keeps the value of its `input`")
        faults.add(layer.place.at("input"), "a Parameter reads nothing, and takes no `input`", "key", fix=fix)
        raise FaultToldError
    kept = kind == "Parameter" or given.get("persistent", (True, None))[0]
    if kind == "Buffer" and layer.input is not None:
        node, value = _kept(layer, feed, faults)
    else:
        node, value = _drawn(layer, kind, given, frame, faults)
    key = name.rpartition(".")[2]
    sizes = [size for size in value.shape if isinstance(size, int)]
    owned = {key: sizes} if not frame.shared and kept else {}
    persistent = {} if kept else {"persistent": False}
    node = replace(
        node, name=name, module=path, region=frame.region.name, shape=shape_data(value), dtype=dtype_data(value),
        arguments={**node.arguments, **persistent},
        parameters=owned if kind == "Parameter" else {}, buffers=owned if kind == "Buffer" else {},
    )  # fmt: skip
    return node, Seen(value, {"from": name}, layer.name or kind, layer.place, module=path)


def _kept(layer: Layer, feed: Feed, faults: Faults) -> tuple[Node, TensorType]:
    """A buffer with an `input` keeps the value that this had when the model was built."""
    seen = feed.first
    if seen is None:
        faults.add(layer.place.at("input"), 'a Buffer keeps the value of one tensor: input = "..."', "input")
        raise FaultToldError
    refuse_several(seen, layer, "Buffer", faults)
    if "shape" in layer.arguments or layer.init is not None:
        key = "shape" if "shape" in layer.arguments else "init"
        faults.add(layer.place.at(key), "a Buffer that keeps its input has no shape and no init of its own", "key")
        raise FaultToldError
    if not isinstance(seen.value, TensorType):
        raise FaultToldError
    node = Node(name="", type="Buffer", target="tomograph.Buffer", role="buffer", kind="parameter",
                reads=[seen.reference], input_shapes=[shape_data(seen.value)])  # fmt: skip
    return node, seen.value


def _drawn(
    layer: Layer, kind: str, given: Mapping[str, Given], frame: Frame, faults: Faults
) -> tuple[Node, TensorType]:
    shape, dtype = _shape(layer, kind, given, faults), given.get("dtype", ("float32", None))[0]
    how = None if layer.init is None else start(layer.init, layer.place.at("init"), frame, faults, array=True)
    if isinstance(how, list):
        if mismatch("tensor", how) is not None or _has_words(how):
            faults.add(layer.place.at("init"), "the arrays in an `init` are of one length, and hold numbers", "init")
            raise FaultToldError
        found = _dims(how)
        if shape is not None and tuple(shape) != found:
            message = f"the {kind} has the shape {tuple(shape)}, but its init has {found}"
            faults.add(layer.place.at("init"), message, "shape")
            raise FaultToldError
        shape = list(found)
    if shape is None:
        faults.add(layer.place.at("type"), f"{kind} needs `shape`", "argument", fix=Fix("add shape = [...]"))
        raise FaultToldError
    if kind == "Buffer" and how is None:
        faults.add(layer.place.at("type"), "Buffer needs `init` or an `input` whose value it keeps", "argument",
                   fix=Fix("add init = 0"))  # fmt: skip
        raise FaultToldError
    if isinstance(how, dict):
        before = len(faults)
        check_dims(how, shape, layer.place.at("init"), faults)
        if len(faults) > before:
            raise FaultToldError
    node = Node(name="", type=kind, target=f"tomograph.{kind}", role=kind.lower(), kind="parameter",
                arguments=data_of({"shape": shape, **({"dtype": dtype} if "dtype" in given else {})}),
                init={} if how is None else {"": how})  # fmt: skip
    return node, TensorType(tuple(shape), dtype)


def _shape(layer: Layer, kind: str, given: Mapping[str, Given], faults: Faults) -> list[int] | None:
    if "shape" not in given:
        return None
    shape, place = given["shape"]
    sizes = shape if isinstance(shape, list) else [shape]
    for each in sizes:
        if isinstance(each, Free):
            faults.add(place, f"the shape of a {kind} hangs on a free size, {each}, which has no number yet", "free")
            raise FaultToldError
        if not is_whole(each) or each < 0:
            faults.add(place, f"`shape` is an array of whole numbers, not {described(shape)}")
            raise FaultToldError
    if math.prod(sizes) > 10**15:
        faults.add(place, f"a {kind} of {math.prod(sizes):,} numbers is larger than any machine")
        raise FaultToldError
    return sizes


def _has_words(value: Any) -> bool:
    return any(map(_has_words, value)) if isinstance(value, list) else isinstance(value, str)


def _dims(value: Any) -> tuple[int, ...]:
    return (len(value), *_dims(value[0])) if isinstance(value, list) and value else (0,) if value == [] else ()


def _check_keys(kind: str, given: Mapping[str, Given], faults: Faults) -> None:
    for key, (value, place) in given.items():
        if key not in _KEYS[kind]:
            near = suggest(key, [*_KEYS[kind], "init"], _ELSEWHERE) or meant(key, given)
            fix = Fix(f"did you mean `{near[0]}`?", near[0]) if near else None
            notes = () if near else (f"it takes {', '.join(_KEYS[kind])} and init",)
            faults.add(place, f"{kind} has no argument `{key}`", "argument", part="key", notes=notes, fix=fix)
            raise FaultToldError
        if key == "dtype" and kind == "Parameter" and value in DTYPES and not value.startswith(_TRAINED):
            fix = Fix('a Buffer, or dtype = "float32"')
            faults.add(place, f"a Parameter is trained, which numbers of {value} cannot be", "dtype", fix=fix)
            raise FaultToldError
        if key == "dtype" and value not in DTYPES:
            near = suggest(str(value).removeprefix("torch."), list(DTYPES))
            fix = Fix(f'did you mean "{near[0]}"?', f'dtype = "{near[0]}"') if near else None
            faults.add(place, f"`dtype` is one of torch's, such as float32, not {described(value)}", fix=fix)
            raise FaultToldError
        if key == "persistent" and not isinstance(value, bool):
            faults.add(place, f"`persistent` is true or false, not {described(value)}")
            raise FaultToldError
