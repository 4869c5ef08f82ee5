"""Arguments that are layers, functions or tensors: how they stand in generated source, and what they do."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import dsl
from builder.building import elaborate, module_of
from builder.codegen import source_of

MODEL = "[model]\ninputs = {{ {inputs} }}\nlayers = [{{ name = 'layer', {layer} }}]\n"
ROWS = 'x = ["N", 4], y = ["N", 4], z = ["N", 4]'
SEQUENCE = "x = [5, 2, 8]"
ATTENTION = "type = 'scaled_dot_product_attention', input = ['x', 'x', 'x'], dropout_p = 0.1"
CLASSES = 'x = ["N", 3], y = { shape = ["N"], dtype = "int64" }'

WRITTEN = [
    (
        ROWS,
        "type = 'TripletMarginWithDistanceLoss', input = ['x', 'y', 'z'], distance_function = "
        "{ type = 'PairwiseDistance', p = 1.0 }",
        "nn.TripletMarginWithDistanceLoss(distance_function=nn.PairwiseDistance(p=1.0))",
    ),
    (
        SEQUENCE,
        "type = 'TransformerEncoderLayer', nhead = 2, activation = { type = 'gelu', approximate = 'tanh' }",
        'activation=functools.partial(F.gelu, approximate="tanh")',
    ),
    (
        SEQUENCE,
        "type = 'TransformerEncoder', num_layers = 1, encoder_layer = { type = 'TransformerEncoderLayer', d_model = 8, "
        "nhead = 2, activation = { type = 'gelu' } }, norm = { type = 'LayerNorm', normalized_shape = [8] }",
        "nn.TransformerEncoder(encoder_layer=nn.TransformerEncoderLayer(d_model=8, nhead=2, "
        "activation=F.gelu), num_layers=1, norm=nn.LayerNorm(normalized_shape=(8,)))",
    ),
    (
        CLASSES,
        "type = 'CrossEntropyLoss', input = ['x', 'y'], weight = [1.0, 2.0, inf]",
        'nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, float("inf")]))',
    ),
    (
        CLASSES,
        "type = 'BCEWithLogitsLoss', input = ['x', 'x'], pos_weight = { tensor = [1, 2, 3], dtype = 'float64' }",
        "pos_weight=torch.tensor([1, 2, 3], dtype=torch.float64)",
    ),
    (
        CLASSES,
        "type = 'LinearCrossEntropyLoss', input = ['x', 'y'], num_classes = 4, options = "
        "{ type = 'LinearCrossEntropyOptions', acc_policy = 'compact', acc_dtype = 'float64' }",
        'options=nn.LinearCrossEntropyOptions(acc_policy="compact", acc_dtype=torch.float64)',
    ),
    (
        ROWS,
        "type = 'masked_fill', input = 'x', mask = [true, false, false, true], value = '${-inf}'",
        'x.masked_fill(mask=torch.tensor([True, False, False, True], device=x.device), value=float("-inf"))',
    ),
    (
        ROWS,
        "type = 'index_select', input = 'x', dim = 1, index = [0, 2]",
        "torch.index_select(x, dim=1, index=torch.tensor([0, 2], device=x.device))",
    ),
    (ROWS, "type = 'einsum', equation = 'ni,ni->n', input = ['x', 'y']", "torch.einsum(\"ni,ni->n\", *[x, y])"),
    (ROWS, "type = 'to', input = 'x', dtype = 'float64'", "x.to(dtype=torch.float64)"),
    (ROWS, "type = 'to', input = 'x', other = 'y'", "x.to(y)"),
    (
        "x = [2, 3, 5, 4]",
        ATTENTION,
        "F.scaled_dot_product_attention(x, x, x, dropout_p=0.1 if self.training else 0.0)",
    ),
    (ROWS, "type = 'dropout', input = 'x', p = 0.1", "F.dropout(x, p=0.1, training=self.training)"),
    (ROWS, "type = 'dropout', input = 'x', p = 0.1, training = true", "F.dropout(x, p=0.1, training=True)"),
    (ROWS, "type = 'clamp', input = 'x', min = 'y', max = 'z'", "torch.clamp(x, min=y, max=z)"),
    (ROWS, "type = 'pow', self = 2.0, input = 'x'", "torch.pow(exponent=x, self=2.0)"),
    (ROWS, "type = 'normal', mean = 0.0, std = 1.0, size = [2, 3]", "torch.normal(mean=0.0, std=1.0, size=(2, 3)"),
]  # fmt: skip


def source(inputs: str, layer: str) -> str:
    return source_of(elaborate(dsl.loads(MODEL.format(inputs=inputs, layer=layer))))


@pytest.mark.parametrize(("inputs", "layer", "expected"), WRITTEN, ids=[each[1].split("'")[1] for each in WRITTEN])
def test_calls_as_they_are_written(inputs: str, layer: str, expected: str) -> None:
    assert expected in " ".join(source(inputs, layer).split()).replace("( ", "(").replace(", )", ")")


def built(inputs: str, layer: str) -> Any:
    torch.manual_seed(0)
    return module_of(elaborate(dsl.loads(MODEL.format(inputs=inputs, layer=layer))))


def test_a_function_with_a_settled_argument_is_the_function() -> None:
    made = built(SEQUENCE, WRITTEN[1][1]).eval()
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, activation=lambda x: F.gelu(x, approximate="tanh")).eval()
    x = torch.randn(5, 2, 8)
    assert torch.equal(made(x), layer(x))


def test_a_layer_of_this_project_as_a_value_stands_in_the_source() -> None:
    inside = "{ type = 'TransformerEncoderLayer', d_model = 8, nhead = 2, activation = { type = 'MeanSubtract' } }"
    layer = f"type = 'TransformerEncoder', num_layers = 1, enable_nested_tensor = false, encoder_layer = {inside}"
    made, x = built(SEQUENCE, layer).eval(), torch.randn(5, 2, 8)
    torch.manual_seed(0)
    inner = nn.TransformerEncoderLayer(8, 2, activation=lambda x: x - x.mean())
    assert torch.equal(made(x), nn.TransformerEncoder(inner, 1, enable_nested_tensor=False).eval()(x))


def test_attention_drops_weights_in_training_alone() -> None:
    made, x = built("x = [2, 3, 5, 4]", ATTENTION), torch.randn(2, 3, 5, 4)
    assert torch.equal(made.eval()(x), F.scaled_dot_product_attention(x, x, x))
    assert not torch.equal(made.train()(x), F.scaled_dot_product_attention(x, x, x))


def test_an_array_of_tensors_in_order_of_what_a_module_reads() -> None:
    """`need_weights` stands between the masks in MultiheadAttention's forward, and is no tensor."""
    inputs = 'q = ["N", 5, 8], pad = { shape = ["N", 5], dtype = "bool" }, mask = { shape = [5, 5], dtype = "bool" }'
    layer = "type = 'MultiheadAttention', num_heads = 2, batch_first = true, input = ['q', 'q', 'q', 'pad', 'mask']"
    made, q = built(inputs, layer).eval(), torch.randn(3, 5, 8)
    pad, mask = torch.zeros(3, 5).bool(), torch.ones(5, 5).triu(1).bool()
    found, expected = made(q, pad, mask), made.layer(q, q, q, key_padding_mask=pad, attn_mask=mask)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
