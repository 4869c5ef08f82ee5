"""Tensors that the spec writes as arrays, told to rules as the tensors they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from builder.shapes.call import Call, TensorType
from dsl.catalogue import signature_of

# Types whose result's shape hangs on the numbers of one argument.
DECIDING = {
    "masked_select": "mask", "repeat_interleave": "repeats", "tensor_split": "tensor_indices_or_sections",
}  # fmt: skip


def with_constants(call: Call) -> Call:
    """The call with arrays that are fed to a function, or to a module's `forward`, among its tensors.

    What is not plainly a tensor (`int[] | tensor`) stays an argument, as do the constructor's tensors, and those whose
    numbers decide on the result's shape.
    """
    if not any(isinstance(value, (list, tuple, dict)) for value in call.arguments.values()):
        return call
    signature = signature_of(call.entry, call.arguments)
    found: dict[str, TensorType] = {}
    for name, value in call.arguments.items():
        fed = call.entry.role != "module" or not call.entry.accepts(name)
        kinds = signature[name].type.split(" | ") if name in signature else []
        decides = DECIDING.get(call.entry.name) == name
        if fed and not decides and "tensor" in kinds and not any(each.endswith("]") for each in kinds):
            tensor = tensor_of(value)
            found |= {name: tensor} if tensor else {}
    arguments = {name: value for name, value in call.arguments.items() if name not in found}
    return replace(call, arguments=arguments, keyword_reads={**call.keyword_reads, **found})


def with_names(call: Call) -> Call:
    """A module's tensors by name, from where its `forward` takes something else in between (`need_weights`)."""
    inputs = call.entry.inputs
    together = next((index for index, each in enumerate(inputs) if not each.takes_tensor), len(inputs))
    if call.entry.role != "module" or len(call.reads) <= together or call.entry.target.startswith("tomograph."):
        return call
    later = [each.name for each in inputs[together:] if each.takes_tensor and each.name not in call.keyword_reads]
    named = dict(zip(later, call.reads[together:], strict=False))
    return replace(call, reads=call.reads[:together], keyword_reads={**call.keyword_reads, **named})


def tensor_of(value: object) -> TensorType | None:
    """What an array (`[1.0, 2.0]`) or a table with a `tensor` is as a tensor; None where the value is neither."""
    dtype = None
    if isinstance(value, Mapping) and "tensor" in value:
        dtype, value = value.get("dtype"), value["tensor"]
    elif not isinstance(value, (list, tuple)):
        return None
    shape, inner = [], value
    while isinstance(inner, (list, tuple)):
        shape.append(len(inner))
        inner = inner[0] if inner else 0.0
    return TensorType(tuple(shape), dtype if isinstance(dtype, str) else _dtype(value))


def _dtype(value: object) -> str:
    """What torch.tensor makes of plain numbers: the widest of truth values, whole numbers and floats."""
    kinds = {type(each) for each in _numbers(value)}
    return "float32" if float in kinds or not kinds else "int64" if int in kinds else "bool"


def _numbers(value: object) -> list[object]:
    return [each for inner in value for each in _numbers(inner)] if isinstance(value, (list, tuple)) else [value]
