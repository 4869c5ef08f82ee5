"""Types without a rule: what torch tells on the meta device, free sizes found by probing; and rules bring no torch."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from shapes_against_torch import agrees, call_of, objection, typed

from builder.shapes import meta
from builder.shapes.call import Condition, TensorType
from builder.shapes.polynomials import fitted_polynomial
from builder.shapes.probing import bases, fitted, probes
from builder.shapes.rules import has_rule, shape
from builder.shapes.sizes import Free, Size, named, worked_out
from dsl.catalogue import find

H, W, N = named("H"), named("W"), named("N")

ASKED: list[tuple[str, dict[str, Any], list[Any]]] = [
    ("einsum", {"equation": "nij,njk->nik"}, [(typed("N", "T", 6), typed("N", 6, "W"))]),
    ("hstack", {}, [(typed("N", 4), typed("N", "T"))]),
    ("outer", {}, [typed("N"), typed("T")]),
    ("kthvalue", {"k": 2, "dim": 1}, [typed("N", "T")]),
    ("Fold", {"output_size": [6, 6], "kernel_size": 2, "stride": 2}, [typed("N", 12, 9)]),
    ("TransformerDecoderLayer", {"nhead": 2, "dim_feedforward": 8, "batch_first": True},
     [typed("N", "T", 4), typed("N", "W", 4)]),
    ("EmbeddingBag", {"num_embeddings": 9, "embedding_dim": 3}, [typed("N", "T", dtype="int64")]),
    ("diagonal", {"dim1": -2, "dim2": -1}, [typed("N", 5, 5)]),
    ("kron", {}, [typed("N", 2), typed("T", 3)]),
    ("torch.fft.rfft", {}, [typed("N", "T")]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "reads"), ASKED)
def test_what_meta_tells_agrees_with_a_run(name: str, arguments: dict[str, Any], reads: list[Any]) -> None:
    entry = find(name)
    assert entry is not None
    assert not has_rule(entry)
    agrees(name, arguments, *reads, counted=name == "einsum")


FREE_SIZES: list[tuple[Size, Sequence[str]]] = [
    (7, ["H"]),
    (H, ["H"]),
    (3 * H - 5, ["H"]),
    ((H - 3) // 2 + 1, ["H"]),
    ((5 * H + 2) // 7, ["H"]),
    (H * W, ["H", "W"]),
    (2 * H * W - H + 4, ["H", "W"]),
    ((H + 2 * W) // 3, ["H", "W"]),
    (H + W + N, ["H", "N", "W"]),
]


@pytest.mark.parametrize(("size", "free"), FREE_SIZES, ids=str)
def test_a_formula_is_found_from_its_values(size: Size, free: Sequence[str]) -> None:
    tried = probes(free, next(bases(free)))
    assert fitted(free, tried, [worked_out(size, numbers) for numbers in tried]) == size


POLYNOMIALS: list[tuple[Size, Sequence[str]]] = [
    (12, []),
    (4 * H * W * N, ["H", "N", "W"]),
    (H * H * 3 + H * 64 - 5, ["H"]),
    (2 * H * H + 6 * H * W + 8 * W, ["H", "W"]),
]


@pytest.mark.parametrize(("size", "free"), POLYNOMIALS, ids=str)
def test_a_polynomial_is_found_from_its_values(size: Size, free: Sequence[str]) -> None:
    assert fitted_polynomial(free, next(bases(free)), lambda numbers: worked_out(size, numbers)) == size


def test_what_follows_no_polynomial_is_refused() -> None:
    with pytest.raises(ValueError, match="no polynomial"):
        fitted_polynomial(["H"], {"H": 48}, lambda numbers: numbers["H"] // 2)


def test_what_follows_no_formula_is_refused() -> None:
    tried = probes(["H"], next(bases(["H"])))
    with pytest.raises(ValueError, match="follows no formula"):
        fitted(["H"], tried, [numbers["H"] ** 2 for numbers in tried])


def test_from_which_size_on_a_layer_runs_is_a_condition() -> None:
    made = shape(call_of("conv_transpose1d", {"padding": 4}, [typed("N", 4, "T"), typed(4, 3, 3)]))
    assert made.result == TensorType((N, 3, named("T") - 6), "float32")
    assert made.conditions == (Condition(text="T >= 7"),)


def test_torch_objections_are_told_in_its_words() -> None:
    found = objection("outer", {}, typed("N", 3), typed(4))
    assert found.message == "outer does not take (N, 3) and (4,)"
    assert found.notes[0].startswith("torch says: ")


@pytest.mark.parametrize("name", ["nonzero", "unique", "argwhere"])
def test_what_hangs_on_the_numbers_is_told_apart_from_what_does_not_fit(name: str) -> None:
    message = f"what {name} makes hangs on the numbers in its input, which are known only when the model runs"
    assert objection(name, {}, typed(3, 4)).message == message


def test_a_size_that_must_be_fixed_is_named() -> None:
    found = objection("meshgrid", {"indexing": "ij"}, (typed("N", 3), typed(4)))
    assert found.notes[0].startswith("torch says: ")
    untold = objection("triu_indices", {"row": N, "col": N})
    assert untold.message == "what triu_indices makes cannot be told while N is free"
    assert untold.fix == "give N a number in the model's inputs"


def test_a_constructor_argument_that_would_be_free_is_named() -> None:
    found = objection("TransformerDecoderLayer", {"nhead": 2}, typed("N", "T", "W"), typed("N", "T", "W"))
    assert found.message == "TransformerDecoderLayer needs d_model, and its input has the free size W there"


def test_an_answer_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    call = call_of("outer", {}, [typed("N"), typed(11)])
    first = meta.ask(call)
    monkeypatch.setattr(meta, "run", None)
    assert meta.ask(call) is first


@pytest.mark.parametrize(
    ("name", "arguments", "reads"),
    [
        ("Conv2d", {"out_channels": 6, "kernel_size": 3, "padding": 1}, [typed("N", 4, "H", "W")]),
        ("MaxPool2d", {"kernel_size": 3, "ceil_mode": True}, [typed("N", 4, "H", 12)]),
        ("Linear", {"out_features": 5}, [typed("N", "T", 6)]),
        ("BatchNorm1d", {}, [typed("M", 6)]),
        ("flatten", {"start_dim": 1}, [typed("N", 3, "H", "W")]),
    ],
)
def test_rule_and_meta_say_the_same(name: str, arguments: dict[str, Any], reads: list[TensorType]) -> None:
    call = call_of(name, arguments, reads)
    asked, made = meta.ask(call), shape(call)
    assert (asked.result, asked.parameters, asked.buffers) == (made.result, made.parameters, made.buffers)
    assert (asked.arguments, asked.multiply_adds) == (made.arguments, made.multiply_adds)


def test_rules_bring_no_torch() -> None:
    program = """
import sys
from builder.shapes.call import Call, TensorType
from builder.shapes.rules import has_rule, shape
from builder.shapes.sizes import Free
from dsl.catalogue import find
given = TensorType((Free.named("N"), 3, 32, 32))
for name, arguments in [("Conv2d", {"out_channels": 8, "kernel_size": 3}), ("MaxPool2d", {"kernel_size": 2})]:
    given = shape(Call(entry=find(name), arguments=arguments, reads=[given])).result
assert not has_rule(find("einsum"))
print(given, "torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "(N, 8, 15, 15) False\n"


def test_a_name_stays_a_name() -> None:
    made = shape(call_of("outer", {}, [typed("N"), typed("N")]))
    assert made.result == TensorType((Free.named("N"), Free.named("N")), "float32")
