"""Linear layers, normalisation, element by element, recurrent layers, attention: the rules against torch."""

from __future__ import annotations

from typing import Any

import pytest
from shapes_against_torch import agrees, agrees_or_both_object, call_of, objection, typed

from builder.shapes.call import ChoiceType, Condition, TensorType
from builder.shapes.rules import shape
from builder.shapes.sizes import Free, worked_out

N_IMAGE, N_ROW, N_SEQUENCE = ("N", 6, "H", "W"), ("N", 6), ("N", "T", 6)

LAYERS: list[tuple[str, dict[str, Any], list[tuple[int | str, ...]]]] = [
    ("Linear", {"out_features": 5}, [N_ROW, N_SEQUENCE, (6,)]),
    ("Linear", {"out_features": 5, "in_features": 6, "bias": False}, [N_ROW]),
    ("BatchNorm1d", {}, [("N", 6, "T")]),
    ("BatchNorm1d", {"affine": False}, [("M", 6)]),
    ("BatchNorm2d", {"track_running_stats": False, "num_features": 6}, [N_IMAGE]),
    ("BatchNorm2d", {"bias": False}, [N_IMAGE]),
    ("BatchNorm3d", {"affine": False, "track_running_stats": False}, [("N", 6, 4, "H", "W")]),
    ("InstanceNorm1d", {}, [("N", 6, "T"), (6, "T")]),
    ("InstanceNorm2d", {"affine": True, "track_running_stats": True}, [N_IMAGE, (6, "H", "W")]),
    ("InstanceNorm3d", {"affine": True}, [("N", 6, 4, "H", "W")]),
    ("GroupNorm", {"num_groups": 3}, [N_IMAGE, ("N", 6, "T")]),
    ("GroupNorm", {"num_groups": 2, "affine": False}, [N_IMAGE]),
    ("LayerNorm", {}, [N_ROW, N_SEQUENCE, (6,)]),
    ("LayerNorm", {"normalized_shape": [4, 6], "bias": False}, [("N", 4, 6)]),
    ("LayerNorm", {"normalized_shape": 6, "elementwise_affine": False}, [N_SEQUENCE]),
    ("RMSNorm", {}, [N_SEQUENCE]),
    ("RMSNorm", {"normalized_shape": [4, 6]}, [("N", 4, 6)]),
    ("LocalResponseNorm", {"size": 2}, [N_IMAGE, ("N", 6, "T")]),
    ("layer_norm", {"normalized_shape": [6]}, [N_SEQUENCE]),
    ("rms_norm", {"normalized_shape": [6]}, [N_SEQUENCE]),
    ("group_norm", {"num_groups": 3}, [N_IMAGE]),
    ("local_response_norm", {"size": 3}, [N_IMAGE]),
    ("normalize", {"dim": -1}, [N_SEQUENCE]),
    ("PReLU", {}, [N_ROW, N_IMAGE]),
    ("PReLU", {"num_parameters": 6}, [N_ROW, N_IMAGE]),
    ("GLU", {}, [N_SEQUENCE]),
    ("GLU", {"dim": 1}, [("N", "H", 3)]),
    ("glu", {"dim": -1}, [("N", "W")]),
    ("Softmax", {"dim": 1}, [N_ROW]),
    ("LogSoftmax", {"dim": -1}, [N_IMAGE]),
    ("Softmin", {"dim": 0}, [N_ROW]),
    ("Softmax2d", {}, [N_IMAGE, (6, "H", "W")]),
    ("softmax", {"dim": -1, "dtype": "float64"}, [N_ROW]),
    ("log_softmax", {"dim": 1}, [N_ROW]),
    ("Dropout", {"p": 0.3}, [N_ROW]),
    ("Dropout1d", {}, [("N", 6, "T"), (6, "T")]),
    ("Dropout3d", {}, [("N", 6, 4, "H", "W")]),
    ("dropout2d", {"p": 0.5}, [N_IMAGE]),
    ("clamp", {"min": 0, "max": 1.5}, [N_ROW]),
    ("RNN", {"hidden_size": 5}, [("T", "N", 6), ("T", 6)]),
    ("RNN", {"hidden_size": 5, "num_layers": 2, "bias": False, "nonlinearity": "relu"}, [("T", "N", 6)]),
    ("GRU", {"hidden_size": 5, "bidirectional": True, "num_layers": 2, "batch_first": True}, [N_SEQUENCE, ("T", 6)]),
    ("RNNCell", {"hidden_size": 5}, [N_ROW, (6,)]),
    ("GRUCell", {"hidden_size": 5, "bias": False}, [N_ROW]),
    ("LSTMCell", {"hidden_size": 5}, [N_ROW]),
]


@pytest.mark.parametrize(("name", "arguments", "inputs"), LAYERS)
def test_layer_agrees_with_torch(name: str, arguments: dict[str, Any], inputs: list[tuple[int | str, ...]]) -> None:
    for sizes in inputs:
        agrees(name, arguments, typed(*sizes))


ELEMENTWISE = [
    "AlphaDropout", "CELU", "ELU", "FeatureAlphaDropout", "GELU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh",
    "Identity", "LeakyReLU", "LogSigmoid", "Mish", "RReLU", "ReLU", "ReLU6", "SELU", "SiLU", "Sigmoid", "Softplus",
    "Softshrink", "Softsign", "Tanh", "Tanhshrink", "abs", "acos", "acosh", "alpha_dropout", "asin", "asinh", "atan",
    "atanh", "ceil", "celu", "clone", "contiguous", "cos", "cosh", "deg2rad", "detach", "digamma", "dropout", "elu",
    "erf", "erfc", "erfinv", "exp", "exp2", "expm1", "feature_alpha_dropout", "floor", "frac", "gelu", "hardshrink",
    "hardsigmoid", "hardswish", "hardtanh", "isfinite", "isinf", "isnan", "leaky_relu", "lgamma", "log", "log10",
    "log1p", "log2", "logical_not", "logsigmoid", "mish", "neg", "ones_like", "positive", "rad2deg", "rand_like",
    "randn_like", "reciprocal", "relu", "relu6", "round", "rrelu", "rsqrt", "selu", "sigmoid", "sign", "signbit",
    "silu", "sin", "sinc", "sinh", "softplus", "softshrink", "softsign", "sqrt", "square", "tan", "tanh",
    "trunc", "zeros_like", "bool", "double", "float", "half", "int", "long",
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "bool"])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_element_by_element_agrees_with_torch_on_every_dtype(name: str, dtype: str) -> None:
    arguments = {"training": True} if name in ("alpha_dropout", "feature_alpha_dropout") else {}
    agrees_or_both_object(name, arguments, typed("N", 6, dtype=dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
@pytest.mark.parametrize("name", ["Softmax", "LogSoftmax", "Softmin", "softmax", "log_softmax", "softmin"])
def test_softmax_agrees_with_torch_on_every_dtype(name: str, dtype: str) -> None:
    agrees_or_both_object(name, {"dim": 1}, typed("N", 6, dtype=dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
@pytest.mark.parametrize("limits", [{"min": 0}, {"min": 0.5}, {"max": 2, "min": 1.0}], ids=str)
def test_clamp_agrees_with_torch_on_every_dtype(limits: dict[str, Any], dtype: str) -> None:
    agrees_or_both_object("clamp", limits, typed("N", 6, dtype=dtype))


def test_cast_agrees_with_torch() -> None:
    agrees("to", {"dtype": "float64"}, typed("N", 6, dtype="int64"))


@pytest.mark.parametrize(
    ("arguments", "sizes"),
    [({}, ("T", "N", 6)), ({"batch_first": True, "num_layers": 2}, N_SEQUENCE), ({}, ("T", 6)),
     ({"bidirectional": True, "proj_size": 2, "num_layers": 2}, ("T", "N", 6))],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
def test_lstm_agrees_with_torch(arguments: dict[str, Any], sizes: tuple[int | str, ...]) -> None:
    """Its multiply-adds are told by hand: the CPU's kernel for LSTM is one that torch's counter does not look into."""
    made = agrees("LSTM", {"hidden_size": 5, **arguments}, typed(*sizes), counted=False)
    matrices = [shape for name, shape in made.parameters.items() if name.startswith("weight")]
    by_hand = 12 * sum(rows * columns for rows, columns in matrices)
    assert worked_out(made.multiply_adds, {"N": 1, "T": 12}) == by_hand


def test_recurrent_layers_take_a_first_state() -> None:
    agrees("GRU", {"hidden_size": 5}, typed("T", "N", 6), typed(1, "N", 5))
    state = typed(1, "N", 5)
    agrees("LSTM", {"hidden_size": 5}, typed("T", "N", 6), (state, state), counted=False)
    agrees("LSTMCell", {"hidden_size": 5}, typed("N", 6), (typed("N", 5), typed("N", 5)))
    found = objection("GRU", {"hidden_size": 5}, typed("T", "N", 6), typed(2, "N", 5))
    assert found.message == "GRU reads a first state (hx) of (1, N, 5), but it is (2, N, 5)"


@pytest.mark.parametrize(
    "arguments",
    [
        {"num_heads": 2},
        {"num_heads": 3, "batch_first": True},
        {"num_heads": 1, "bias": False, "add_zero_attn": True},
        {"num_heads": 2, "add_bias_kv": True},
    ],
    ids=str,
)
def test_self_attention_agrees_with_torch(arguments: dict[str, Any]) -> None:
    batched = N_SEQUENCE if arguments.get("batch_first") else ("T", "N", 6)
    for sizes in (batched, ("T", 6)):
        # the bias rows that add_bias_kv adds are not of a matrix product with the input
        agrees("MultiheadAttention", arguments, typed(*sizes), typed(*sizes), typed(*sizes))


def test_attention_to_another_sequence_agrees_with_torch() -> None:
    query, key, value = typed("N", "T", 6), typed("N", "W", 4), typed("N", "W", 8)
    agrees("MultiheadAttention", {"num_heads": 2, "batch_first": True, "kdim": 4, "vdim": 8}, query, key, value)
    found = objection("MultiheadAttention", {"num_heads": 2, "batch_first": True}, query, key, value)
    assert found.message == "MultiheadAttention expects 6 features in key, but it is (N, W, 4)"
    assert found.fix == "kdim = 4"


def test_dot_product_attention_agrees_with_torch() -> None:
    query, key, value = typed("N", 2, "T", 6), typed("N", 2, "W", 6), typed("N", 2, "W", 4)
    made = agrees("scaled_dot_product_attention", {}, query, key, value, counted=False)
    assert worked_out(made.multiply_adds, {"T": 3, "W": 5}) == 2 * 3 * 5 * (6 + 4)
    agrees("scaled_dot_product_attention", {}, query, key, value, typed("T", "W"), counted=False)


def test_encoder_layer_agrees_with_torch() -> None:
    arguments = {"nhead": 2, "dim_feedforward": 10, "dropout": 0.0}
    agrees("TransformerEncoderLayer", {**arguments, "batch_first": True}, typed("N", "T", 6), counted=False)
    agrees("TransformerEncoderLayer", {**arguments, "bias": False}, typed("T", "N", 6), counted=False)


@pytest.mark.parametrize(("name", "width"), [("embedding", None), ("Embedding", 5)])
def test_embedding_agrees_with_torch(name: str, width: int | None) -> None:
    indices = typed("N", "T", dtype="int64")
    if width is None:
        agrees(name, {}, indices, typed(7, 5))
    else:
        agrees(name, {"num_embeddings": 7, "embedding_dim": width, "padding_idx": 0}, indices)
        agrees(name, {"num_embeddings": 7, "embedding_dim": width}, typed("N", dtype="int32"))


def test_other_linear_layers_agree_with_torch() -> None:
    agrees("Bilinear", {"out_features": 3}, typed("N", 4), typed("N", 5), counted=False)
    agrees("linear", {}, typed("N", "T", 6), typed(4, 6), typed(4))
    agrees("one_hot", {"num_classes": 4}, typed("N", "T", dtype="int64"))


@pytest.mark.parametrize(("arguments", "sizes", "each"), [
    (("Linear", {"out_features": 5}), (9, 6), 9 * 6 * 5),
    (("Conv2d", {"out_channels": 5, "kernel_size": 1}), (6, 3, 3), 6 * 5 * 9),
])  # fmt: skip
def test_windows_of_a_batch_count_as_often_as_a_sample_has_them(
    arguments: tuple[str, dict[str, Any]], sizes: tuple[int, ...], each: int
) -> None:
    name, given = arguments
    windows = TensorType((4 * Free.named("N"), *sizes))
    assert shape(call_of(name, given, [windows])).multiply_adds == 4 * each


def test_own_layers_are_shaped_by_hand_calculation() -> None:
    mean = shape(call_of("MeanSubtract", {}, [typed("N", 4)]))
    assert mean.result == typed("N", 4)
    chain = shape(call_of("ParameterList", {"shapes": [[4, 4], [4, 3], [3, 1]]}, [typed("N", 4)]))
    assert (chain.result, chain.multiply_adds) == (typed("N", 1), 4 * 4 + 4 * 3 + 3)
    assert list(chain.parameters.items()) == [("0", (4, 4)), ("1", (4, 3)), ("2", (3, 1))]


@pytest.mark.parametrize(("option", "width"), [("linear1", 4), ("linear2", 1), ("linear3", 2)])
def test_a_choice_picks_its_matrix(option: str, width: int) -> None:
    shapes = {"linear1": [4, 4], "linear2": [4, 1], "linear3": [4, 2]}
    choice = ChoiceType(option, ("linear1", "linear2", "linear3"))
    made = shape(call_of("ParameterDict", {"shapes": shapes}, [typed("N", 4), choice]))
    assert made.result == typed("N", width)
    assert made.parameters == {"linear1": (4, 4), "linear2": (4, 1), "linear3": (4, 2)}


def test_a_choice_without_a_matrix_is_told() -> None:
    choice = ChoiceType("c", ("a", "c"))
    found = objection("ParameterDict", {"shapes": {"a": [4, 1], "b": [4, 2]}}, typed("N", 4), choice)
    assert found.message == "ParameterDict has no matrix `c`, which the choice may be; it has a, b"


def test_wrong_features_are_told_as_the_language_shows() -> None:
    found = objection("Linear", {"in_features": 5400, "out_features": 4096}, typed("N", 6400))
    assert found.message == "Linear expects 5400 features, but its input has 6400"
    assert found.fix == "in_features = 6400, or leave in_features out"
    assert (found.argument, found.replacement) == ("in_features", "in_features = 6400")


def test_free_features_are_told_by_their_name() -> None:
    found = objection("Linear", {"out_features": 10}, typed("N", "T"))
    assert found.message == "Linear needs a fixed number of features, but its input has T"
    assert (found.fix, found.code) == ("give T a number in the model's inputs", "free")


OBJECTIONS: list[tuple[str, dict[str, Any], TensorType, str]] = [
    ("Linear", {"out_features": 1}, typed("N", 4, dtype="int64"), "Linear reads float32, but its input is int64"),
    ("BatchNorm2d", {}, typed("N", 4), "BatchNorm2d reads (N, C, H, W), but its input is (N, 4)"),
    ("BatchNorm2d", {"num_features": 3}, typed("N", 4, 5, 5), "BatchNorm2d expects 3 channels, but its input has 4"),
    (
        "GroupNorm",
        {"num_groups": 4},
        typed("N", 6, 5),
        "GroupNorm needs its channels to be a multiple of num_groups, but 6 is none of 4",
    ),
    ("LayerNorm", {"normalized_shape": 5}, typed("N", 6), "LayerNorm normalises over (5,), but its input is (N, 6)"),
    ("Embedding", {"num_embeddings": 9, "embedding_dim": 2}, typed("N", 6),
     "Embedding reads whole numbers (int64 or int32), but its input is float32"),
    ("Softmax", {"dim": 2}, typed("N", 6), "Softmax has dim 2, but its input has 2 dims"),
    ("GLU", {}, typed("N", 5), "GLU halves dim 1, which must be even, but its input has 5 there"),
    ("PReLU", {"num_parameters": 4}, typed("N", 6), "PReLU has 4 slopes, but its input has 6 channels"),
    ("LSTM", {"hidden_size": 4}, typed("N", 1, 2, 3),
     "LSTM reads (T, N, C), (N, T, C) with batch_first, or (T, C), but its input is (N, 1, 2, 3)"),
    ("ParameterList", {"shapes": [[5, 4]]}, typed("N", 6),
     "ParameterList multiplies (N, 6) by its matrix 0 of (5, 4), which does not fit"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "given", "message"), OBJECTIONS)
def test_objections(name: str, arguments: dict[str, Any], given: TensorType, message: str) -> None:
    assert objection(name, arguments, given).message == message


def test_gating_a_free_size_is_a_condition() -> None:
    assert shape(call_of("GLU", {}, [typed("N", "T")])).conditions == (Condition(text="T % 2 == 0"),)
