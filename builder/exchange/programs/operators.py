"""Operators of torch's graphs as calls of its public functions, which a spec names."""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import fx

from builder.exchange.programs.opened import ProgramError
from dsl.catalogue import Entry
from dsl.catalogue.lookup import find_torch

# What is about memory and devices alone, or settled by the language.
_SETTLED: Final = frozenset(("layout", "device", "pin_memory", "memory_format", "non_blocking", "copy", "implicit",
                             "cudnn_enable", "cudnn_enabled", "half_to_float", "generator"))  # fmt: skip
# What gives its first argument as it is.
_SAME: Final = frozenset(("alias", "detach", "detach_", "lift_fresh", "lift_fresh_copy", "lift"))
# What checks sizes and gives nothing.
_CHECKS: Final = ("_assert", "sym_constrain_range", "_check", "_local_scalar_dense_check")
# Names of torch's own operators for what has a public name.
_PUBLIC: Final = {
    "_softmax": "softmax", "_log_softmax": "log_softmax", "_unsafe_view": "reshape", "view": "reshape",
    "split_with_sizes": "split", "_adaptive_avg_pool2d": "adaptive_avg_pool2d", "_to_copy": "to",
    "_adaptive_avg_pool3d": "adaptive_avg_pool3d", "__and__": "bitwise_and", "__or__": "bitwise_or",
    "__xor__": "bitwise_xor", "numpy_T": "t",
}  # fmt: skip
# Operators of which only the first of several results is a layer's.
FIRST: Final = frozenset((
    "native_layer_norm", "_native_batch_norm_legit_no_training", "native_batch_norm", "max_pool2d_with_indices",
    "max_pool3d_with_indices", "native_group_norm", "_scaled_dot_product_flash_attention_for_cpu",
    "_scaled_dot_product_efficient_attention", "native_dropout", "_native_batch_norm_legit",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Call:
    """What stands for a node. same: it is this argument itself. target: a function, or the name of a method."""

    target: Callable[..., Any] | str | None = None
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    same: Any = None


def public_call(node: fx.Node, place: str) -> Call | None:
    """A node of a program as a public call; None where it only checks. place: of the module, for the message. Raises
    ProgramError where no public function is what it calls."""
    target = node.target
    if not isinstance(target, torch._ops.OpOverload):
        return Call(target, node.args, dict(node.kwargs)) if callable(target) else None  # Python's own, on sizes
    name = target._schema.name.partition("::")[2]
    if name.startswith(_CHECKS):
        return None
    given = named_arguments(node)
    if name in _SAME:
        return Call(same=given["self"])
    special = _SPECIAL.get(name)
    if special is not None:
        return special(given, target)
    return _by_name(_PUBLIC.get(name, name), given, node, place)


def named_arguments(node: fx.Node) -> dict[str, Any]:
    """The arguments of a node by the names of its operator's schema, those at their default left out."""
    schema = node.target._schema  # type: ignore[union-attr]
    given = dict(zip((each.name for each in schema.arguments), node.args, strict=False)) | dict(node.kwargs)
    defaults = {each.name: each.default_value for each in schema.arguments if each.has_default_value()}
    return {key: _plain(value) for key, value in given.items()
            if not (key in defaults and not isinstance(value, fx.Node) and _plain(value) == defaults[key])}  # fmt: skip


def _by_name(name: str, given: dict[str, Any], node: fx.Node, place: str) -> Call:
    space, _, rest = name.partition("_")
    spaced = f"torch.{space}.{rest}" if space in ("linalg", "special", "fft") else f"torch.nn.functional.{name}"
    entries = map(find_torch, (name, f"torch.{name}", f"torch.Tensor.{name}", spaced))
    found = next((each for each in entries if each is not None and each.role in ("function", "method")), None)
    words = {key: value for key, value in given.items() if key not in _SETTLED}
    named = {each.name for each in node.target._schema.arguments if each.kwarg_only}  # type: ignore[union-attr]
    if name.endswith("_") or (found is not None and found.role == "method"):
        return Call(name, tuple(each for key, each in words.items() if key not in named),
                    {key: each for key, each in words.items() if key in named})  # fmt: skip
    if found is None:
        raise ProgramError(f"{place}: node `{node.name}` calls {node.target}, which a spec cannot say")
    return _bound(found, words, named)


def _bound(entry: Entry, words: dict[str, Any], named: Collection[str]) -> Call:
    """First by place the tensors, which torch's operators have other names for (`self`), then by name; all by place
    where the function has other names."""
    called: Any = torch
    for part in entry.target.split(".")[1:]:
        called = getattr(called, part)
    signature = next((each for each in (entry.parameters, *entry.overloads)
                      if set(list(words)[1:]) <= {parameter.name for parameter in each}), entry.parameters)  # fmt: skip
    types = {each.name: each.type.split(" | ") for each in signature}
    words = {key: _short(each, types.get(key, ())) for key, each in words.items()}
    rest = dict(words)
    first: list[Any] = []
    for parameter, (key, each) in zip(signature, words.items(), strict=False):
        if key in named or (first and (not isinstance(each, fx.Node) or key != parameter.name)):
            break
        first.append(rest.pop(key))
    if rest.keys() <= types.keys():
        return Call(called, tuple(first), rest)
    return Call(called, tuple(each for key, each in words.items() if key not in named),
                {key: each for key, each in words.items() if key in named})  # fmt: skip


# Said otherwise


def _slice(given: dict[str, Any], _: Any) -> Call:
    dim, end = given.get("dim", 0), given.get("end")
    whole = isinstance(end, int) and end >= 2**62
    cut = slice(given.get("start"), None if whole else end, given.get("step"))
    if cut == slice(None, None, None) or (cut.start in (0, None) and cut.stop is None and cut.step in (1, None)):
        return Call(same=given["self"])
    if isinstance(dim, int) and dim < 0:
        return Call(operator.getitem, (given["self"], (..., cut, *[slice(None)] * (-1 - dim))))
    return Call(operator.getitem, (given["self"], (*[slice(None)] * dim, cut)))


def _index(given: dict[str, Any], _: Any) -> Call:
    places = tuple(slice(None) if each is None else each for each in given["indices"])
    return Call(operator.getitem, (given["self"], places))


def _size(given: dict[str, Any], _: Any) -> Call:
    return Call("size", (given["self"], given["dim"]))


def _to(given: dict[str, Any], _: Any) -> Call:
    dtype = given.get("dtype")
    return Call(same=given["self"]) if dtype is None else Call("to", (given["self"], dtype))


def _dropout(given: dict[str, Any], _: Any) -> Call:
    return Call(F.dropout, (given.get("input", given.get("self")),), {"p": given["p"], "training": False})


def _embedding(given: dict[str, Any], _: Any) -> Call:
    words = {"padding_idx": given["padding_idx"]} if given.get("padding_idx", -1) >= 0 else {}
    return Call(F.embedding, (given["indices"], given["weight"]), words)


def _convolution(given: dict[str, Any], _: Any) -> Call:
    dims = len(given["stride"])
    words: dict[str, Any] = _taken(given, "bias", "stride", "padding", "dilation", "groups")
    if given.get("transposed"):
        words["output_padding"] = given.get("output_padding", 0)
        return Call(getattr(F, f"conv_transpose{dims}d"), (given["input"], given["weight"]), words)
    return Call(getattr(F, f"conv{dims}d"), (given["input"], given["weight"]), words)


def _taken(given: dict[str, Any], *names: str) -> dict[str, Any]:
    """Those of some arguments that are given and not None."""
    return {key: given[key] for key in names if given.get(key) is not None}


def _layer_norm(given: dict[str, Any], _: Any) -> Call:
    words = _taken(given, "weight", "bias", "eps")
    return Call(F.layer_norm, (given["input"], given["normalized_shape"]), words)


def _batch_norm(given: dict[str, Any], _: Any) -> Call:
    words = _taken(given, "weight", "bias", "eps")
    return Call(F.batch_norm, (given["input"], given["running_mean"], given["running_var"]), words)


def _group_norm(given: dict[str, Any], _: Any) -> Call:
    words = _taken(given, "weight", "bias", "eps")
    return Call(F.group_norm, (given["input"], given["group"]), words)


def _max_pool(given: dict[str, Any], target: Any) -> Call:
    dims = 3 if "3d" in target._schema.name else 2
    words = {key: value for key, value in given.items() if key != "self"}
    return Call(getattr(F, f"max_pool{dims}d"), (given["self"],), words)


def _rsub(given: dict[str, Any], _: Any) -> Call:
    return Call(operator.sub, (given["other"], given["self"]))


def _number(given: dict[str, Any], _: Any) -> Call:
    words = {"dtype": given["dtype"]} if given.get("dtype") is not None else {}
    return Call(torch.full, ([], given["s"]), words)


def _arange(given: dict[str, Any], _: Any) -> Call:
    return Call(torch.arange, (), _taken(given, "start", "end", "step", "dtype"))


def _clamped(given: dict[str, Any], _: Any) -> Call:
    return Call(torch.clamp, (given["self"],), _taken(given, "min", "max"))


def _pad(given: dict[str, Any], _: Any) -> Call:
    words = _taken(given, "mode", "value")
    return Call(F.pad, (given["self"], given["pad"]), words)


def _attention(given: dict[str, Any], _: Any) -> Call:
    words = _taken(given, "attn_mask", "is_causal", "scale")
    return Call(F.scaled_dot_product_attention, (given["query"], given["key"], given["value"]), words)


def _interpolate(given: dict[str, Any], target: Any) -> Call:
    name = target._schema.name.partition("::")[2]
    words: dict[str, Any] = {"mode": name.removeprefix("upsample_").rstrip("d").rstrip("123")}
    factors = given.get("scale_factors") or [given[key] for key in sorted(given) if key.startswith("scales")]
    if given.get("output_size") is not None and not given.get("scale_factors"):
        words["size"] = given["output_size"]
    elif factors:
        words["scale_factor"] = factors
    if given.get("align_corners"):
        words["align_corners"] = True
    return Call(F.interpolate, (given.get("input", given.get("self")),), words)


_SPECIAL: Final[dict[str, Callable[[dict[str, Any], Any], Call]]] = {
    "slice": _slice, "index": _index, "sym_size": _size, "to": _to, "_to_copy": _to, "dropout": _dropout,
    "feature_dropout": _dropout, "embedding": _embedding, "convolution": _convolution,
    "native_layer_norm": _layer_norm, "_native_batch_norm_legit_no_training": _batch_norm,
    "native_group_norm": _group_norm, "max_pool2d_with_indices": _max_pool, "max_pool3d_with_indices": _max_pool,
    "rsub": _rsub, "scalar_tensor": _number, "arange": _arange, "constant_pad_nd": _pad, "pad": _pad,
    "_scaled_dot_product_flash_attention_for_cpu": _attention, "clamp_min": _clamped, "clamp_max": _clamped,
    **{f"upsample_{kind}": _interpolate for kind in (
        "nearest1d", "nearest2d", "nearest3d", "linear1d", "bilinear2d", "trilinear3d", "bicubic2d")},
}  # fmt: skip


def _short(value: Any, kinds: Collection[str]) -> Any:
    """One number for a list of the same, where the function takes one."""
    same = isinstance(value, list) and len(value) > 0 and all(each is value[0] or each == value[0] for each in value)
    if same and "int" in kinds and isinstance(value[0], int) and (len(value) == 1 or f"int[{len(value)}]" in kinds):
        return value[0]
    return value


def _plain(value: Any) -> Any:
    """Lists as Python's own, as fx keeps them in a class of its own."""
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value


__all__ = ["FIRST", "Call", "named_arguments", "public_call"]
