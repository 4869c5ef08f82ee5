"""Recurrent layers on the way to ONNX, whose operators know lengths of sequences and leave the time free.

torch.export fixes the time of an nn.LSTM and cannot follow packed sequences. So layers are said, while a model is
exported, by an operator of our own that is what ONNX's is (its order of gates, its lengths), and that becomes ONNX's.
Source: the definitions of LSTM, GRU and RNN in the ONNX standard.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

import torch
from torch import Tensor, nn

# ONNX's order of gates by torch's: i, o, f, c of i, f, c, o; z, r, h of r, z, n.
_GATES: Final = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2), "RNN": (0,)}
_SCHEMA: Final = ("(str kind, Tensor x, Tensor weight, Tensor recurrence, Tensor bias, Tensor? lengths, Tensor h, "
                  "Tensor? c) -> (Tensor, Tensor, Tensor)")  # fmt: skip


@contextlib.contextmanager
def said_as_onnx(model: nn.Module) -> Iterator[None]:
    """While this lasts recurrent layers, and those that are told lengths, call the operator."""
    _defined()
    source = vars(sys.modules[type(model).__module__])
    packed = source.get("packed")
    kinds: tuple[Any, ...] = (nn.LSTM, nn.GRU, nn.RNN)
    before = [kind.forward for kind in kinds]
    try:
        for kind in kinds:
            kind.forward = _forward
        if packed is not None:
            source["packed"] = _packed
        yield
    finally:
        for kind, forward in zip(kinds, before, strict=True):
            kind.forward = forward
        if packed is not None:
            source["packed"] = packed


def translations() -> dict[Callable[..., Any], Callable[..., Any]]:
    """For torch's exporter: the operator as ONNX's."""
    from onnxscript import opset20 as op

    def translated(kind: str, x: Any, weight: Any, recurrence: Any, bias: Any, lengths: Any, h: Any, c: Any) -> Any:
        words = {
            "hidden_size": recurrence.shape[2],
            "direction": "bidirectional" if weight.shape[0] == 2 else "forward",
        }
        if kind == "LSTM":
            return op.LSTM(x, weight, recurrence, bias, lengths, h, c, **words)
        if kind == "GRU":
            made, end = op.GRU(x, weight, recurrence, bias, lengths, h, linear_before_reset=1, **words)
        else:
            made, end = op.RNN(x, weight, recurrence, bias, lengths, h, **words)
        return made, end, op.Identity(end)

    _defined()
    return {torch.ops.tomograph.recurrent.default: translated}


@cache
def _defined() -> None:
    torch.library.define("tomograph::recurrent", _SCHEMA)
    torch.library.impl("tomograph::recurrent", "cpu")(_worked_out)
    torch.library.register_fake("tomograph::recurrent")(_shaped)


def _shaped(
    kind: str, x: Tensor, weight: Tensor, recurrence: Tensor, bias: Tensor, lengths: Tensor | None, h: Tensor,
    c: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    made = x.new_empty(x.shape[0], weight.shape[0], x.shape[1], recurrence.shape[2])
    return made, torch.empty_like(h), torch.empty_like(h)


def _worked_out(
    kind: str, x: Tensor, weight: Tensor, recurrence: Tensor, bias: Tensor, lengths: Tensor | None, h: Tensor,
    c: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Step by step: x (T, N, I) -> (T, directions, N, H), the last h and c of each direction."""
    time, hidden = x.shape[0], recurrence.shape[2]
    made, ends = x.new_zeros(time, weight.shape[0], x.shape[1], hidden), []
    for way in range(weight.shape[0]):
        state, cell = h[way], h[way] if c is None else c[way]
        first, second = bias[way].chunk(2)
        for at in reversed(range(time)) if way else range(time):
            inside = torch.nn.functional.linear(x[at], weight[way], first)
            new, new_cell = _step(kind, inside, state, cell, recurrence[way], second)
            there = torch.ones_like(new[:, :1], dtype=torch.bool) if lengths is None else (at < lengths)[:, None]
            state, cell = torch.where(there, new, state), torch.where(there, new_cell, cell)
            made[at, way] = torch.where(there, new, 0)
        ends.append((state, cell))
    return made, torch.stack([each for each, _ in ends]), torch.stack([each for _, each in ends])


def _step(kind: str, inside: Tensor, h: Tensor, c: Tensor, recurrence: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    around = torch.nn.functional.linear(h, recurrence, bias)
    if kind == "LSTM":
        i, o, f, new = (inside + around).chunk(4, -1)
        cell = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(new)
        return torch.sigmoid(o) * torch.tanh(cell), cell
    if kind == "GRU":
        (z, r, new), (rz, rr, rnew) = inside.chunk(3, -1), around.chunk(3, -1)
        update = torch.sigmoid(z + rz)
        return (1 - update) * torch.tanh(new + torch.sigmoid(r + rr) * rnew) + update * h, c
    return torch.tanh(inside + around), c


def _forward(self: nn.RNNBase, input: Tensor, hx: Any = None) -> Any:
    return _packed(self, input, None, hx)


def _packed(layer: nn.RNNBase, input: Tensor, lengths: Tensor | None, hx: Any = None) -> tuple[Tensor, Any]:
    """What `builder.layers.packed` gives, layer by layer, in evaluation."""
    if layer.proj_size or (layer.mode.startswith("RNN") and layer.mode != "RNN_TANH") or input.dim() != 3:
        raise ValueError("a recurrent layer with a projection, of ReLU or without a batch is not said in ONNX here")
    kind = layer.mode.partition("_")[0]
    x = input.transpose(0, 1) if layer.batch_first else input
    ways = 2 if layer.bidirectional else 1
    start = x.new_zeros(layer.num_layers * ways, x.shape[1], layer.hidden_size)
    given: Any = (hx if kind == "LSTM" else (hx, None)) if hx is not None else (start, start)
    counted = None if lengths is None else lengths.to(torch.int32)
    ends: list[tuple[Tensor, Tensor]] = []
    for at in range(layer.num_layers):
        part = slice(at * ways, (at + 1) * ways)
        c = given[1][part] if kind == "LSTM" else None
        made, h, cell = torch.ops.tomograph.recurrent(kind, x, *_weights(layer, at, kind), counted, given[0][part], c)
        x = made.permute(0, 2, 1, 3).flatten(2)
        ends.append((h, cell))
    h, cell = (torch.cat([each[which] for each in ends]) for which in (0, 1))
    return x.transpose(0, 1) if layer.batch_first else x, (h, cell) if kind == "LSTM" else h


def _weights(layer: nn.RNNBase, at: int, kind: str) -> tuple[Tensor, Tensor, Tensor]:
    """Of both directions together, in ONNX's order of gates."""

    def ordered(name: str, end: str) -> Tensor:
        parts = getattr(layer, f"{name}_l{at}{end}").chunk(len(_GATES[kind]))
        return torch.cat([parts[each] for each in _GATES[kind]])

    ends = ("", "_reverse")[: 2 if layer.bidirectional else 1]
    weight = torch.stack([ordered("weight_ih", end) for end in ends])
    recurrence = torch.stack([ordered("weight_hh", end) for end in ends])
    if not layer.bias:
        return weight, recurrence, weight.new_zeros(len(ends), 2 * weight.shape[1])
    return (
        weight,
        recurrence,
        torch.stack([torch.cat([ordered("bias_ih", end), ordered("bias_hh", end)]) for end in ends]),
    )
