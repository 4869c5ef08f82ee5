"""Convolutions and pooling: the rules against torch, and what they object to."""

from __future__ import annotations

import itertools

import pytest
from shapes_against_torch import agrees, call_of, objection, typed

from builder.shapes.call import Condition, TensorType
from builder.shapes.rules import shape
from builder.shapes.sizes import named

IMAGES = {
    1: [("N", 4, "T"), (4, 9), (1, 4, 30)],
    2: [("N", 4, "H", "W"), (4, 9, 11), ("N", 4, "H", 12)],
    3: [("N", 4, 6, "H", "W"), (4, 7, 8, 9)],
}
CONVOLUTIONS = [
    {"kernel_size": 3},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": 1, "bias": False},
    {"kernel_size": 5, "padding": "same"},
    {"kernel_size": 3, "padding": "valid", "stride": 3},
    {"kernel_size": 2, "dilation": 3, "groups": 2},
    {"kernel_size": 3, "padding": 2, "padding_mode": "reflect"},
    {"kernel_size": 3, "padding": 2, "padding_mode": "circular", "in_channels": 4},
]


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("arguments", CONVOLUTIONS, ids=str)
def test_convolution_agrees_with_torch(dims: int, arguments: dict[str, object]) -> None:
    for sizes in IMAGES[dims]:
        agrees(f"Conv{dims}d", {"out_channels": 6, **arguments}, typed(*sizes))


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize(
    "arguments",
    [
        {"kernel_size": 3},
        {"kernel_size": 2, "stride": 2},
        {"kernel_size": 4, "stride": 2, "padding": 1, "output_padding": 1, "groups": 2},
        {"kernel_size": 3, "stride": 3, "dilation": 2, "bias": False},
    ],
    ids=str,
)
def test_transposed_convolution_agrees_with_torch(dims: int, arguments: dict[str, object]) -> None:
    for sizes in IMAGES[dims]:
        agrees(f"ConvTranspose{dims}d", {"out_channels": 6, **arguments}, typed(*sizes))


def test_convolution_with_a_number_for_each_dim_agrees_with_torch() -> None:
    arguments = {"out_channels": 5, "kernel_size": [3, 5], "stride": [1, 2], "padding": [0, 2], "dilation": [2, 1]}
    agrees("Conv2d", arguments, typed("N", 4, "H", "W"))


def test_convolution_function_agrees_with_torch() -> None:
    agrees("conv2d", {"padding": 1}, typed("N", 4, "H", "W"), typed(6, 4, 3, 3), bias=typed(6))
    agrees("conv1d", {"stride": 2, "groups": 2}, typed("N", 4, "T"), typed(6, 2, 3))


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "ceil"),
    [
        (kernel, stride, padding, ceil)
        for kernel, stride, padding, ceil in itertools.product([2, 3, 5], [None, 1, 2, 4, 7], [0, 1, 2], [False, True])
        if padding <= kernel // 2
    ],
)
def test_pooling_agrees_with_torch(kernel: int, stride: int | None, padding: int, ceil: bool) -> None:
    arguments: dict[str, object] = {"kernel_size": kernel, "padding": padding, "ceil_mode": ceil}
    if stride is not None:
        arguments["stride"] = stride
    for name in ("MaxPool2d", "AvgPool2d", "max_pool2d"):
        agrees(name, arguments, typed("N", 3, "H", "W"))
        for height in range(kernel, 12):
            agrees(name, arguments, typed(1, height, 11))


@pytest.mark.parametrize(
    ("name", "arguments", "sizes"),
    [
        ("MaxPool1d", {"kernel_size": 2, "dilation": 2}, ("N", 3, "T")),
        ("MaxPool3d", {"kernel_size": [2, 3, 1]}, ("N", 3, 5, "H", "W")),
        ("MaxPool2d", {"kernel_size": 3, "stride": 2, "return_indices": True}, ("N", 3, "H", "W")),
        ("max_pool2d", {"kernel_size": 3, "return_indices": True}, ("N", 3, "H", "W")),
        ("AvgPool1d", {"kernel_size": 3, "padding": 1}, ("N", 3, "T")),
        ("AvgPool3d", {"kernel_size": 2, "ceil_mode": True}, ("N", 3, 5, "H", "W")),
        ("avg_pool2d", {"kernel_size": 3, "stride": 1}, (3, "H", "W")),
        ("LPPool1d", {"norm_type": 2, "kernel_size": 3}, ("N", 3, "T")),
        ("LPPool2d", {"norm_type": 2, "kernel_size": 3, "ceil_mode": True}, ("N", 3, "H", "W")),
        ("LPPool3d", {"norm_type": 2, "kernel_size": 2}, ("N", 3, 5, "H", "W")),
        ("lp_pool2d", {"norm_type": 2.0, "kernel_size": 2, "stride": 1}, ("N", 3, "H", "W")),
        ("AdaptiveAvgPool1d", {"output_size": 5}, ("N", 3, "T")),
        ("AdaptiveAvgPool2d", {"output_size": 1}, ("N", 3, "H", "W")),
        ("AdaptiveAvgPool2d", {"output_size": [None, 7]}, ("N", 3, "H", "W")),
        ("AdaptiveAvgPool3d", {"output_size": [2, 3, 4]}, (3, 5, "H", "W")),
        ("AdaptiveMaxPool2d", {"output_size": 3, "return_indices": True}, ("N", 3, "H", "W")),
        ("AdaptiveMaxPool1d", {"output_size": 3}, (3, "T")),
        ("adaptive_avg_pool2d", {"output_size": [2, 3]}, ("N", 3, "H", "W")),
        ("adaptive_max_pool2d", {"output_size": 2}, ("N", 3, "H", "W")),
    ],
)
def test_other_pooling_agrees_with_torch(name: str, arguments: dict[str, object], sizes: tuple[int | str, ...]) -> None:
    agrees(name, arguments, typed(*sizes))


def test_a_kernel_that_does_not_fit_is_told_with_the_formula() -> None:
    found = objection("Conv2d", {"out_channels": 6, "kernel_size": 7}, typed("N", 3, 4, 9))
    assert found.message == "Conv2d has a kernel of 7, which does not fit an input of (N, 3, 4, 9)"
    assert found.notes == ("floor((4 + 2*0 - 7) / 1) + 1 = -2",)
    assert found.argument == "kernel_size"


def test_a_kernel_that_fits_some_sizes_is_a_condition() -> None:
    made = shape(call_of("Conv2d", {"out_channels": 6, "kernel_size": 11, "stride": 4}, [typed("N", 1, "H", 224)]))
    assert made.conditions == (Condition(text="H >= 11"),)
    assert str(made.result) == "(N, 6, (H + 1) // 4 - 2, 54)"


def test_a_condition_is_told_of_the_name_itself() -> None:
    halved = named("H") // 2
    given = TensorType((named("N"), 1, halved, halved))
    made = shape(call_of("MaxPool2d", {"kernel_size": 5}, [given]))
    assert made.conditions[0] == Condition(text="H >= 10")


def test_wrong_channels_are_told_with_their_fix() -> None:
    found = objection("Conv2d", {"in_channels": 3, "out_channels": 6, "kernel_size": 3}, typed("N", 1, 8, 8))
    assert found.message == "Conv2d expects 3 channels, but its input has 1"
    assert found.fix == "in_channels = 1, or leave in_channels out"
    assert (found.argument, found.replacement) == ("in_channels", "in_channels = 1")


@pytest.mark.parametrize(
    ("name", "arguments", "given", "message"),
    [
        (
            "Conv2d",
            {"out_channels": 6, "kernel_size": 3},
            typed("N", 8),
            "Conv2d reads (N, C, H, W) or (C, H, W), but its input is (N, 8)",
        ),
        (
            "Conv1d",
            {"out_channels": 6, "kernel_size": 3},
            typed("N", 3, 8, dtype="int64"),
            "Conv1d reads float32, but its input is int64",
        ),
        (
            "Conv2d",
            {"out_channels": 6, "kernel_size": 3},
            typed("N", "C", 8, 8),
            "Conv2d needs a fixed number of channels, but its input has C",
        ),
        (
            "Conv2d",
            {"out_channels": 6, "kernel_size": 3, "groups": 4},
            typed("N", 6, 8, 8),
            "Conv2d needs in_channels to be a multiple of groups, but 6 is none of 4",
        ),
        (
            "Conv2d",
            {"out_channels": 6, "kernel_size": 3, "padding": "same", "stride": 2},
            typed("N", 6, 8, 8),
            'Conv2d can keep the size (padding = "same") only with stride 1, but its stride is 2',
        ),
        (
            "Conv2d",
            {"out_channels": 6, "kernel_size": [3, 3, 3]},
            typed("N", 6, 8, 8),
            "Conv2d needs 2 numbers in kernel_size, or one for all, but it has 3",
        ),
        (
            "Conv2d",
            {"out_channels": 0, "kernel_size": 3},
            typed("N", 6, 8, 8),
            "Conv2d needs out_channels to be at least 1, but it is 0",
        ),
        (
            "MaxPool2d",
            {"kernel_size": 2, "padding": 2},
            typed("N", 6, 8, 8),
            "MaxPool2d can pad by half of its kernel at most, but 2 is more than 2 // 2",
        ),
        (
            "AdaptiveAvgPool2d",
            {"output_size": [1, 2, 3]},
            typed("N", 6, 8, 8),
            "AdaptiveAvgPool2d needs 2 numbers in output_size, or one for all, but it has 3",
        ),
        (
            "ConvTranspose2d",
            {"out_channels": 1, "kernel_size": 3, "output_padding": 2, "stride": 2},
            typed("N", 6, 8, 8),
            "ConvTranspose2d needs output_padding below its stride or dilation, but 2 is not",
        ),
    ],
)
def test_objections(name: str, arguments: dict[str, object], given: TensorType, message: str) -> None:
    assert objection(name, arguments, given).message == message
