"""Signatures of torch's builtins, from the schemas of their operators.

Used only when the catalogue is made, and handed torch's objects: nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

# Types of schemas, as torch prints them, in the grammar of `dsl.catalogue.types`. A type that is not here (Dimname,
# Layout, Stream ...) is of no use in a spec.
_TYPES: Final = {
    "Tensor": "tensor",
    "List[Tensor]": "tensors",
    "List[Optional[Tensor]]": "tensors",
    "int": "int",
    "SymInt": "int",
    "float": "float",
    "number": "float",
    "bool": "bool",
    "str": "str",
    "ScalarType": "dtype",
    "Device": "device",
    "List[int]": "int[]",
    "List[SymInt]": "int[]",
    "List[float]": "float[]",
    "List[number]": "float[]",
    "List[bool]": "bool[]",
}
# Settings of memory and of the random state, which are the person's who runs the model, not the spec's.
_LEFT_OUT: Final = ("Generator", "Layout", "MemoryFormat", "pin_memory", "non_blocking")
_RESULTS: Final = ("Tensor", "List[Tensor]")
# torch's number for a dtype in a schema's default, as far as they occur.
_DTYPES: Final = {4: "int64", 6: "float32"}


def signatures(packet: Any, is_operator: Callable[[str], bool]) -> list[list[list[Any]]]:
    """The signatures that Python code can call, the plainest first, each a list of [name, type] or with a default.

    packet: `torch.ops.aten.NAME`; is_operator: whether an overload's full name ("aten::add.Tensor") is one that tensors
    dispatch on, and not one of TorchScript's for numbers and strings. Left out too: those that write into a tensor,
    those that give something else than tensors, and those with an argument that has no type in the grammar.
    """
    found: list[tuple[tuple[object, ...], list[list[Any]]]] = []
    for schema in _schemas(packet, is_operator):
        signature = _signature(schema)
        if signature and all(signature != other for _, other in found):
            found.append((_order(schema, signature), signature))
    return [signature for _, signature in sorted(found, key=lambda each: each[0])]


def _schemas(packet: Any, is_operator: Callable[[str], bool]) -> Iterator[Any]:
    for name in packet.overloads():
        schema = getattr(packet, name)._schema
        full = f"{schema.name}.{schema.overload_name}" if schema.overload_name else schema.name
        writes = any(each.alias_info is not None and each.alias_info.is_write for each in schema.arguments)
        tensors = schema.returns and all(str(each.type) in _RESULTS for each in schema.returns)
        if tensors and not writes and is_operator(full):
            yield schema


def _signature(schema: Any) -> list[list[Any]] | None:
    """None where an argument that must be given has no type in the grammar."""
    written = []
    for each in schema.arguments:
        real = str(each.real_type)
        optional = real.startswith("Optional[")
        bare = real.removeprefix("Optional[").removesuffix("]") if optional else real
        if bare in _LEFT_OUT or each.name in _LEFT_OUT:
            continue
        if bare not in _TYPES:
            return None
        optional = optional or each.default_value == []
        text = _one_or_several(_TYPES[bare], each.N) + (" | none" if optional else "")
        default = [_default(text, each.default_value)] if each.has_default_value() else []
        alone = each.kwarg_only and "tensor" in text
        written.append([f"{each.name}=" if alone else each.name, text, *default])
    return written


def _one_or_several(text: str, length: int | None) -> str:
    """`int[2]` in a schema takes one number for both; `int[1]` takes a list of any length."""
    if not text.endswith("[]") or length is None:
        return text
    return f"{text[:-2]} | {text}" if length == 1 else f"{text[:-2]} | {text[:-2]}[{length}]"


def _default(text: str, value: Any) -> Any:
    """A default as JSON holds it. An empty list stands for what is left to torch (a stride as the kernel, all dims),
    which Python code may say with None.
    """
    if value == []:
        return None
    return _DTYPES[value] if text.startswith("dtype") and value is not None else value


def _order(schema: Any, signature: list[list[Any]]) -> tuple[object, ...]:
    """Those that start with the input first; then by what must be given beside tensors; then one result before many."""
    required = [each for each in signature if len(each) == 2]
    plain = [each for each in required if not each[1].startswith("tensor")]
    starts_elsewhere = signature[0][0] not in ("self", "input")
    return starts_elsewhere, len(plain), str(schema.returns[0].type) != "Tensor", len(required)
