"""What must hold of free sizes: told before the model runs, and checked in every call in the same words."""

from __future__ import annotations

import copy
import pickle
import re
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from gallery import load, without_memory
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

import builder
import dsl
from builder.building import graph_of, module_of
from builder.checking import check
from builder.codegen import source_of
from builder.commands import reporting
from builder.shapes.conditions import across, parted

SPECS = Path(__file__).parent.parent / "specs"


def spec_of(model: str) -> dsl.Spec:
    return dsl.loads(f'name = "Net"\n[model]\n{model}')


def net(model: str) -> nn.Module:
    return builder.build(spec_of(model), device="cpu")


def built(name: str) -> nn.Module:
    return builder.build(SPECS / f"{name}.toml", device="cpu").eval()


def refusal(model: nn.Module, *inputs: Any) -> str:
    with pytest.raises(ValueError, match=", but ") as caught:
        model(*inputs)
    return str(caught.value)


def whole(*shape: int) -> Tensor:
    return torch.zeros(shape, dtype=torch.int64)


@pytest.mark.parametrize(
    ("name", "shapes", "message"),
    [
        ("lenet", [(2, 3, 32, 32)], "image must be (N, 1, 32, 32), but it is (2, 3, 32, 32)"),
        ("lenet", [(2, 1, 28, 28)], "image must be (N, 1, 32, 32), but it is (2, 1, 28, 28)"),
        ("lenet", [(1, 32, 32)], "image must be (N, 1, 32, 32), but it is (1, 32, 32)"),
        ("mean_subtract", [(2, 3)], "x must be (N,), but it is (2, 3)"),
        ("gallery/unet", [(2, 3, 32, 32)], "image must be (N, 1, H, W), but it is (2, 3, 32, 32)"),
        ("gallery/unet", [(2, 1, 32)], "image must be (N, 1, H, W), but it is (2, 1, 32)"),
        ("gallery/unet", [(2, 1, 250, 256)], "UNet needs H % 16 == 0, but image has H = 250: (2, 1, 250, 256)"),
        ("gallery/unet", [(2, 1, 32, 8)], "UNet needs W >= 16, but image has W = 8: (2, 1, 32, 8)"),
        (
            "gallery/two_heads",
            [(4, 1, 8, 8), (3, 8)],
            "TwoHeads needs the same N everywhere, but image has N = 4: (4, 1, 8, 8) and rows has N = 3: (3, 8)",
        ),
        (
            "gallery/triplet",
            [(2, 1, 8, 8), (2, 1, 8, 8), (3, 1, 8, 8)],
            "Triplet needs the same N everywhere, but image has N = 2: (2, 1, 8, 8), positive has N = 2: (2, 1, 8, 8)"
            " and negative has N = 3: (3, 1, 8, 8)",
        ),
    ],
)
def test_a_call_with_other_sizes_is_refused(name: str, shapes: list[tuple[int, ...]], message: str) -> None:
    assert refusal(built(name), *map(torch.zeros, shapes)) == message


def test_more_words_than_gpt2_has_places_for_are_refused_by_name() -> None:
    model, tokens = without_memory("gpt2"), torch.zeros(2, 1025, dtype=torch.int64, device="meta")
    assert refusal(model, tokens) == "GPT2 needs T <= 1024, but tokens has T = 1025: (2, 1025)"
    assert model(tokens[:, 1:]).shape == (2, 1024, 50257)


def test_the_words_are_those_of_check(capsys: pytest.CaptureFixture[str]) -> None:
    reporting.check(load("unet"), "text")
    told = capsys.readouterr().err.splitlines()
    assert told == [f"UNet needs {each}" for each in ("H >= 16", "W >= 16", "H % 16 == 0", "W % 16 == 0")]
    assert refusal(built("gallery/unet"), torch.zeros(1, 1, 40, 32)).startswith(f"{told[2]}, but image has H = 40")


def test_a_name_twice_in_one_input_is_one_size() -> None:
    model = net('inputs = { x = ["N", "T", "T"] }\nlayers = [{ type = "relu" }]')
    assert model(torch.zeros(2, 3, 3)).shape == (2, 3, 3)
    assert refusal(model, torch.zeros(2, 3, 4)) == "x must be (N, T, T), but it is (2, 3, 4)"


def test_numbers_before_and_between_free_sizes_are_checked() -> None:
    model = net('inputs = { x = [2, "N", 3, "T", 5, 6] }\nlayers = [{ type = "relu" }]')
    assert model(torch.zeros(2, 7, 3, 8, 5, 6)).shape == (2, 7, 3, 8, 5, 6)
    for wrong in ((1, 7, 3, 8, 5, 6), (2, 7, 4, 8, 5, 6), (2, 7, 3, 8, 5, 7), (2, 7, 3, 8, 5), (7, 3, 8, 5, 6)):
        assert refusal(model, torch.zeros(wrong)) == f"x must be (2, N, 3, T, 5, 6), but it is {wrong}"


def test_a_condition_over_two_inputs_tells_both() -> None:
    model = net('inputs = { a = ["N", "T", 8], b = ["N", "S", 8] }\nlayers = [{ value = "${a[:, 1:] + b}" }]')
    assert model(torch.zeros(2, 5, 8), torch.zeros(2, 4, 8)).shape == (2, 4, 8)
    told = refusal(model, torch.zeros(2, 5, 8), torch.zeros(2, 7, 8))
    assert told == "Net needs T - 1 == S, but a has T = 5: (2, 5, 8) and b has S = 7: (2, 7, 8)"


def test_a_condition_over_two_sizes_of_one_input_tells_the_input_once() -> None:
    model = net('inputs = { x = ["N", "S", "T"] }\nlayers = [{ value = "${x + transpose(x, 1, 2)}" }]')
    assert refusal(model, torch.zeros(1, 4, 5)) == "Net needs T == S, but x has T = 5 and S = 4: (1, 4, 5)"


CHOOSING = """
inputs = { x = ["N", 4], y = ["M", "K"], choice = { options = ["wide", "so \\"narrow\\""] } }
layers = [
  { name = "p", type = "ParameterDict", shapes = { wide = [4, 6], 'so "narrow"' = [4, 2] }, input = ["x", "choice"] },
  { type = "cat", input = ["p", "y"], dim = 0 },
]
"""


def test_an_option_that_is_not_there_lists_those_that_are() -> None:
    told = refusal(built("dict_dense"), torch.zeros(2, 4), "linear4")
    assert told == "choice must be one of linear1, linear2, linear3, but it is 'linear4'"


def test_what_holds_under_one_option_is_asked_of_that_one_alone() -> None:
    conditions = builder.elaborate(spec_of(CHOOSING)).graph["conditions"]
    assert conditions == ['K == 6 where choice == "wide"', 'K == 2 where choice == "so \\"narrow\\""']
    model, x = net(CHOOSING), torch.zeros(3, 4)
    assert model(x, torch.zeros(1, 6), "wide").shape == (4, 6)
    assert model(x, torch.zeros(1, 2), 'so "narrow"').shape == (4, 2)
    told = refusal(model, x, torch.zeros(1, 6), 'so "narrow"')
    assert told == f"Net needs {conditions[1]}, but y has K = 6: (1, 6)"


def test_conditions_of_every_option_stand_without_one() -> None:
    runs = [({"a": "x", "b": "y"}, ["T >= 2", "H >= 4"]), ({"a": "z", "b": "y"}, ["T >= 2"])]
    found = across(runs)
    assert found == ["T >= 2", 'H >= 4 where a == "x" and b == "y"']
    assert parted(found[1]) == ("H >= 4", [("a", "x"), ("b", "y")])


def test_floats_in_place_of_whole_numbers_are_refused_and_no_other_kind() -> None:
    model = built("gallery/lstm_classifier")
    told = refusal(model, torch.zeros(2, 7), torch.tensor([7, 3]))
    assert told == "tokens must be whole numbers (int64), but it is torch.float32"
    assert model(whole(2, 7).int(), torch.tensor([7, 3])).shape == (2, 4)
    x = torch.zeros(2, 1, 32, 32)
    assert built("lenet").double()(x.double()).dtype == torch.float64
    assert built("lenet").bfloat16()(x.bfloat16()).dtype == torch.bfloat16
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert built("lenet")(x).dtype == torch.bfloat16


LENGTHS = """
inputs = {{ frames = {frames}, lengths = {{ shape = [{lengths}], dtype = "int64" }} }}
layers = [
  {{ type = "GRU", input = {{ input = "frames", lengths = "lengths" }}, hidden_size = 4, batch_first = {first} }},
]
outputs = "0"
"""


def test_there_is_a_length_for_each_sequence() -> None:
    by_batch = LENGTHS.format(frames='["N", "T", 8]', lengths='"M"', first="true")
    assert builder.elaborate(spec_of(by_batch)).graph["conditions"] == ["N == M"]
    by_time = LENGTHS.format(frames='["T", "N", 8]', lengths='"M"', first="false")
    assert builder.elaborate(spec_of(by_time)).graph["conditions"] == ["N == M"]
    same = LENGTHS.format(frames='["N", "T", 8]', lengths='"N"', first="true")
    assert builder.elaborate(spec_of(same)).graph["conditions"] == []
    told = refusal(net(by_batch), torch.zeros(2, 5, 8), torch.tensor([5, 4, 3]))
    assert told == "Net needs N == M, but frames has N = 2: (2, 5, 8) and lengths has M = 3: (3,)"


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ('[4, "T", 8]', "GRU reads a length for each of 4 sequences, but `lengths` is (3,)"),
        ('["T", 8]', "GRU reads `lengths` with a batch of sequences, not with (T, 8)"),
    ],
)
def test_lengths_that_cannot_fit_are_a_fault(frames: str, message: str) -> None:
    with pytest.raises(dsl.SpecError) as caught:
        builder.elaborate(spec_of(LENGTHS.format(frames=frames, lengths=3, first="true")))
    (fault,) = caught.value.diagnostics
    assert (fault.message, fault.span and fault.span.line) == (message, 6)


PLACES = """
inputs = {{ x = ["N", {size}] }}
layers = [
  {{ type = "arange", end = "${{x.shape[1]}}" }},
  {{ name = "places", type = "Embedding", embedding_dim = 4{rows} }},
]
"""


def test_an_embedding_has_a_row_for_each_number_of_an_arange() -> None:
    free = builder.elaborate(spec_of(PLACES.format(size='"T"', rows=", num_embeddings = 9")))
    assert free.graph["conditions"] == ["T <= 9"]
    told = builder.elaborate(spec_of(PLACES.format(size=7, rows="")))
    assert told.nodes["places"]["parameters"] == {"weight": [7, 4]}
    with pytest.raises(dsl.SpecError, match="Embedding has 9 rows, but its input goes up to 11"):
        builder.elaborate(spec_of(PLACES.format(size=12, rows=", num_embeddings = 9")))


@pytest.mark.parametrize(
    ("name", "overrides", "message"),
    [
        ("gpt2", {"data.sizes.T": 1025}, "GPT2 needs T <= 1024, but the data's `tokens` has T = 1025: (N, 1025)"),
        (
            "unet",
            {"data.prepare": [{"name": "image", "type": "interpolate", "size": [40, 32]}]},
            "UNet needs H % 16 == 0, but the data's `image` has H = 40: (N, 1, 40, 32)",
        ),
    ],
)
def test_data_that_the_model_would_refuse_is_a_fault(name: str, overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(dsl.SpecError) as caught:
        check(load(name, **overrides))
    assert message in [each.message for each in caught.value.diagnostics]


def test_one_name_for_two_sizes_of_the_data_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a1,a2,b1,b2,b3,target\n1,2,3,4,5,0\n", encoding="utf-8")
    text = """
inputs = { a = ["N", "K"], b = ["N", "K"] }
layers = [{ type = "add", input = ["a", "b"] }]
[data]
source = "a.csv"
fields = { a = ["a1", "a2"], b = ["b1", "b2", "b3"], target = "target" }
"""
    (tmp_path / "net.toml").write_text(f'name = "Net"\n[model]{text}', encoding="utf-8")
    with pytest.raises(dsl.SpecError) as caught:
        check(dsl.load(tmp_path / "net.toml"))
    told = "Net needs the same K everywhere, but the data's `a` has K = 2: (N, 2) and the data's `b` has K = 3: (N, 3)"
    assert [each.message for each in caught.value.diagnostics] == [told]


# The source


def test_the_source_checks_only_what_says_something() -> None:
    source = source_of(builder.elaborate(spec_of('inputs = { x = ["N", 4] }\nlayers = [{ type = "relu" }]')))
    assert source.endswith(
        """
    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1:] != (4,):
            raise ValueError(f"x must be (N, 4), but it is {tuple(x.shape)}")
        return F.relu(x)  # (N, 4)
"""
    )


def test_a_name_with_signs_of_its_own_is_told_as_it_is() -> None:
    spec = dsl.loads(
        """name = 'a "{b}" \\n'
[model]
inputs = { x = ["N", "T"] }
layers = [{ type = "select", dim = 1, index = 8 }]
"""
    )
    told = refusal(builder.build(spec, device="cpu"), torch.zeros(2, 3))
    assert told == 'a "{b}" \\n needs T >= 9, but x has T = 3: (2, 3)'


def test_losses_and_prepare_are_not_checked_again() -> None:
    checked = check(load("unet"))
    assert checked.prepare is not None
    for done in (checked.prepare, *(done for _, done in checked.losses)):
        assert "raise" not in source_of(graph_of(done), checks=False)


# What PyTorch does with a module


def test_it_copies_pickles_and_runs_without_numbers() -> None:
    model, x = built("lenet"), torch.randn(2, 1, 32, 32)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(other(x), model(x))
        assert refusal(other, x[0]) == "image must be (N, 1, 32, 32), but it is (1, 32, 32)"
    with FakeTensorMode(allow_non_fake_inputs=True):
        assert model(torch.randn(2, 1, 32, 32)).shape == (2, 10)
    assert model.to("meta")(x.to("meta")).shape == (2, 10)


def test_it_compiles_whole_for_any_size() -> None:
    model = built("gallery/unet")
    compiled = torch.compile(model, backend="eager", fullgraph=True, dynamic=True)
    for shape in ((2, 1, 32, 48), (3, 1, 48, 32), (4, 1, 64, 64)):
        x = torch.randn(shape)
        assert torch.equal(compiled(x), model(x))
    loose = torch.compile(model, backend="eager")
    told = refusal(loose, torch.zeros(2, 1, 40, 32))
    assert told == "UNet needs H % 16 == 0, but image has H = 40: (2, 1, 40, 32)"


N, T = torch.export.Dim("N"), torch.export.Dim("T", max=9)
HIGH, WIDE = 16 * torch.export.Dim("h", min=2), 16 * torch.export.Dim("w", min=2)


@pytest.mark.parametrize(
    ("name", "shapes", "free", "others"),
    [
        ("gallery/unet", [(2, 1, 32, 48)], ({0: N, 2: HIGH, 3: WIDE},), [(3, 1, 64, 32)]),
        ("gallery/triplet", [(2, 1, 8, 8)] * 3, ({0: N},) * 3, [(5, 1, 8, 8)] * 3),
        ("gallery/two_heads", [(2, 1, 8, 8), (2, 8)], ({0: N}, {0: N}), [(5, 1, 8, 8), (5, 8)]),
        ("gallery/autoencoder", [(2, 1, 8, 8)], ({0: N},), [(5, 1, 8, 8)]),
    ],
)
def test_it_exports_with_free_sizes(name: str, shapes: Any, free: Any, others: Any) -> None:
    model = built(name)
    exported = torch.export.export(model, tuple(map(torch.randn, shapes)), dynamic_shapes=free).module()
    inputs = list(map(torch.randn, others))
    for found, expected in zip(listed(exported(*inputs)), listed(model(*inputs)), strict=True):
        assert torch.equal(found, expected)


def test_a_bound_is_a_bound_of_the_exported_size() -> None:
    model = net(PLACES.format(size='"T"', rows=", num_embeddings = 9"))
    exported = torch.export.export(model, (torch.zeros(2, 5),), dynamic_shapes=({0: N, 1: T},)).module()
    assert torch.equal(exported(torch.zeros(3, 8)), model(torch.zeros(3, 8)))


def test_a_trace_runs_for_other_batches() -> None:
    model, x = built("lenet"), torch.randn(2, 1, 32, 32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing is deprecated, and says that it keeps no checks
        traced = torch.jit.trace(model, x)
    assert torch.equal(traced(torch.cat([x, x])), model(torch.cat([x, x])))


def test_every_condition_of_the_specs_is_told_by_the_model() -> None:
    told = 0
    for path in sorted(SPECS.rglob("*.toml")):
        graph = builder.elaborate(dsl.load(path))
        words = re.sub(r'"\n +f"', "", source_of(graph).replace('"\n                f"', ""))
        for condition in graph.graph["conditions"]:
            assert f"{graph.graph['name']} needs {condition}, but " in words
            told += 1
    assert told >= 6  # the U-Net's four, GPT-2's and BERT's


def listed(result: Any) -> list[Tensor]:
    return [result] if isinstance(result, Tensor) else list(result)


def test_module_of_checks_unless_it_is_told_not_to() -> None:
    graph = builder.elaborate(spec_of('inputs = { x = ["N", 4] }\nlayers = [{ type = "relu" }]'))
    assert module_of(graph, checks=False)(torch.zeros(2, 5)).shape == (2, 5)
    assert refusal(module_of(graph), torch.zeros(2, 5)) == "x must be (N, 4), but it is (2, 5)"
