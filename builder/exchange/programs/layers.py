"""Layers of torch.nn read back from what a program kept of them: their class, their tensors and their one operator."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn


def layer_of(kind: str, given: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> nn.Module | None:
    """A layer of this class whose parameters and buffers are these; None where it is no plain layer, or where what is
    known does not make one. given: the arguments of the operator that it calls, by name."""
    made = getattr(nn, kind, None)
    if not isinstance(made, type) or not issubclass(made, nn.Module):
        return None
    arguments = _sizes(kind, given, tensors)
    if arguments is None:
        return None
    names = inspect.signature(made).parameters
    taken = {key: _short(value) for key, value in given.items() if key in names and key not in arguments}
    try:
        layer = made(**{key: value for key, value in {**taken, **arguments}.items() if value != []})
    except (TypeError, ValueError):
        return None
    state = {key: each.shape for key, each in layer.state_dict().items()}
    there = {key: each.shape for key, each in tensors.items()}
    if state != there:
        return None
    for name, each in tensors.items():
        _put(layer, name, each)
    return layer.eval()


def _put(layer: nn.Module, name: str, tensor: Tensor) -> None:
    if name in layer._parameters:
        layer._parameters[name] = tensor if isinstance(tensor, nn.Parameter) else nn.Parameter(tensor, False)
    else:
        layer._buffers[name] = tensor


def _sizes(kind: str, given: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> dict[str, Any] | None:
    """The arguments of a constructor that its tensors tell; {} of a layer without any, None where they tell nothing."""
    weight, bias = tensors.get("weight"), "bias" in tensors
    if kind == "Linear" and weight is not None:
        return {"in_features": weight.shape[1], "out_features": weight.shape[0], "bias": bias}
    if kind == "Embedding" and weight is not None:
        index = given.get("padding_idx", -1)
        return {"num_embeddings": weight.shape[0], "embedding_dim": weight.shape[1],
                "padding_idx": index if index >= 0 else None}  # fmt: skip
    if re.fullmatch(r"Conv(Transpose)?[123]d", kind) and weight is not None:
        return _convolution(kind, weight, given, bias)
    if re.fullmatch(r"(BatchNorm|InstanceNorm)[123]d", kind):
        return _normalisation(tensors)
    if kind in ("LayerNorm", "RMSNorm"):
        own = {"elementwise_affine": weight is not None}
        return own if kind == "RMSNorm" or weight is None else {**own, "bias": bias}
    if kind == "GroupNorm":
        groups = given.get("num_groups", given.get("group"))
        return None if weight is None else {"num_groups": groups, "num_channels": weight.shape[0]}
    if kind == "PReLU" and weight is not None:
        return {"num_parameters": math.prod(weight.shape)}
    if kind in ("LSTM", "GRU", "RNN"):
        return _recurrent(given, tensors)
    return None if tensors else {}


def _convolution(kind: str, weight: Tensor, given: Mapping[str, Any], bias: bool) -> dict[str, Any]:
    groups = given.get("groups", 1)
    first, second = weight.shape[0], weight.shape[1] * groups
    channels = (first, second) if "Transpose" in kind else (second, first)
    return {"in_channels": channels[0], "out_channels": channels[1], "kernel_size": _short(list(weight.shape[2:])),
            "bias": bias}  # fmt: skip


def _normalisation(tensors: Mapping[str, Tensor]) -> dict[str, Any] | None:
    known = tensors.get("weight", tensors.get("running_mean"))
    if known is None:
        return None
    return {"num_features": known.shape[0], "affine": "weight" in tensors,
            "track_running_stats": "running_mean" in tensors}  # fmt: skip


def _recurrent(given: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> dict[str, Any] | None:
    first = tensors.get("weight_ih_l0")
    if first is None:
        return None
    hidden = tensors["weight_hh_l0"]
    projected = "weight_hr_l0" in tensors
    size = tensors["weight_hr_l0"].shape[1] if projected else hidden.shape[1]
    return {"input_size": first.shape[1], "hidden_size": size, "num_layers": given.get("num_layers", 1),
            "bias": given.get("has_biases", True), "batch_first": given.get("batch_first", False),
            "dropout": given.get("dropout", 0.0), "bidirectional": given.get("bidirectional", False),
            **({"proj_size": hidden.shape[1]} if projected else {})}  # fmt: skip


def _short(value: Any) -> Any:
    """One number for a list of the same; a tuple for any other list."""
    if isinstance(value, list):
        return value[0] if value and len(set(map(str, value))) == 1 else tuple(value)
    return value
