"""Tensors that the model holds beside its state dict: as an expression where one gives their numbers, as an array where
they are few."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import torch

from builder.exchange.importing.errors import ImportingError
from builder.exchange.importing.frames import Spot
from builder.exchange.importing.steps import Step
from builder.exchange.importing.values import Known, Ref

_FEW: Final = 256


def made_constant(ref: Ref, known: Known, spot: Spot | None, path: str | None = None) -> Step:
    """A step that makes these numbers. ImportingError where they are many and no expression gives them."""
    tensor = known.tensor
    assert tensor is not None
    text = next(_expressions(tensor), None)
    if text is not None:
        return Step("value", ref, text=text, spot=spot, operator=False)
    if tensor.numel() <= _FEW:
        arguments: dict[str, Any] = {"init": tensor.tolist(), "persistent": False}
        if known.dtype != "float32":
            arguments["dtype"] = known.dtype
        return Step("Buffer", ref, arguments=arguments, path=path, spot=spot)
    what = f"the buffer {path}" if path else "a tensor of the model's own"
    raise ImportingError(f"{what} holds {tensor.numel():,} numbers that are not in the state dict, and no expression "
                         "gives them")  # fmt: skip


def _expressions(tensor: torch.Tensor) -> Iterator[str]:
    """Text of expressions that give these very numbers."""
    dtype = str(tensor.dtype).removeprefix("torch.")
    said = "" if dtype in ("float32", "bool") else f", dtype='{dtype}'"
    shape = list(tensor.shape)
    if tensor.numel() and (tensor.numel() > 1 or not shape) and bool((tensor == tensor.flatten()[0]).all()):
        value = tensor.flatten()[0].item()
        name = ("zeros" if value == 0 else "ones" if value == 1 else None) if dtype != "bool" and shape else None
        yield f"{name}({shape}{said})" if name else f"full({shape}, {_number(value)}{said})"
    if shape and shape[-1] > 2 and all(each == 1 for each in shape[:-1]):
        row = tensor.flatten()
        step = (row[1] - row[0]).item()
        start = row[0].item()
        if step and not isinstance(start, (bool, complex)):
            made = torch.arange(start, start + step * len(row), step, dtype=tensor.dtype)
            if len(made) == len(row) and torch.equal(made, row):
                ends = (
                    f"{len(row)}"
                    if (start, step) == (0, 1)
                    else f"start={start}, end={start + step * len(row)}, step={step}"
                )
                plain = dtype == "int64" and isinstance(start, int)
                index = f"[{', '.join(['none'] * (len(shape) - 1))}]" if len(shape) > 1 else ""
                yield f"arange({ends}{'' if plain else said or ', dtype=' + repr(dtype)}){index}"
    if len(shape) >= 2 and shape[-1] == shape[-2] and all(each == 1 for each in shape[:-2]):
        index = f"[{', '.join(['none'] * (len(shape) - 2))}]" if len(shape) > 2 else ""
        yield from (f"{text}{index}" for text in _triangles(tensor.reshape(shape[-2:]), dtype))


def _triangles(tensor: torch.Tensor, dtype: str) -> Iterator[str]:
    """Ones below or above the diagonal, or in a band below it, zeros elsewhere."""
    size = list(tensor.shape)
    whole = f"ones({size}, dtype={dtype!r})" if dtype != "float32" else f"ones({size})"
    ones = torch.ones(size)
    wide = int((tensor[-1] != 0).sum())
    for text, made in (
        (f"tril({whole})", ones.tril()), (f"triu({whole})", ones.triu()),
        (f"triu(tril({whole}), {1 - wide})", ones.tril().triu(1 - wide)),
    ):  # fmt: skip
        if torch.equal(made.to(tensor.dtype), tensor):
            yield text


def _number(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
