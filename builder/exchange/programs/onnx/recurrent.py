"""Recurrent layers of ONNX as torch's. Source: the operators' definitions in the standard."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn

from builder.exchange.programs.onnx.file import place
from builder.exchange.programs.onnx.graph import Converting, Rule, filled, weights
from builder.exchange.programs.opened import ProgramError

# torch's order of gates by ONNX's: i, f, c, o of i, o, f, c; r, z, n of z, r, h.
_GATES: Final = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2), "RNN": (0,)}


def _recurrent(c: Converting) -> Any:
    kind = c.node.op_type
    weight, recurrence, bias = weights(c, 1, 2, 3)
    direction, activations = c.attribute("direction", "forward"), c.attribute("activations")
    if c.has(4):
        raise ProgramError(f"{place(c.node)}: lengths of sequences are not read from ONNX")
    if direction == "reverse" or c.has(7) or c.attribute("layout", 0) or c.attribute("clip") is not None:
        raise c.unsaid("a recurrent layer from the end, with peepholes, by batches or clipped")
    if kind == "GRU" and not c.attribute("linear_before_reset", 0):
        raise c.unsaid("a GRU that resets before it multiplies")
    usual = {"LSTM": [b"Sigmoid", b"Tanh", b"Tanh"], "GRU": [b"Sigmoid", b"Tanh"], "RNN": [b"Tanh"]}[kind]
    if activations and list(activations) != usual * weight.shape[0]:
        raise c.unsaid("a recurrent layer of other activations than torch's")
    twice, hidden = direction == "bidirectional", int(c.attribute("hidden_size"))
    made = _recurrent_layer(kind, weight, recurrence, bias, hidden, twice)
    states = [c.tensor(at) for at in (5, 6) if c.has(at)]
    state = [] if not states else [tuple(states)] if kind == "LSTM" else states
    result = c.layer(c.node.input[1], lambda: made, c.tensor(0), *state)
    output = c.call(operator.getitem, result, 0)
    ends = c.call(operator.getitem, result, 1)
    output = c.call(torch.permute, c.call("unflatten", output, 2, (1 + twice, hidden)), [0, 2, 1, 3])
    if kind != "LSTM":
        return output, ends
    return output, c.call(operator.getitem, ends, 0), c.call(operator.getitem, ends, 1)


def _recurrent_layer(
    kind: str, weight: Tensor, recurrence: Tensor, bias: Tensor | None, hidden: int, twice: bool
) -> nn.Module:
    layer: nn.Module = getattr(nn, kind)(weight.shape[2], hidden, bias=bias is not None, bidirectional=twice)
    for at, end in enumerate(("", "_reverse")[: 1 + twice]):
        gates = len(_GATES[kind])
        parts = {"weight_ih": weight[at], "weight_hh": recurrence[at]}
        if bias is not None:
            parts |= {"bias_ih": bias[at][: gates * hidden], "bias_hh": bias[at][gates * hidden :]}
        filled(layer, **{f"{name}_l0{end}": _ordered(each, kind, hidden) for name, each in parts.items()})
    layer._flat_weights = [getattr(layer, name) for name in layer._flat_weights_names]  # type: ignore[union-attr,assignment]
    return layer


def _ordered(tensor: Tensor, kind: str, hidden: int) -> Tensor:
    parts: Sequence[Tensor] = torch.split(tensor, hidden)
    return torch.cat([parts[each] for each in _GATES[kind]])


RECURRENT: Final[dict[str, Rule]] = dict.fromkeys(_GATES, _recurrent)
