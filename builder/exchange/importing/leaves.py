"""Modules of torch.nn as layers: which of them are one layer, and the arguments that they were made with."""

from __future__ import annotations

import inspect
import re
from typing import Any, Final

import torch
from torch import nn

from builder.exchange.importing.errors import ImportingError
from dsl.catalogue import REQUIRED, Entry, Parameter, find
from dsl.catalogue.lookup import find_torch
from dsl.catalogue.types import mismatch

# What a class may say of its own and still be the layer that it derives from.
_HARMLESS: Final = frozenset((
    "__init__", "__module__", "__doc__", "__annotations__", "__qualname__", "reset_parameters", "_init_weights",
    "extra_repr", "__constants__", "__firstlineno__", "__static_attributes__", "__parameters__",
))  # fmt: skip
# Modules of torch.nn that are made of other modules, which are layers by themselves.
_OF_OTHERS: Final = ("Transformer", "TransformerEncoder", "TransformerDecoder")
_LAYERS_OF_OURS: Final = ("MeanSubtract", "StochasticDepth", "RandomHorizontalFlip", "RandomVerticalFlip", "RandomCrop",
                          "RandomAffine", "Normalize")  # fmt: skip


def entry_for(module: nn.Module) -> Entry | None:
    """The type of torch.nn that a module is, itself or by a class that adds nothing to its `forward`; None for others.
    Layers of this project are known in its generated source by their class and what it holds."""
    if _path_drop(module) is not None:
        return find("tomograph.StochasticDepth")
    for kind in type(module).__mro__:
        if kind.__module__.startswith("torch.nn.modules") and kind is not nn.Module:
            return entry_of_class(kind)
        if kind.__name__ in _LAYERS_OF_OURS and _is_ours(kind):
            return find(f"tomograph.{kind.__name__}")
        if not set(vars(kind)) <= _HARMLESS:
            return None
    return None


def _path_drop(module: nn.Module) -> float | None:
    """The probability with which a module drops a residual's branch, as timm's, transformers' and torchvision's do;
    None for other modules, and where it never does."""
    if not re.fullmatch(r"\w*DropPath|StochasticDepth", type(module).__name__) or any(True for _ in module.children()):
        return None
    found = getattr(module, "drop_prob", getattr(module, "p", None))
    return float(found) if isinstance(found, (int, float)) and found > 0 else None


def entry_of_class(kind: type) -> Entry | None:
    """The type of torch.nn that a class is; None for others."""
    found = find_torch(f"torch.nn.{kind.__name__}")
    known = found is not None and getattr(nn, kind.__name__, None) is kind
    return found if known and kind.__name__ not in _OF_OTHERS else None


def _is_ours(kind: type) -> bool:
    """Whether a class is the layer of that name of this project, as generated source has it."""
    from builder import layers

    own = getattr(layers, kind.__name__, None)
    try:
        return own is kind or (own is not None and inspect.getsource(own.forward) == inspect.getsource(kind.forward))  # type: ignore[attr-defined]
    except (OSError, TypeError):
        return False


def arguments_of(module: nn.Module, entry: Entry, path: str) -> dict[str, Any]:
    """The constructor's arguments by name, read back from the module, without those that the input tells."""
    if entry.name == "StochasticDepth":
        return {
            "p": float(getattr(module, "drop_prob", getattr(module, "p", 0.0))),
            "mode": getattr(module, "mode", "row"),
        }
    found: dict[str, Any] = {}
    for each in entry.parameters:
        if each.name in ("device", "dtype", "inplace") or each.name in _hidden(entry):
            continue
        value = _value(module, entry, each)
        if value is REQUIRED:
            raise ImportingError(f"{path}: the `{each.name}` of {type(module).__name__} cannot be read back from it")
        value = _plain(value, each)
        if mismatch(each.type, value) is not None:
            raise ImportingError(
                f"{path}: {type(module).__name__} was made with a `{each.name}` that a spec cannot say"
            )
        found[each.name] = value
    return found


def _hidden(entry: Entry) -> tuple[str, ...]:
    """What the input tells. Sizes that it may not tell, as `num_embeddings`, are decided where the layer stands."""
    return tuple(each for each in entry.inferred if each not in ("num_embeddings",))


def _value(module: nn.Module, entry: Entry, parameter: Parameter) -> Any:
    """What an argument was; its default where nothing of the module says; REQUIRED where it has none."""
    special = _SPECIAL.get(f"{entry.name}.{parameter.name}") or _SPECIAL.get(f"*.{parameter.name}")
    if special is not None:
        found = special(module)
        if found is not REQUIRED:
            return found
    return getattr(module, parameter.name, parameter.default)


def _bias(module: Any) -> Any:
    if isinstance(module, nn.RNNBase):
        return module.bias
    if isinstance(module, nn.MultiheadAttention):
        return module.in_proj_bias is not None
    if isinstance(module, (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer)):
        return module.linear1.bias is not None
    if isinstance(module, nn.RNNCellBase):
        return module.bias
    return getattr(module, "bias", None) is not None if hasattr(module, "bias") else REQUIRED


_SPECIAL: Final[dict[str, Any]] = {
    "*.bias": _bias,
    "MultiheadAttention.add_bias_kv": lambda module: module.bias_k is not None,
    **{f"{kind}Pool{dims}d.stride": lambda module: None if module.stride == module.kernel_size else module.stride
       for kind in ("Max", "Avg", "LP") for dims in (1, 2, 3)},
    **{f"MultiheadAttention.{key}": lambda module, key=key: None if getattr(module, key) == module.embed_dim
       else getattr(module, key) for key in ("kdim", "vdim")},
    "PReLU.init": lambda module: 0.25,
    **{f"{kind}.{key}": read for kind in ("TransformerEncoderLayer", "TransformerDecoderLayer") for key, read in {
        "nhead": lambda module: module.self_attn.num_heads,
        "dim_feedforward": lambda module: module.linear1.out_features,
        "dropout": lambda module: module.dropout.p,
        "layer_norm_eps": lambda module: module.norm1.eps,
        "batch_first": lambda module: module.self_attn.batch_first,
        "activation": lambda module: getattr(module.activation, "__name__", module.activation),
        "d_model": lambda module: module.self_attn.embed_dim,
    }.items()},
    "UpsamplingNearest2d.scale_factor": lambda module: module.scale_factor,
}  # fmt: skip


def _plain(value: Any, parameter: Parameter) -> Any:
    """Tuples of one number as that number, tensors as lists, dtypes as words."""
    if isinstance(value, torch.dtype):
        return str(value).removeprefix("torch.")
    if isinstance(value, torch.Tensor):
        return value.tolist()
    if isinstance(value, (tuple, list)):
        several = [_plain(each, parameter) for each in value]
        alike = bool(several) and all(each == several[0] for each in several)
        return several[0] if alike and mismatch(parameter.type, several[0]) is None else several
    if isinstance(value, float) and value.is_integer() and isinstance(parameter.default, int):
        return int(value)
    return value
