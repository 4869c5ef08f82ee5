"""dtypes without torch: which are whole numbers, and what comes of two of them (torch.promote_types, result_type)."""

from __future__ import annotations

from collections.abc import Iterable

from builder.shapes.call import TensorType

_BITS = {
    "bool": 1, "uint8": 8, "int8": 8, "int16": 16, "int32": 32, "int64": 64,
    "float16": 16, "bfloat16": 16, "float32": 32, "float64": 64,
    "complex32": 32, "complex64": 64, "complex128": 128,
}  # fmt: skip
_DEFAULTS = ("bool", "int64", "float32", "complex64")


def category(dtype: str) -> int:
    """0 for bool, 1 for whole numbers, 2 for floating point, 3 for complex."""
    if dtype == "bool":
        return 0
    return 3 if dtype.startswith("complex") else 2 if dtype.startswith(("float", "bfloat")) else 1


def promoted(left: str, right: str) -> str:
    """The dtype that holds both, as torch.promote_types has it."""
    if left == right:
        return left
    if category(left) != category(right):
        low, high = sorted((left, right), key=category)
        if category(high) == 3 and category(low) == 2:
            return "complex128" if low == "float64" else high if _BITS[high] >= 64 or low == "float16" else "complex64"
        return high
    low, high = sorted((left, right), key=lambda each: _BITS[each])
    if {left, right} == {"float16", "bfloat16"}:
        return "float32"
    if "uint8" in (left, right):
        return "int16" if "int8" in (left, right) else high
    return high


def result_dtype(operands: Iterable[TensorType | float]) -> str:
    """The dtype of an operation on tensors and plain numbers, as torch.result_type has it.

    Tensors with dims count first, then those without, then numbers: a later kind counts only where its category is
    higher.
    """
    ranked: list[str | None] = [None, None, None]
    for each in operands:
        rank, dtype = _ranked(each)
        before = ranked[rank]
        ranked[rank] = dtype if before is None else promoted(before, dtype)
    found: str | None = None
    for each_dtype in ranked:
        if each_dtype is not None and (found is None or category(each_dtype) > category(found)):
            found = each_dtype
    return found or "float32"


def with_float(dtype: str) -> str:
    """The dtype of sqrt and its like: whole numbers become float32."""
    return dtype if category(dtype) >= 2 else "float32"


def summed(dtype: str) -> str:
    """The dtype of a sum: whole numbers and truth values are added up as int64."""
    return dtype if category(dtype) >= 2 else "int64"


def _ranked(operand: TensorType | float) -> tuple[int, str]:
    if isinstance(operand, TensorType):
        return (0 if operand.shape else 1), operand.dtype
    if isinstance(operand, bool):
        return 2, _DEFAULTS[0]
    return 2, _DEFAULTS[1] if isinstance(operand, int) else _DEFAULTS[2]
