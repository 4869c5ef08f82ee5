"""What a `.safetensors` file holds, by its header alone: names, dtypes and shapes, no numbers and no torch.

The format (https://github.com/huggingface/safetensors): the header's length (8 bytes, the lowest first), the header
(JSON: of each tensor its dtype, shape and place among the data), the data.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from builder.files import reason

LONGEST: Final = 100_000_000  # bytes of a header; the format's own bound
_BITS: Final = {
    "F64": 64, "F32": 32, "F16": 16, "BF16": 16, "I64": 64, "I32": 32, "I16": 16, "I8": 8, "U64": 64, "U32": 32,
    "U16": 16, "U8": 8, "BOOL": 8, "C64": 64, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8, "F6_E2M3": 6, "F6_E3M2": 6, "F4": 4,
}  # fmt: skip


class HeaderError(ValueError):
    """The file cannot be read, or is no whole file of the format. A plain sentence that names it."""


def shapes_in(path: Path) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor by name, in the order of the file. Raises HeaderError."""
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or length > min(LONGEST, size - 8):
                raise HeaderError(f"{path} is not a whole file of weights: it ends before its header does")
            text = file.read(length)
    except OSError as error:
        raise HeaderError(f"cannot read {path}: {reason(error)}") from error
    return _shapes(path, _header(path, text), size - 8 - length)


def _header(path: Path, text: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise HeaderError(f"{path} is not a whole file of weights: its header is no JSON") from error
    if not isinstance(found, dict):
        raise HeaderError(f"{path} is not a whole file of weights: its header is no table")
    return found


def _shapes(path: Path, header: Mapping[str, Any], data: int) -> dict[str, tuple[int, ...]]:
    found, end = {}, 0
    for name, each in header.items():
        if name == "__metadata__":
            continue
        shape, place = _entry(each)
        if shape is None or place[1] > data:
            why = "its data ends before it" if shape is not None else "what its header says of it fits no tensor"
            raise HeaderError(f"{path} is not a whole file of weights: {name[:200]}: {why}")
        found[name], end = shape, max(end, place[1])
    if end != data:
        raise HeaderError(f"{path} is not a whole file of weights: {data - end:,} bytes are no tensor's")
    return found


def _entry(each: Any) -> tuple[tuple[int, ...] | None, tuple[int, int]]:
    """Shape and place of a tensor; no shape where they do not fit each other."""
    if not isinstance(each, dict):
        return None, (0, 0)
    shape, offsets = _sizes(each.get("shape")), _sizes(each.get("data_offsets"))
    bits = _BITS.get(str(each.get("dtype")))
    if shape is None or offsets is None or len(offsets) != 2 or bits is None:
        return None, (0, 0)
    start, end = offsets
    return (shape, (start, end)) if (end - start) * 8 == math.prod(shape) * bits else (None, (0, 0))


def _sizes(value: Any) -> tuple[int, ...] | None:
    if isinstance(value, list) and all(isinstance(each, int) and 0 <= each < 2**63 for each in value):
        return tuple(value)
    return None
