"""What the texts of `fuzz_texts.py` are made of."""

from __future__ import annotations

from typing import Final

from dsl.catalogue.lookup import torch_names
from dsl.catalogue.own import OWN

# Values that stand nowhere rightly, or hardly anywhere. No 10,000: as a `repeat` it is right, and takes over a second
# (benchmarks/fuzz.md).
ODD: Final = [
    "1e400", "nan", "-inf", "9" * 400, "10000000000", "-1", "0", '""', '"é\\u0000"', "[]", "{}", "true", "1979-05-27",
    '[[1], "a"]', "{ a = { b = 1 } }", '"' + "x" * 3000 + '"', "[" * 80 + "]" * 80, '"${1 / 0}"', '"${9 ** 9 ** 9}"',
    '"${' + "(" * 300 + '"', '"${1e308 * 10}"', "\"${'a' * 10 ** 9}\"", '"${[0] * 10 ** 9}"', "0.5", "-0.0", "0x7f",
    '"""\na\n"""', "'${x}'", "[1, 2, 3]", "{ type = 1 }", "9223372036854775807", "9223372036854775808",
]  # fmt: skip
NAMES: Final = [
    "x", "y", "a", "b", "fc", "target", "output", "a-b", "0", "1", "self", "forward", "a.b", "B", "", "é",
]  # fmt: skip
TYPES: Final = [*OWN, *torch_names()]
# Layers that run on (N, C, H, W), most of them on any shape.
SOUND: Final = [
    '"Conv2d", out_channels = 4, kernel_size = 3, padding = 1', '"Conv2d", out_channels = 3, kernel_size = 1',
    '"BatchNorm2d"', '"Flatten"', '"Linear", out_features = 4', '"LayerNorm"', '"Dropout", p = 0.1', '"Identity"',
    '"add", other = "x"', '"cat", input = ["x", "x"], dim = 1', '"chunk", chunks = 2, dim = -1', '"mean", dim = -1',
    '"MaxPool2d", kernel_size = 2', '"reshape", shape = ["${x.shape[0]}", -1]', '"mul", other = 2.0', '"ReLU"',
    '"Parameter", shape = [4]', '"rearrange", pattern = "n ... c -> n c ..."', '"permute", dims = [0, 2, 3, 1]',
    '"LSTM", hidden_size = 4, batch_first = true', '"pad", pad = [1, 1]', '"interpolate", scale_factor = 2.0',
    '"MultiheadAttention", num_heads = 2, batch_first = true, input = ["x", "x", "x"]', '"topk", k = 2',
    '"AdaptiveAvgPool2d", output_size = 1', '"Embedding", num_embeddings = 10, embedding_dim = 4', '"tanh"',
    '"matmul", other = "x"', '"softmax", dim = -1', '"unbind", dim = 1',
]  # fmt: skip
SHAPES: Final = [
    *['["N", 3, 8, 8]'] * 8, '["N", 4]', '["N", "T", 4]', "[4]", '["N", 3, "H", "W"]', '["N", 4, 5]', "[]",
    '["N", 3, 4, 8, 8]', "[2, 3]", "[0, 4]", '["N"]',
]  # fmt: skip
VALUES: Final = [
    '"mean"', '"zeros"', '"int64"', '"n c h w -> n (h w) c"', '"relu"', '{ type = "ReLU" }', "{ tensor = [1, 2] }",
    "[[1, 2], [3, 4]]", "0.1",
]  # fmt: skip
STARTS: Final = [
    "0", "1e-6", '{ type = "normal_", std = 0.01 }', '{ weight = 0, "Conv2d.bias" = { type = "zeros_" } }', "[1, 2]",
    "{ bias = 1 }",
]  # fmt: skip
ATOMS: Final = [
    "x", "a", "fc", "n", "w", "i", "2", "0", "1.5", "-1", "none", "true", "inf", "x.shape[0]", "x.shape[-1]", "x.shape",
    "a.0", "a[0]", "[1, 2]", "...", "'s'", "fc.weight", "len(w)", "relu(x)", "sum(x, -1)", "max(x)", "w[0]", "x[:, 0]",
    "reshape(x, [x.shape[0], -1])", "10000000000", "1e308",
]  # fmt: skip
OPERATORS: Final = ["+", "-", "*", "/", "//", "%", "**", "@", "==", "<", "and", "or", "if x else", ",", "", ".", "<<"]
