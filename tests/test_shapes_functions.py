"""Merging, matrix products, reshaping, parts, padding, resizing, reducing: the rules against torch."""

from __future__ import annotations

from typing import Any

import pytest
from shapes_against_torch import agrees, agrees_or_both_object, call_of, objection, typed

from builder.shapes.call import Condition, TensorType
from builder.shapes.rules import shape
from builder.shapes.sizes import named

N, T = named("N"), named("T")
IMAGE = typed("N", 8, "H", "W")
BOX = typed("N", 4, 6, 10)


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "pow", "maximum", "minimum", "eq", "gt", "atan2"])
@pytest.mark.parametrize(
    ("left", "right"),
    [
        (typed("N", 4), typed("N", 4)),
        (typed("N", 4), typed(4)),
        (typed("N", 1, "W"), typed(3, 1)),
        (typed("N", 4), typed()),
        (typed("N", 4), typed("M", 4)),
        (typed("N", 4), typed("N", 5)),
    ],
    ids=str,
)
def test_two_tensors_are_broadcast_as_torch_does(name: str, left: TensorType, right: TensorType) -> None:
    if left.shape == (N, 4) and right.shape == (named("M"), 4):
        assert shape(call_of(name, {}, [left, right])).conditions == (Condition(text="N == M"),)
    else:
        agrees_or_both_object(name, {}, left, right)


DTYPES = ["bool", "uint8", "int8", "int32", "int64", "float16", "bfloat16", "float32", "float64"]


@pytest.mark.parametrize("left", DTYPES)
@pytest.mark.parametrize("right", DTYPES)
def test_dtypes_are_promoted_as_torch_does(left: str, right: str) -> None:
    for sizes in [("N",), ()]:
        for name in ("add", "sub", "div", "eq", "maximum"):
            agrees_or_both_object(name, {}, typed("N", dtype=left), typed(*sizes, dtype=right))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("number", [2, 2.5, True])
def test_numbers_are_promoted_as_torch_does(dtype: str, number: float) -> None:
    for name in ("add", "mul", "div", "gt"):
        agrees_or_both_object(name, {"other": number}, typed("N", 3, dtype=dtype))


@pytest.mark.parametrize("name", ["max", "min"])
def test_the_larger_of_two_tensors_is_broadcast_however_the_second_is_fed(name: str) -> None:
    agrees(name, {}, typed("N", 1), other=typed("N", 4))
    agrees(name, {}, typed("N", 1), typed("N", 4))


@pytest.mark.parametrize("name", ["floor_divide", "remainder", "fmod", "pow", "sub"])
@pytest.mark.parametrize("other", [True, 2])
def test_truth_values_are_no_numbers(name: str, other: float) -> None:
    for dtype in ("bool", "int64", "float32"):
        operand = {"exponent" if name == "pow" else "other": other}
        agrees_or_both_object(name, operand, typed("N", 3, dtype=dtype))
        agrees_or_both_object(name, {}, typed("N", 3, dtype=dtype), typed("N", 3, dtype="bool"))


FUNCTIONS: list[tuple[str, dict[str, Any], list[Any]]] = [
    ("cat", {"dim": 1}, [(IMAGE, typed("N", 3, "H", "W"), IMAGE)]),
    ("cat", {}, [(typed("N", 3), typed(2, 3, dtype="float64"))]),
    ("cat", {"dim": -1}, [(typed("N", "T"), typed("N", 5))]),
    ("stack", {"dim": 1}, [(IMAGE, IMAGE)]),
    ("stack", {"dim": -1}, [(typed("N"), typed("N", dtype="int64"))]),
    ("where", {}, [typed("N", 4, dtype="bool"), typed("N", 4), typed(4)]),
    ("where", {"other": 0.0}, [typed("N", 4, dtype="bool"), typed("N", 4, dtype="int64")]),
    ("masked_fill", {"value": 0.0}, [typed("N", 4), typed(4, dtype="bool")]),
    ("matmul", {}, [typed("N", "T", 6), typed("N", 6, 5)]),
    ("matmul", {}, [typed("N", 3, "T", 6), typed(6, 5)]),
    ("matmul", {}, [typed("N", 6), typed(6, 5)]),
    ("mm", {}, [typed("N", 6), typed(6, 5)]),
    ("bmm", {}, [typed("N", "T", 6), typed("N", 6, "T")]),
    ("addmm", {}, [typed(5), typed("N", 6), typed(6, 5)]),
    ("baddbmm", {}, [typed("N", "T", "T"), typed("N", "T", 6), typed("N", 6, "T")]),
    ("flatten", {"start_dim": 1}, [IMAGE]),
    ("flatten", {}, [typed("N", "T")]),
    ("flatten", {"start_dim": 1, "end_dim": -2}, [IMAGE]),
    ("Flatten", {}, [IMAGE]),
    ("Unflatten", {"dim": 1, "unflattened_size": [2, -1]}, [IMAGE]),
    ("unflatten", {"dim": -1, "sizes": [5, 2]}, [BOX]),
    ("view", {"size": [-1, 240]}, [BOX]),
    ("reshape", {"shape": [N, -1]}, [BOX]),
    ("reshape", {"shape": [-1, 8]}, [IMAGE]),
    ("reshape", {"shape": [-1, 7]}, [typed("N", "T")]),
    ("reshape", {"shape": [N * T, 6]}, [typed("N", "T", 6)]),
    ("squeeze", {}, [typed(1, 4, 1, 6)]),
    ("squeeze", {"dim": 1}, [typed("N", 1, "T")]),
    ("squeeze", {"dim": [1, 2]}, [typed("N", 1, 5)]),
    ("unsqueeze", {"dim": 0}, [IMAGE]),
    ("unsqueeze", {"dim": -1}, [IMAGE]),
    ("permute", {"dims": [0, 2, 3, 1]}, [IMAGE]),
    ("transpose", {"dim0": 1, "dim1": -1}, [IMAGE]),
    ("swapaxes", {"axis0": 1, "axis1": 2}, [IMAGE]),
    ("t", {}, [typed("N", "T")]),
    ("movedim", {"source": 1, "destination": -1}, [IMAGE]),
    ("movedim", {"source": [0, 1], "destination": [2, 0]}, [IMAGE]),
    ("flip", {"dims": [1]}, [IMAGE]),
    ("roll", {"shifts": 2, "dims": 1}, [IMAGE]),
    ("roll", {"shifts": 2}, [IMAGE]),
    ("chunk", {"chunks": 3, "dim": 2}, [BOX]),
    ("chunk", {"chunks": 4, "dim": 3}, [BOX]),
    ("chunk", {"chunks": 2, "dim": 2}, [IMAGE]),
    ("chunk", {"chunks": 7, "dim": 1}, [IMAGE]),
    ("split", {"split_size_or_sections": 4, "dim": 3}, [BOX]),
    ("split", {"split_size_or_sections": [1, 3], "dim": 1}, [BOX]),
    ("unbind", {"dim": 1}, [BOX]),
    ("narrow", {"dim": 1, "start": 1, "length": 2}, [BOX]),
    ("narrow", {"dim": 2, "start": -4, "length": 3}, [IMAGE]),
    ("select", {"dim": 1, "index": 0}, [typed("N", "T", 6)]),
    ("select", {"dim": 1, "index": -1}, [BOX]),
    ("expand", {"size": [-1, 5, T]}, [typed("N", 1, 1)]),
    ("expand", {"size": [3, -1]}, [typed(4)]),
    ("expand_as", {}, [typed(1, 4), typed("N", 4)]),
    ("repeat", {"repeats": [2, 1, 3]}, [typed("N", "T")]),
    ("tile", {"dims": [3]}, [typed("N", "T")]),
    ("tril", {}, [typed("T", "T")]),
    ("pad", {"pad": [1, 2]}, [IMAGE]),
    ("pad", {"pad": [1, 2, 0, -3], "value": 1.0}, [IMAGE]),
    ("pad", {"pad": [2, 2, 1, 1], "mode": "reflect"}, [IMAGE]),
    ("pad", {"pad": [3, 1], "mode": "circular"}, [typed("N", 2, "T")]),
    ("ZeroPad2d", {"padding": 2}, [IMAGE]),
    ("ZeroPad1d", {"padding": [1, 3]}, [typed("N", 2, "T")]),
    ("ConstantPad2d", {"padding": [1, 0, 2, 0], "value": 3.0}, [IMAGE]),
    ("ConstantPad3d", {"padding": -1, "value": 0.0}, [typed("N", 2, 4, "H", "W")]),
    ("ReflectionPad2d", {"padding": 3}, [IMAGE]),
    ("ReplicationPad2d", {"padding": [1, 2, 3, 4]}, [IMAGE]),
    ("CircularPad1d", {"padding": 2}, [typed("N", 2, "T")]),
    ("PixelShuffle", {"upscale_factor": 2}, [IMAGE]),
    ("pixel_shuffle", {"upscale_factor": 2}, [typed(4, "H", "W")]),
    ("PixelUnshuffle", {"downscale_factor": 2}, [IMAGE]),
    ("ChannelShuffle", {"groups": 4}, [IMAGE]),
    ("Upsample", {"scale_factor": 2}, [IMAGE]),
    ("Upsample", {"size": [5, 7], "mode": "bilinear"}, [IMAGE]),
    ("interpolate", {"size": 9}, [typed("N", 2, "T")]),
    ("interpolate", {"scale_factor": 0.5}, [IMAGE]),
    ("interpolate", {"scale_factor": [1.5, 0.25], "mode": "bicubic"}, [IMAGE]),
    ("interpolate", {"size": [224, 224], "mode": "bilinear"}, [typed("N", 1, 8, 8)]),
    ("sum", {}, [typed("N", "T")]),
    ("sum", {"dim": 1}, [typed("N", "T", dtype="int32")]),
    ("sum", {"dim": [1, 2], "keepdim": True}, [BOX]),
    ("mean", {"dim": [2, 3]}, [IMAGE]),
    ("mean", {}, [IMAGE]),
    ("mean", {"dtype": "float32"}, [typed("N", dtype="int64")]),
    ("amax", {"dim": 1}, [BOX]),
    ("amin", {}, [BOX]),
    ("max", {}, [BOX]),
    ("max", {"dim": 1}, [BOX]),
    ("min", {"dim": -1, "keepdim": True}, [BOX]),
    ("max", {}, [typed("N", 4), typed(4)]),
    ("median", {"dim": 1}, [BOX]),
    ("argmax", {"dim": 1}, [IMAGE]),
    ("argmin", {}, [IMAGE]),
    ("norm", {"dim": 1}, [IMAGE]),
    ("var", {"dim": [2, 3]}, [BOX]),
    ("std", {"dim": 1, "keepdim": True}, [BOX]),
    ("var_mean", {"dim": 1}, [BOX]),
    ("cumsum", {"dim": 1}, [typed("N", "T", dtype="int32")]),
    ("cummax", {"dim": 1}, [typed("N", "T")]),
    ("logsumexp", {"dim": 1}, [IMAGE]),
    ("prod", {"dim": 1}, [typed("N", "T", dtype="bool")]),
    ("any", {"dim": 1}, [typed("N", "T", dtype="bool")]),
    ("all", {}, [typed("N", "T")]),
    ("sort", {"dim": 1}, [typed("N", "T")]),
    ("argsort", {}, [typed("N", "T")]),
    ("topk", {"k": 2, "dim": 1}, [typed("N", "T")]),
    ("CosineSimilarity", {}, [typed("N", 6), typed("N", 6)]),
    ("cosine_similarity", {"dim": -1}, [typed("N", 1, 6), typed(1, 5, 6)]),
    ("PairwiseDistance", {"keepdim": True}, [typed("N", 6), typed("N", 6)]),
    ("pairwise_distance", {}, [typed("N", "T", 6), typed(6)]),
]


@pytest.mark.parametrize(("name", "arguments", "reads"), FUNCTIONS)
@pytest.mark.filterwarnings("ignore:Named tensors")
def test_function_agrees_with_torch(name: str, arguments: dict[str, Any], reads: list[Any]) -> None:
    agrees(name, arguments, *reads)


def test_a_tensor_fed_by_name_is_the_same() -> None:
    agrees("add", {"alpha": 2}, typed("N", 4), other=typed(4))


@pytest.mark.parametrize(
    ("name", "arguments", "reads", "conditions"),
    [
        ("reshape", {"shape": [-1, 7]}, [typed("N", "T")], ["(N * T) % 7 == 0"]),
        ("chunk", {"chunks": 2, "dim": 1}, [typed("N", "T")], ["T % 2 == 0"]),
        ("squeeze", {"dim": 1}, [typed("N", "T")], ["T >= 2"]),
        ("narrow", {"dim": 1, "start": 3, "length": 4}, [typed("N", "T")], ["T >= 7"]),
        ("topk", {"k": 5}, [typed("N", "T")], ["T >= 5"]),
        ("cat", {"dim": 0}, [(typed("N", "T"), typed("N", "W"))], ["T == W"]),
        ("add", {}, [TensorType((N, named("H") // 2 * 2)), typed("N", "H")], ["H % 2 == 0"]),
        ("PixelUnshuffle", {"downscale_factor": 4}, [typed("N", 1, "H", 8)], ["H % 4 == 0"]),
        ("pad", {"pad": [3, 3], "mode": "reflect"}, [typed("N", 2, "T")], ["T >= 4", "T >= 4"]),
        ("Upsample", {"scale_factor": 0.25}, [typed("N", 2, "T")], ["T >= 4"]),
    ],
)
def test_what_hangs_on_free_sizes_is_a_condition(
    name: str, arguments: dict[str, Any], reads: list[Any], conditions: list[str]
) -> None:
    assert [each.text for each in shape(call_of(name, arguments, reads)).conditions] == conditions


OBJECTIONS: list[tuple[str, dict[str, Any], list[Any], str]] = [
    ("add", {}, [typed("N", 64, 8, 8), typed("N", 32, 8, 8)], "add cannot match (N, 64, 8, 8) with (N, 32, 8, 8)"),
    ("cat", {"dim": 1}, [(typed("N", 3, 8), typed("N", 3, 9))],
     "cat reads tensors that agree in all dims but dim 1, but they are (N, 3, 8) and (N, 3, 9)"),
    ("stack", {}, [(typed("N", 3), typed("N", 4))], "stack reads tensors that agree, but they are (N, 3) and (N, 4)"),
    ("matmul", {}, [typed("N", 5), typed(4, 3)], "matmul cannot multiply (N, 5) by (4, 3)"),
    ("mm", {}, [typed("N", 2, 5), typed(5, 3)], "mm reads (n, k) and (k, m), but it is fed (N, 2, 5) and (5, 3)"),
    ("matmul", {}, [typed("N", 5), typed(5, 3, dtype="int64")],
     "matmul needs one dtype, but its inputs are float32 and int64"),
    ("reshape", {"shape": [-1, 7]}, [typed(3, 5)], "reshape cannot make (-1, 7) of (3, 5)"),
    ("view", {"size": [4, 4]}, [typed(3, 5)], "view cannot make (4, 4) of (3, 5)"),
    ("reshape", {"shape": [-1, -1]}, [typed(3, 5)], "reshape can work out one size (-1), but shape is (-1, -1)"),
    ("permute", {"dims": [0, 1]}, [IMAGE], "permute needs each of the 4 dims of (N, 8, H, W) once, but dims has 2"),
    ("permute", {"dims": [0, 1, 1, 2]}, [IMAGE], "permute has one dim twice in dims"),
    ("unsqueeze", {"dim": 5}, [typed("N", 3)], "unsqueeze has dim 5, but its input has 3 dims"),
    ("split", {"split_size_or_sections": 2, "dim": 1}, [typed("N", "T")],
     "split needs a fixed size in dim 1, but it is T"),
    ("split", {"split_size_or_sections": [2, 3], "dim": 1}, [typed("N", 6)],
     "split has parts of 5 in all, but dim 1 of (N, 6) has 6"),
    ("narrow", {"dim": 1, "start": 3, "length": 4}, [typed("N", 6)],
     "narrow takes 4 from 3 on in dim 1, but (N, 6) has 6 there"),
    ("expand", {"size": [3, 4]}, [typed(2, 1)], "expand cannot stretch (2, 1) to (3, 4)"),
    ("repeat", {"repeats": [2]}, [typed("N", 3)], "repeat needs a number for each of the 2 dims of (N, 3), but has 1"),
    ("PixelShuffle", {"upscale_factor": 3}, [typed("N", 8, 4, 4)],
     "PixelShuffle needs channels that are a multiple of 9 (3 * 3), but its input has 8"),
    ("interpolate", {"size": 4, "mode": "bilinear"}, [typed("N", 2, "T")],
     "interpolate with mode \"bilinear\" reads an image of 2 dims after (N, C), but its input is (N, 2, T)"),
    ("interpolate", {}, [IMAGE], "interpolate needs size or scale_factor"),
    ("ReflectionPad1d", {"padding": 4}, [typed("N", 2, 4)],
     "ReflectionPad1d cannot take 4 numbers (reflect) from a dim of 4"),
    ("mean", {}, [typed("N", dtype="int64")], "mean reads floating-point numbers, but its input is int64"),
    ("sum", {"dim": 2}, [typed("N", 3)], "sum has dim 2, but its input has 2 dims"),
    ("topk", {"k": 5}, [typed("N", 4)], "topk picks 5 of dim 1, but its input (N, 4) has 4 there"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "reads", "message"), OBJECTIONS)
def test_objections(name: str, arguments: dict[str, Any], reads: list[Any], message: str) -> None:
    assert objection(name, arguments, *reads).message == message


def test_what_fails_to_match_is_told_dim_by_dim() -> None:
    assert objection("add", {}, typed("N", 64, 8), typed("N", 32, 8)).notes == (
        "dim -2 has 64 in the first and 32 in the second",
    )
    assert objection("matmul", {}, typed("N", 5), typed(4, 3)).notes == ("the first has 5 columns, the second 4 rows",)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("zeros", {"size": [N, 3]}),
        ("ones", {"size": [2, T], "dtype": "int64"}),
        ("rand", {"size": [4]}),
        ("randn", {"size": [N, T]}),
        ("full", {"size": [N], "fill_value": 2}),
        ("full", {"size": [N], "fill_value": 0.5}),
        ("arange", {"end": T}),
        ("arange", {"start": 2, "end": T + 3, "step": 2}),
        ("arange", {"start": 9, "end": 1, "step": -3, "dtype": "float32"}),
    ],
)
def test_tensors_out_of_nothing_agree_with_torch(name: str, arguments: dict[str, Any]) -> None:
    agrees(name, arguments)


def test_picking_agrees_with_torch() -> None:
    agrees("gather", {"dim": 1}, typed("N", 6), index=typed("N", 3, dtype="int64"))
    agrees("index_select", {"dim": 1}, typed("N", 6), index=typed("T", dtype="int64"))
    agrees("view_as", {}, typed("N", 6), typed("N", 2, 3))
    agrees("Unfold", {"kernel_size": [3, 2], "stride": 2, "padding": [1, 0]}, typed("N", 4, "H", "W"))
    agrees("unfold", {"kernel_size": 2, "dilation": 3}, typed(4, "H", "W"))
