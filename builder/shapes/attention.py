"""Attention: MultiheadAttention, scaled_dot_product_attention, TransformerEncoderLayer."""

from __future__ import annotations

from collections.abc import Mapping

from builder.shapes.broadcasting import broadcast_shapes
from builder.shapes.call import NOTHING, Call, Made, Misfit, TensorType, Value, shape_text
from builder.shapes.conditions import Conditions, needs_equal
from builder.shapes.linear import rows
from builder.shapes.reading import (
    agreed,
    argument,
    demand_dims,
    demand_weights_dtype,
    fixed,
    operand,
    optional_tensor,
    tensor,
    whole,
)
from builder.shapes.rule import Rule
from builder.shapes.sizes import Size


def multihead(call: Call) -> Made:
    """MultiheadAttention: query (L, N, E), (N, L, E) with batch_first, or (L, E) -> (output, weights)."""
    query, key, value = (tensor(call, index, name) for index, name in enumerate(("query", "key", "value")))
    for each in (query, key, value):
        demand_dims(call, each, (len(query.shape),), f"query, key and value with {len(query.shape)} dims each")
        demand_weights_dtype(call, each)
    demand_dims(call, query, (2, 3), "(L, N, E), (N, L, E) with batch_first, or (L, E)")
    width, inferred = agreed(call, "embed_dim", query.shape[-1], "features")
    heads = _heads(call, "num_heads", "embed_dim", width)
    widths = (_width(call, "kdim", key, width), _width(call, "vdim", value, width))
    batch, length = _batch(call, query)
    _, source = _batch(call, key)
    conditions = _fits(call, query, key, value) + _masks(call, query.dtype, batch, heads, (length, source))
    attended = source + (argument(call, "add_bias_kv") is True) + (argument(call, "add_zero_attn") is True)
    weights = _weights(call, batch, heads, length, attended, query.dtype)
    projections = length * width * width * 2 + source * width * (widths[0] + widths[1])
    return Made(
        result=(query, weights),
        arguments=inferred,
        parameters=_multihead_parameters(call, width, widths),
        multiply_adds=projections + length * attended * width * 2,
        conditions=conditions,
    )


def scaled_dot_product(call: Call) -> Made | None:
    """query (..., L, E), key (..., S, E), value (..., S, V) -> (..., L, V); grouped queries are torch's to judge."""
    if argument(call, "enable_gqa") is True:
        return None
    query, key, value = (tensor(call, index, name) for index, name in enumerate(("query", "key", "value")))
    all_three = f"query {query}, key {key}, value {value}"
    if min(len(each.shape) for each in (query, key, value)) < 2:
        raise Misfit(f"{call.entry.name} reads at least (L, E), but is fed {all_three}")
    if len({query.dtype, key.dtype, value.dtype}) > 1:
        message = f"{call.entry.name} needs one dtype, but is fed {query.dtype}, {key.dtype} and {value.dtype}"
        raise Misfit(message, code="dtype")
    message = f"{call.entry.name} cannot attend: {all_three}"
    conditions = _equal(query.shape[-1], key.shape[-1], Misfit(message, notes=("query and key need one width",)))
    conditions += _equal(key.shape[-2], value.shape[-2], Misfit(message, notes=("key and value need one length",)))
    batch, more = broadcast_shapes(call.entry.name, query.shape[:-2], key.shape[:-2])
    batch, most = broadcast_shapes(call.entry.name, batch, value.shape[:-2])
    length, source = query.shape[-2], key.shape[-2]
    masked = _mask(call, (*batch, length, source))
    cost = rows((*batch, length)) if batch else length
    return Made(
        result=TensorType((*batch, length, value.shape[-1]), query.dtype),
        multiply_adds=cost * source * (query.shape[-1] + value.shape[-1]),
        conditions=(*conditions, *more, *most, *masked),
    )


def encoder_layer(call: Call) -> Made:
    """TransformerEncoderLayer: (L, N, E), (N, L, E) with batch_first, or (L, E) -> the same shape."""
    given = tensor(call, 0, "src")
    demand_dims(call, given, (2, 3), "(L, N, E), (N, L, E) with batch_first, or (L, E)")
    width, inferred = agreed(call, "d_model", given.shape[-1], "features")
    demand_weights_dtype(call, given)
    _heads(call, "nhead", "d_model", width)
    hidden, biased = whole(call, "dim_feedforward", 1), argument(call, "bias") is not False
    shapes = {
        "self_attn.in_proj_weight": (3 * width, width),
        "self_attn.in_proj_bias": (3 * width,),
        "self_attn.out_proj.weight": (width, width),
        "self_attn.out_proj.bias": (width,),
        "linear1.weight": (hidden, width),
        "linear1.bias": (hidden,),
        "linear2.weight": (width, hidden),
        "linear2.bias": (width,),
        "norm1.weight": (width,),
        "norm1.bias": (width,),
        "norm2.weight": (width,),
        "norm2.bias": (width,),
    }
    _, length = _batch(call, given)
    return Made(
        result=given,
        arguments=inferred,
        parameters={name: shape for name, shape in shapes.items() if biased or not name.endswith("bias")},
        multiply_adds=length * (4 * width * width + 2 * width * hidden) + length * length * width * 2,
    )


def _heads(call: Call, name: str, width_name: str, width: int) -> int:
    heads = whole(call, name, 1)
    if width % heads:
        message = f"{call.entry.name} needs {width_name} to be a multiple of {name}, but {width} is none of {heads}"
        raise Misfit(message, argument=name)
    return heads


def _width(call: Call, name: str, given: TensorType, width: int) -> int:
    """The features of keys or values: `kdim` and `vdim`, which are embed_dim unless written."""
    expected = width if argument(call, name) is None else whole(call, name, 1)
    found = fixed(call, given.shape[-1], "number of features")
    if found != expected:
        what = {"kdim": "key", "vdim": "value"}[name]
        message = f"{call.entry.name} expects {expected} features in {what}, but it is {given}"
        written = name in call.arguments
        raise Misfit(
            message, argument=name if written else None, fix=f"{name} = {found}",
            replacement=f"{name} = {found}" if written else None,
        )  # fmt: skip
    return expected


def _batch(call: Call, given: TensorType) -> tuple[tuple[Size, ...], Size]:
    """(the batch size, if there is one; the length)."""
    if len(given.shape) == 2:
        return (), given.shape[0]
    first, second = given.shape[:2]
    return ((first,), second) if argument(call, "batch_first") is True else ((second,), first)


def _fits(call: Call, query: TensorType, key: TensorType, value: TensorType) -> Conditions:
    message = f"{call.entry.name} cannot attend: query {query}, key {key}, value {value}"
    (batch, _), (key_batch, source), (value_batch, length) = (_batch(call, each) for each in (query, key, value))
    conditions = _equal(source, length, Misfit(message, notes=("key and value need one length",)))
    for a, b in zip(batch + batch, key_batch + value_batch, strict=True):
        conditions += _equal(a, b, Misfit(message, notes=("all three need one batch size",)))
    return conditions


def _masks(call: Call, dtype: str, batch: tuple[Size, ...], heads: int, scores: tuple[Size, Size]) -> Conditions:
    """attn_mask (L, S), or one for each head of each image, (N * heads, L, S); key_padding_mask (N, S), or (S)."""
    each_head: Size = heads * batch[0] if batch else heads
    attended, padded = optional_tensor(call, 5, "attn_mask"), optional_tensor(call, 3, "key_padding_mask")
    conditions: Conditions = ()
    if attended is not None:
        conditions += _mask_of(call, "attn_mask", attended, dtype, (scores, (each_head, *scores)))
    if padded is not None:
        conditions += _mask_of(call, "key_padding_mask", padded, dtype, ((*batch, scores[1]),))
    return conditions


def _mask_of(call: Call, name: str, mask: TensorType, dtype: str, allowed: tuple[tuple[Size, ...], ...]) -> Conditions:
    forms = " or ".join(shape_text(each) for each in allowed)
    if mask.dtype not in ("bool", dtype):
        raise Misfit(f"{call.entry.name} reads {name} of bool or {dtype}, but it is {mask.dtype}", code="dtype")
    misfit = Misfit(f"{call.entry.name} reads {name} of {forms}, but it is {mask}")
    wanted = next((each for each in allowed if len(each) == len(mask.shape)), None)
    if wanted is None:
        raise misfit
    return tuple(each for a, b in zip(mask.shape, wanted, strict=True) for each in _equal(a, b, misfit))


def _equal(left: Size, right: Size, misfit: Misfit) -> Conditions:
    return () if left == right else needs_equal(left, right, misfit)


def _weights(call: Call, batch: tuple[Size, ...], heads: int, length: Size, source: Size, dtype: str) -> Value:
    """The attention weights, averaged over the heads unless told otherwise; None without `need_weights`."""
    if not _flag(call, "need_weights"):
        return NOTHING
    middle = () if _flag(call, "average_attn_weights") else (heads,)
    return TensorType((*batch, *middle, length, source), dtype)


def _flag(call: Call, name: str) -> bool:
    """A truth value of `forward`, fed by name or written as an argument; true unless said otherwise."""
    value: object = call.keyword_reads.get(name, call.arguments.get(name))
    return value is not False


def _multihead_parameters(call: Call, width: int, widths: tuple[int, int]) -> dict[str, tuple[int, ...]]:
    parameters: dict[str, tuple[int, ...]] = {}
    # torch keeps one matrix for the three where all widths are the same
    if widths == (width, width):
        parameters["in_proj_weight"] = (3 * width, width)
    else:
        for name, size in zip("qkv", (width, *widths), strict=True):
            parameters[f"{name}_proj_weight"] = (width, size)
    biased = argument(call, "bias") is not False
    if biased:
        parameters["in_proj_bias"] = (3 * width,)
    if argument(call, "add_bias_kv") is True:
        parameters["bias_k"] = parameters["bias_v"] = (1, 1, width)
    parameters["out_proj.weight"] = (width, width)
    if biased:
        parameters["out_proj.bias"] = (width,)
    return parameters


def _mask(call: Call, scores: tuple[Size, ...]) -> Conditions:
    mask = optional_tensor(call, 3, "attn_mask") if isinstance(operand(call, 3, "attn_mask"), TensorType) else None
    if mask is None:
        return ()
    shape, conditions = broadcast_shapes(call.entry.name, scores, mask.shape)
    if len(shape) > len(scores):
        raise Misfit(f"{call.entry.name} has scores of {TensorType(scores)}, but attn_mask is {mask}")
    return conditions


RULES: Mapping[str, Rule] = {
    "MultiheadAttention": multihead,
    "TransformerEncoderLayer": encoder_layer,
    "scaled_dot_product_attention": scaled_dot_product,
}
