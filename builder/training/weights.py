"""Weights for others: a state dict as a `.safetensors` file, which holds tensors and text alone.

The format: the header's length (8 bytes, the lowest first), the header (JSON: of each tensor its dtype, shape and place
among the data), the data (https://github.com/huggingface/safetensors). It is written here, tensor after tensor, and
not by the package: that would write to a file of its own and rename it, unflushed, and tells a full disk in a text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from builder.files import write_aside
from builder.training.errors import CheckpointError

_DTYPES: Final = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
    torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL",
    torch.complex64: "C64",
}  # fmt: skip


def write_safetensors(path: Path, state: Mapping[str, Any]) -> None:
    """Write the tensors of a state dict under its names. Raises OutputError.

    A tied tensor stands there under each of its names, as `load_state_dict` wants it. What is no tensor, or of a dtype
    that the format lacks, is left out.
    """
    tensors = {name: each for name, each in state.items() if isinstance(each, Tensor) and each.dtype in _DTYPES}
    ordered = dict(sorted(tensors.items(), key=lambda item: (-item[1].itemsize, item[0])))  # so that all are aligned
    write_aside(path, lambda file: _write(file, ordered))


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """The tensors by name, on the CPU. Raises CheckpointError."""
    try:
        return load_file(path)
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error}") from error
    except SafetensorError as error:
        raise CheckpointError(f"{path} is not a whole file of weights: {error}") from error


def _write(file: BinaryIO, tensors: Mapping[str, Tensor]) -> None:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}  # transformers asks for it
    place = 0
    for name, tensor in tensors.items():
        offsets = [place, place := place + tensor.nbytes]
        header[name] = {"dtype": _DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": offsets}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little") + text)
    for tensor in tensors.values():
        file.write(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
