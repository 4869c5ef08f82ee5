"""Losses: shapes and dtypes that they accept, against torch (forward and backward), and their words otherwise."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from shapes_against_torch import agrees, call_of, described, objection, typed

from builder.shapes.call import Misfit, TensorType
from builder.shapes.rules import shape

ROW, CLASS = typed("N", 5), typed("N", dtype="int64")
REDUCTIONS = ["none", "mean", "sum"]
CASES: list[tuple[str, dict[str, Any], list[Any]]] = [
    ("BCELoss", {}, [ROW, ROW]),
    ("BCEWithLogitsLoss", {}, [ROW, ROW]),
    ("BCEWithLogitsLoss", {}, [ROW, typed("N", 5, dtype="float64")]),
    ("L1Loss", {}, [ROW, ROW]),
    ("L1Loss", {}, [typed("N"), CLASS]),
    ("MSELoss", {}, [ROW, ROW]),
    ("SmoothL1Loss", {}, [ROW, typed("N", 5, dtype="float64")]),
    ("HuberLoss", {}, [ROW, ROW]),
    ("PoissonNLLLoss", {}, [ROW, typed("N", 5, dtype="int64")]),
    ("KLDivLoss", {}, [ROW, ROW]),
    ("SoftMarginLoss", {}, [ROW, ROW]),
    ("HingeEmbeddingLoss", {}, [ROW, typed("N", 5, dtype="int64")]),
    ("MarginRankingLoss", {}, [typed("N"), typed("N"), typed("N")]),
    ("CosineEmbeddingLoss", {}, [ROW, ROW, CLASS]),
    ("CosineEmbeddingLoss", {}, [typed(5), typed(5), typed()]),
    ("TripletMarginLoss", {}, [ROW, ROW, ROW]),
    ("CrossEntropyLoss", {}, [ROW, CLASS]),
    ("CrossEntropyLoss", {}, [ROW, ROW]),
    ("CrossEntropyLoss", {}, [typed("N", 5, "H", "W"), typed("N", "H", "W", dtype="int64")]),
    ("CrossEntropyLoss", {}, [typed(5), typed(dtype="int64")]),
    ("CrossEntropyLoss", {}, [ROW, typed("N", dtype="uint8")]),
    ("NLLLoss", {}, [ROW, CLASS]),
    ("MultiMarginLoss", {}, [ROW, CLASS]),
    ("MultiLabelMarginLoss", {}, [ROW, typed("N", 5, dtype="int64")]),
    ("MultiLabelSoftMarginLoss", {}, [ROW, ROW]),
    ("GaussianNLLLoss", {}, [ROW, ROW, typed("N", 1)]),
    ("GaussianNLLLoss", {}, [ROW, ROW, typed("N")]),
    ("cross_entropy", {}, [ROW, CLASS]),
    ("mse_loss", {}, [ROW, ROW]),
    ("nll_loss", {}, [ROW, CLASS]),
    ("binary_cross_entropy", {}, [ROW, ROW]),
    ("triplet_margin_loss", {}, [ROW, ROW, ROW]),
]  # fmt: skip


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(("name", "arguments", "reads"), CASES)
@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides the total loss")
def test_loss_agrees_with_torch(name: str, arguments: dict[str, Any], reads: list[Any], reduction: str) -> None:
    agrees(name, {**arguments, "reduction": reduction}, *reads)


def test_ctc_agrees_with_torch() -> None:
    scores = torch.rand(12, 2, 6).log_softmax(2)
    lengths = torch.tensor([12, 12]), torch.tensor([3, 2])
    given = typed(12, 2, 6), typed(2, 3, dtype="int64"), typed(2, dtype="int64"), typed(2, dtype="int64")
    for reduction in REDUCTIONS:
        result = torch.nn.CTCLoss(reduction=reduction)(scores, torch.ones(2, 3, dtype=torch.int64), *lengths)
        made = shape(call_of("CTCLoss", {"reduction": reduction}, given))
        assert described(made.result) == described(result)


def test_ctc_with_targets_in_a_row_agrees_with_torch() -> None:
    scores = torch.rand(12, 2, 6).log_softmax(2)
    lengths = torch.tensor([12, 12]), torch.tensor([3, 2])
    result = torch.nn.CTCLoss()(scores, torch.ones(5, dtype=torch.int64), *lengths)
    given = typed("T", "N", 6), typed("M", dtype="int64"), typed("N", dtype="int64"), typed("N", dtype="int64")
    assert described(shape(call_of("CTCLoss", {}, given)).result) == described(result)


def test_constant_weights_are_buffers_as_in_torch() -> None:
    weights = [1.0, 2.0, 3.0, 4.0, 5.0]
    made = shape(call_of("CrossEntropyLoss", {"weight": weights}, [ROW, CLASS]))
    expected = torch.nn.CrossEntropyLoss(weight=torch.tensor(weights))
    assert made.buffers == {name: tuple(each.shape) for name, each in expected.named_buffers()}


DTYPES = ["float32", "float64", "int64", "int32", "bool"]
PAIRED = [
    "BCELoss", "BCEWithLogitsLoss", "L1Loss", "MSELoss", "SmoothL1Loss", "HuberLoss", "PoissonNLLLoss", "KLDivLoss",
    "SoftMarginLoss", "HingeEmbeddingLoss", "MultiLabelMarginLoss",
]  # fmt: skip


@pytest.mark.parametrize("name", PAIRED)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides the total loss")
def test_targets_are_taken_of_those_dtypes_that_torch_trains_with(name: str, dtype: str) -> None:
    given, target = torch.rand(2, 5, requires_grad=True), torch.ones(2, 5).to(getattr(torch, dtype))
    try:
        torch.nn.__dict__[name]()(given, target).backward()
        trains = True
    except RuntimeError:
        trains = False
    try:
        shape(call_of(name, {}, [typed(2, 5), typed(2, 5, dtype=dtype)]))
        accepted = True
    except Misfit:
        accepted = False
    assert accepted == trains


OBJECTIONS: list[tuple[str, list[TensorType], str]] = [
    ("CrossEntropyLoss", [typed("N", 10), typed("N", 1)],
     "CrossEntropyLoss reads class numbers (int64) of shape (N,), but target has float32 (N, 1)"),
    ("NLLLoss", [typed("N", 10), typed("N", 10)],
     "NLLLoss reads class numbers (int64) of shape (N,), but target has float32 (N, 10)"),
    ("CrossEntropyLoss", [typed("N", 10), typed("N", 1, dtype="int64")],
     "CrossEntropyLoss reads target of shape (N,), but target is (N, 1)"),
    ("CrossEntropyLoss", [typed("N", 10, dtype="int64"), CLASS],
     "CrossEntropyLoss reads floating-point numbers, but its input is int64"),
    ("BCELoss", [typed("N", 1), typed("N")], "BCELoss reads target of shape (N, 1), but target is (N,)"),
    ("BCELoss", [typed("N"), CLASS], "BCELoss reads a target of the input's dtype (float32), but target is int64"),
    ("MSELoss", [typed("N", 1), typed("N", 4)], "MSELoss reads target of shape (N, 1), but target is (N, 4)"),
    ("MultiMarginLoss", [ROW, typed("N")],
     "MultiMarginLoss reads class numbers (int64) of shape (N,), but target has float32 (N,)"),
    ("TripletMarginLoss", [ROW, ROW, typed("N", 4)],
     "TripletMarginLoss reads negative of shape (N, 5), but negative is (N, 4)"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "reads", "message"), OBJECTIONS)
def test_objections(name: str, reads: list[TensorType], message: str) -> None:
    assert objection(name, {}, *reads).message == message


def test_a_lost_last_dim_is_told_with_what_to_do() -> None:
    found = objection("MSELoss", {}, typed("N", 1), typed("N"))
    assert found.fix == 'squeeze the input: { type = "squeeze", dim = -1 }, or unsqueeze the target'


def test_ctc_objections() -> None:
    lengths = [typed("N", dtype="int64"), typed("N", dtype="int64")]
    wrong = objection("CTCLoss", {}, typed("T", "N", 6), typed("N", 3), *lengths)
    assert wrong.message == "CTCLoss reads targets of whole numbers (int64), but targets has float32 (N, 3)"
    blank = objection("CTCLoss", {"blank": 6}, typed("T", "N", 6), typed("N", 3, dtype="int64"), *lengths)
    assert blank.message == "CTCLoss has blank 6, but log_probs (T, N, 6) have 6 classes"
