"""What the language's keys mean, held against modules written by hand in torch: keys, weights, results."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import builder
import dsl
from builder import graph as contract

X = torch.arange(8.0).reshape(2, 4) / 8


def made(layers: str, inputs: str = 'x = ["N", 4]', more: str = "", model: str = "", seed: int = 0) -> nn.Module:
    """The module of a model with these layers; its state dict is what the graph says."""
    text = f'name = "Made"\n{more}\n[model]\ninputs = {{ {inputs} }}\n{model}\nlayers = [\n{layers}\n]\n'
    graph = builder.elaborate(dsl.loads(text))
    torch.manual_seed(seed)
    module: nn.Module = builder.build(graph, device="cpu")
    found = {key: list(each.shape) for key, each in module.state_dict().items()}
    assert found == contract.state(graph)
    assert list(found) == list(contract.state(graph))
    return module


def keys(module: nn.Module) -> list[str]:
    """The first parts of the state dict's keys that end in `weight`."""
    return [key.removesuffix(".weight") for key in module.state_dict() if key.endswith("weight")]


def same(module: nn.Module, reference: nn.Module, *inputs: Any) -> None:
    """The same weights give the same results, bit for bit."""
    reference.load_state_dict(module.state_dict(), strict=True)
    results, expected = module(*inputs), reference(*inputs)
    assert type(results) is type(expected)
    for mine, theirs in zip(listed(results), listed(expected), strict=True):
        assert torch.equal(mine, theirs)


def listed(value: Any) -> list[Tensor]:
    return [value] if isinstance(value, Tensor) else list(value.values() if isinstance(value, dict) else value)


# Names and positions


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (('{ type = "Linear", out_features = 4 }, { type = "relu" }, '
'{ type = "Linear", out_features = 4 }'), ["0", "2"]),
        (('{ name = "", layers = [{ type = "Linear", out_features = 4 }, { type = "relu" }] }, '
'{ type = "Linear", out_features = 4 }'), ["0", "2"]),
        ('{ type = "Linear", out_features = 4, when = false }, { type = "Linear", out_features = 4 }', ["0"]),
        ('{ type = "Linear", out_features = 4, repeat = 0 }, { type = "Linear", out_features = 4 }', ["0"]),
        ('{ name = "a", type = "Linear", out_features = 4, repeat = 1 }', ["a.0"]),
        (('{ name = "a", type = "Linear", out_features = 4, repeat = 2 }, '
'{ type = "Linear", out_features = 4 }'), ["a.0", "a.1", "1"]),
        ('{ type = "relu" }, { type = "Linear", out_features = 4, repeat = 2 }', ["1.0", "1.1"]),
        (('{ name = "", type = "Linear", out_features = 4, repeat = 2 }, '
'{ type = "Linear", out_features = 4 }'), ["0", "1", "2"]),
        (('{ name = "a${i + 1}", type = "Linear", out_features = 4, repeat = 2 }, '
'{ type = "Linear", out_features = 4 }'), ["a1", "a2", "2"]),
        ('{ name = "g", layers = [{ name = "a-b", type = "Linear", out_features = 4 }] }', ["g.a-b"]),
        ('{ name = "self", layers = [{ type = "Linear", out_features = 4 }, { type = "relu" }] }', ["self.0"]),
    ],
)  # fmt: skip
def test_a_layer_is_called_as_by_hand(layers: str, expected: list[str]) -> None:
    module = made(layers)
    assert keys(module) == expected
    assert module(X).shape == (2, 4)


def test_a_module_without_a_name_lends_its_keys_to_what_holds_it() -> None:
    module = made(
        '{ name = "conv", type = "Same", out_features = 3 }, { name = "", type = "Linear", out_features = 2 }',
        more='[blocks.Same]\nlayers = [{ type = "relu" }, { name = "", type = "Linear", args = "${rest}" }]',
    )
    assert list(module.state_dict()) == ["weight", "bias", "conv.weight", "conv.bias"]
    hidden = F.linear(F.relu(X), module.get_parameter("conv.weight"), module.get_parameter("conv.bias"))
    assert torch.equal(module(X), F.linear(hidden, module.get_parameter("weight"), module.get_parameter("bias")))


def test_a_name_is_seen_by_what_follows_and_what_a_nameless_group_holds_is_too() -> None:
    module = made(
        '{ name = "", layers = [{ name = "inner", type = "Linear", out_features = 4 }, { type = "relu" }] },'
        '{ type = "add", other = "inner" }'
    )
    hidden = module.get_submodule("inner")(X)
    assert torch.equal(module(X), F.relu(hidden) + hidden)


# Blocks

PAIR = """
[blocks.Pair]
params = ["width"]
defaults = { twice = "${2 * width + len(a.shape)}", bias = true }
inputs = ["a", "b"]
layers = [
  { name = "left", type = "Linear", input = "a", out_features = "${width}", bias = "${bias}" },
  { name = "right", type = "Linear", input = "b", out_features = "${twice}", args = "${rest}" },
]
outputs = { a = "left", b = "right" }
"""


def test_a_block_has_params_defaults_inputs_and_outputs() -> None:
    module = made(
        '{ name = "p", type = "Pair", width = 3, input = ["x", "y"] },'
        '{ name = "q", type = "Pair", width = 1, twice = 2, input = { b = "p.a", a = "p.b" }, bias = false },'
        '{ type = "cat", input = ["q.a", "q.b"], dim = 1 }',
        'x = ["N", 4], y = ["N", 5]', PAIR,
    )  # fmt: skip
    shapes = {key: tuple(each.shape) for key, each in module.state_dict().items()}
    assert shapes == {
        "p.left.weight": (3, 4), "p.left.bias": (3,), "p.right.weight": (8, 5), "p.right.bias": (8,),
        "q.left.weight": (1, 8), "q.right.weight": (2, 3), "q.right.bias": (2,),
    }  # fmt: skip
    part = module.get_submodule
    y = torch.randn(2, 5)
    a, b = part("p.left")(X), part("p.right")(y)
    assert torch.equal(module(X, y), torch.cat([part("q.left")(b), part("q.right")(a)], 1))


def test_rest_hands_on_what_a_block_does_not_name() -> None:
    block = '[blocks.Wrapped]\nlayers = [{ name = "fc", type = "Linear", args = "${rest}" }, { type = "Identity" }]'
    module = made('{ name = "w", type = "Wrapped", out_features = 7, bias = false }', more=block)
    assert {key: tuple(each.shape) for key, each in module.state_dict().items()} == {"w.fc.weight": (7, 4)}


def test_arguments_whose_names_are_keys_of_the_language_stand_in_args() -> None:
    module = made('{ type = "pad", pad = [1, 1], args = { mode = "constant", value = 3.0 } }')
    assert torch.equal(module(X), F.pad(X, (1, 1), value=3.0))


def test_the_count_of_a_repeat_does_not_reach_into_a_block() -> None:
    block = '[blocks.Sized]\nlayers = [{ type = "Linear", out_features = "${i + 1}" }]'
    with pytest.raises(dsl.SpecError, match="no variable is called `i`"):
        made('{ type = "Sized", repeat = 2 }', more=block)
    given = '[blocks.Sized]\nparams = ["at"]\nlayers = [{ type = "Linear", out_features = "${at + 1}" }]'
    module = made('{ name = "s", type = "Sized", repeat = 2, at = "${i}" }', more=given)
    assert [tuple(module.state_dict()[f"s.{i}.0.weight"].shape) for i in (0, 1)] == [(1, 4), (2, 1)]


def test_a_type_may_be_a_param() -> None:
    block = '[blocks.Act]\nparams = ["act"]\nlayers = [{ type = "${act}" }]'
    assert torch.equal(made('{ type = "Act", act = "Tanh" }', more=block)(X), X.tanh())


def test_a_tensor_of_the_models_own_may_be_a_param_too() -> None:
    block = '[blocks.Kept]\nparams = ["kind"]\nlayers = [{ name = "t", type = "${kind}", shape = [4], init = 2 }]'
    module = made('{ type = "Kept", kind = "Parameter" }, { type = "mul", input = "x", other = "0" }', more=block)
    assert torch.equal(module(X), X * 2)
    assert list(module.state_dict()) == ["0.t"]


def test_copies_of_a_block_are_one_class_and_other_inputs_go_to_each() -> None:
    block = (
        '[blocks.Step]\ninputs = ["h", "x"]\nlayers = ['
        '{ name = "f", type = "Linear", input = "h", out_features = 4 }, '
        '{ type = "add", other = "x" }]'
    )
    module = made('{ name = "s", type = "Step", repeat = 3, input = ["x", "x"] }', more=block)
    h = X
    for i in range(3):
        h = module.get_submodule(f"s.{i}.f")(h) + X
    assert torch.equal(module(X), h)
    assert len({type(each) for each in module.get_submodule("s").children()}) == 1


def test_outputs_with_the_names_of_inputs_are_handed_on_by_name() -> None:
    block = (
        '[blocks.Swap]\ninputs = ["a", "b"]\nlayers = ['
        '{ name = "f", type = "Linear", input = "a", out_features = 4 }]\n'
        'outputs = { a = "b", b = "f" }'
    )
    module = made(
        (
            '{ name = "s", type = "Swap", repeat = 3, input = ["x", "x"] }, '
            '{ type = "sub", input = "s.a", other = "s.b" }'
        ),
        more=block,
    )
    a, b = X, X
    for i in range(3):
        a, b = b, module.get_submodule(f"s.{i}.f")(a)
    assert torch.equal(module(X), a - b)


def test_several_results_are_handed_on_as_one_tuple() -> None:
    layers = (
        '{ name = "g", repeat = 2, inputs = ["pair"], input = [["x", "x"]], layers = ['
        '{ name = "f", type = "Linear", input = "pair.1", out_features = 4 }], outputs = ["pair.1", "f"] }, '
        '{ type = "sub", input = "g.1", other = "g.0" }'
    )
    module = made(layers)
    first = module.get_submodule("g.0.f")(X)
    assert torch.equal(module(X), module.get_submodule("g.1.f")(first) - first)


def test_parallel_copies_read_the_same_and_give_a_tuple() -> None:
    module = made(
        '{ name = "b", type = "Linear", out_features = "${i + 1}", repeat = 3, parallel = true }, '
        '{ type = "cat", dim = 1 }'
    )
    assert torch.equal(module(X), torch.cat([module.get_submodule(f"b.{i}")(X) for i in range(3)], 1))


def test_copies_side_by_side_are_read_by_their_names() -> None:
    module = made('{ name = "d${i}", type = "Linear", out_features = 4, repeat = 2 }, { type = "sub", other = "d0" }')
    first = module.get_submodule("d0")(X)
    assert torch.equal(module(X), module.get_submodule("d1")(first) - first)


def test_a_group_sees_the_names_around_it_and_may_have_inputs_of_its_own() -> None:
    module = made(
        '{ name = "h", type = "Linear", out_features = 4 },'
        '{ name = "g", inputs = ["a", "b"], input = ["h", "x"], layers = ['
        '  { type = "sub", input = "a", other = "b" }, { type = "mul", other = "h" }] }'
    )
    h = module.get_submodule("h")(X)
    assert torch.equal(module(X), (h - X) * h)


@pytest.mark.parametrize(
    ("outputs", "kind"), [('"h"', Tensor), ('["h"]', tuple), ('["h", "1"]', tuple), ('{ a = "h", b = "1" }', dict)]
)
def test_outputs_are_a_name_an_array_or_a_table(outputs: str, kind: type) -> None:
    module = made('{ name = "h", type = "Linear", out_features = 4 }, { type = "relu" }', model=f"outputs = {outputs}")
    assert isinstance(module(X), kind)


# when, share, tie


def test_a_layer_that_is_not_there_passes_its_first_input_through() -> None:
    layers = (
        '{ name = "skip", type = "Linear", input = "x", out_features = 9, when = "${x.shape[1] != 4}" }, '
        '{ type = "add", other = "skip" }'
    )
    assert torch.equal(made('{ type = "relu" },' + layers)(X), X + X)


def test_a_shared_layer_is_the_same_module_and_has_no_key() -> None:
    module = made('{ name = "a", type = "Linear", out_features = 4 }, { type = "relu" }, { name = "b", share = "a" }')
    assert keys(module) == ["a"]
    a = module.get_submodule("a")
    assert torch.equal(module(X), a(F.relu(a(X))))


def test_a_shared_layer_starts_and_stops_training_once() -> None:
    module = made(
        '{ name = "a", type = "Linear", out_features = 4, init = { weight = 1, bias = 0 }, freeze = true },'
        '{ name = "b", share = "a" }'
    )
    assert torch.equal(module(X), X.sum(1, keepdim=True).expand(2, 4).sum(1, keepdim=True).expand(2, 4))
    assert not any(each.requires_grad for each in module.parameters())


def test_a_block_a_repeat_and_a_part_of_them_can_be_shared() -> None:
    block = (
        '[blocks.Two]\ninputs = ["a", "b"]\nlayers = ['
        '{ name = "f", type = "Linear", input = "a", out_features = 4 }, '
        '{ type = "sub", other = "b" }]'
    )
    module = made(
        '{ name = "p", type = "Two", input = ["x", "x"] }, { name = "q", share = "p", input = ["p", "x"] },'
        '{ name = "r", share = "p.f", input = "q" },'
        '{ name = "h", type = "Two", repeat = 2, input = ["r", "x"] }, '
        '{ name = "k", share = "h", input = ["h", "r"] }',
        more=block,
    )
    assert keys(module) == ["p.f", "h.0.f", "h.1.f"]

    def two(path: str, a: Tensor, b: Tensor) -> Tensor:
        result: Tensor = module.get_submodule(path)(a) - b
        return result

    p = two("p.f", X, X)
    r = module.get_submodule("p.f")(two("p.f", p, X))
    h = two("h.1.f", two("h.0.f", r, X), X)
    assert torch.equal(module(X), two("h.1.f", two("h.0.f", h, r), r))


def test_a_shared_group_reads_what_it_is_fed_and_what_stands_around_it() -> None:
    """The first call is fed what the group also reads by name; the second is fed something else."""
    module = made(
        '{ name = "a", type = "Linear", out_features = 4 },'
        '{ name = "g", input = "a", layers = [{ type = "relu" }, { share = "a" }, '
        '{ type = "sub", other = "x" }, { type = "mul", other = "a" }] },'
        '{ name = "k", share = "g", input = "x" }'
    )
    a = module.get_submodule("a")
    assert torch.equal(module(X), (a(F.relu(X)) - X) * a(X))


def test_a_tied_parameter_is_one_tensor_under_two_keys() -> None:
    text = (
        'name = "T"\n[model]\n'
        'inputs = { x = { shape = ["N", "T"], dtype = "int64", high = 11 } }\nlayers = ['
        '{ name = "wte", type = "Embedding", embedding_dim = 6 }, '
        '{ name = "head", type = "Linear", bias = false, tie = { weight = "wte.weight" } }]'
    )
    done = builder.elaborate(dsl.loads(text))
    module = builder.build(done, device="cpu")
    assert sum(map(contract.parameter_count, contract.nodes(done))) == 66 == sum(p.numel() for p in module.parameters())
    assert {key: tuple(v.shape) for key, v in module.state_dict().items()} == {
        "wte.weight": (11, 6),
        "head.weight": (11, 6),
    }
    assert module.head.weight is module.wte.weight
    tokens = torch.tensor([[1, 2, 3]])
    module(tokens).sum().backward()
    torch.optim.SGD(module.parameters(), lr=0.1).step()
    assert torch.equal(module(tokens), module.wte(tokens) @ module.wte.weight.T)
    again = copy.deepcopy(module)
    assert again.head.weight is again.wte.weight is not module.wte.weight


def test_a_block_ties_what_stands_inside_it() -> None:
    module = made(
        '{ name = "a", type = "Linear", out_features = 4 },'
        '{ name = "g", tie = { "inner.fc.weight" = "a.weight" }, layers = ['
        '{ name = "inner", layers = [{ name = "fc", type = "Linear", out_features = 4 }, '
        '{ type = "relu" }] }] }'
    )
    assert module.get_parameter("g.inner.fc.weight") is module.get_parameter("a.weight")


# Parameters, buffers, starts


def test_tensors_of_the_models_own() -> None:
    module = made(
        '{ name = "drawn", type = "Parameter", shape = [2, 4] }, '
        '{ name = "full", type = "Parameter", shape = [4], init = 0.5 },'
        '{ name = "listed", type = "Buffer", init = [1.0, 2.0, 3.0, 4.0] }, '
        '{ name = "way", type = "Parameter", shape = [4], init = { type = "uniform_", a = 1.0, b = 2.0 } },'
        '{ name = "count", type = "Buffer", shape = [], init = 3, dtype = "int64", persistent = false },'
        '{ type = "add", input = "x", other = "drawn" }, { type = "mul", other = "full" }, '
        '{ type = "mul", other = "listed" }, { type = "mul", other = "way" }, '
        '{ type = "mul", other = "count" }',
    )
    assert list(module.state_dict()) == ["drawn", "full", "way", "listed"]
    torch.manual_seed(0)
    drawn, way = torch.randn(2, 4), nn.init.uniform_(torch.empty(4), 1.0, 2.0)
    expected = (X + drawn) * torch.full((4,), 0.5) * torch.tensor([1.0, 2.0, 3.0, 4.0]) * way * 3
    assert torch.equal(module(X), expected)


def test_a_buffer_keeps_what_was_worked_out_when_the_model_was_built() -> None:
    module = made(
        '{ type = "arange", end = 4 }, { value = "${2 * outer(arange(4), ones(3))[:, 0]}" },'
        '{ name = "kept", type = "Buffer", input = "1" }, { type = "mul", input = "x", other = "kept" }'
    )
    assert module.get_buffer("kept").tolist() == [0, 2, 4, 6]
    module.get_buffer("kept").fill_(1)
    assert torch.equal(module(X), X)


def test_starts_run_in_the_order_that_a_hand_would_write() -> None:
    module = made(
        '{ name = "a", type = "Linear", out_features = 4, init = { bias = 2 } },'
        '{ name = "g", layers = [{ name = "b", type = "Linear", out_features = 4 }, '
        '{ type = "relu" }], init = { "Linear.weight" = { type = "normal_", std = 0.1 } } }',
        model='init = { bias = 1, "Linear.weight" = { type = "xavier_uniform_", gain = 2.0 } }',
    )
    torch.manual_seed(0)
    a = nn.Linear(4, 4)
    b = nn.Linear(4, 4)
    nn.init.normal_(b.weight, std=0.1)
    for each in (a, b):
        nn.init.xavier_uniform_(each.weight, gain=2.0)
    assert torch.equal(module.get_parameter("a.weight"), a.weight)
    assert torch.equal(module.get_parameter("g.b.weight"), b.weight)
    assert module.get_parameter("a.bias").tolist() == [1.0] * 4


def test_an_init_may_name_a_block_that_holds_the_parameter() -> None:
    block = (
        '[blocks.Scale]\nlayers = [{ name = "gamma", type = "Parameter", shape = [4] }, '
        '{ type = "mul", input = "x", other = "gamma" }]'
    )
    module = made('{ name = "s", type = "Scale", repeat = 2 }', more=block, model='init = { "Scale.gamma" = 3 }')
    assert torch.equal(module(X), X * 9)


def test_frozen_layers_do_not_train() -> None:
    module = made(
        '{ name = "a", type = "Linear", out_features = 4, freeze = true },'
        '{ name = "b", freeze = true, layers = [{ type = "Linear", out_features = 4 }, { type = "relu" }] },'
        '{ name = "c", freeze = true, layers = [{ type = "Linear", out_features = 4 }] },'
        '{ name = "d", type = "Linear", out_features = 4 }'
    )
    assert [name for name, each in module.named_parameters() if each.requires_grad] == ["d.weight", "d.bias"]


def test_what_is_there_in_training_only_passes_its_input_through_in_evaluation() -> None:
    module = made(
        '{ type = "relu" }, { value = "${2 * x}", when = false }, '
        '{ name = "t", type = "neg", train_only = true }, '
        '{ name = "g", train_only = true, layers = [{ type = "neg" }, { type = "neg" }, '
        '{ type = "neg" }] }'
    )
    assert torch.equal(module(X), X)
    assert torch.equal(made('{ type = "neg", train_only = true }').eval()(X), X)
    assert torch.equal(made('{ type = "neg", train_only = true }').train()(X), -X)


# Values, sizes, devices


def test_a_value_is_an_expression_over_tensors() -> None:
    module = made(
        '{ name = "m", type = "Linear", out_features = 4 }, '
        '{ name = "z", value = "${x + exp(m / 2) * m.weight[0] - 1}" }'
    )
    m = module.get_submodule("m")
    assert torch.equal(module(X), X + torch.exp(m(X) / 2) * m.weight[0] - 1)


@pytest.mark.parametrize("length", [1, 5, 9])
def test_sizes_that_are_free_are_worked_out_when_the_model_runs(length: int) -> None:
    block = (
        "[blocks.Cut]\nlayers = ["
        '{ type = "narrow", dim = 1, start = 0, length = "${(x.shape[1] + 1) // 2}" }, '
        '{ type = "reshape", shape = ["${x.shape[0]}", "${3 * ((x.shape[1] + 1) // 2)}"] }]'
    )
    module = made(
        ('{ name = "c", type = "Cut" }, { name = "r", type = "arange", end = "${tokens.shape[1]}" }'),
        'tokens = ["N", "T", 3]',
        block,
        'outputs = ["c", "r"]',
    )
    x = torch.randn(2, length, 3)
    cut, count = module(x)
    assert torch.equal(cut, x[:, : (length + 1) // 2].reshape(2, -1))
    assert torch.equal(count, torch.arange(length))


def test_what_makes_a_tensor_makes_it_where_the_model_is() -> None:
    block = (
        "[blocks.Shift]\nlayers = ["
        '{ name = "n", type = "randn", size = ["${x.shape[0]}", 4] }, '
        '{ value = "${x + n + ones(4) + full_like(x, 2.0)}" }]'
    )
    module = made('{ name = "s", type = "Shift" }', more=block)
    result = module.to("meta")(X.to("meta"))
    assert result.device.type == "meta"


def test_functions_follow_the_mode_of_the_model() -> None:
    module = made(
        (
            '{ type = "dropout", p = 0.5 }, '
            '{ type = "scaled_dot_product_attention", input = ["0", "0", "0"], dropout_p = 0.5 }'
        ),
        'x = ["N", 3, 4]',
    )
    x = torch.ones(2, 3, 4)
    assert torch.equal(module.eval()(x), F.scaled_dot_product_attention(x, x, x))
    torch.manual_seed(1)
    assert not torch.equal(module.train()(x), x)


class Padded(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.LSTM(4, 3, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        output, (state, _) = self.rnn(packed)
        return nn.utils.rnn.pad_packed_sequence(output, batch_first=True, total_length=x.shape[1])[0], state


def test_recurrent_layers_take_lengths_and_pad_back() -> None:
    module = made(
        '{ name = "rnn", type = "LSTM", hidden_size = 3, batch_first = true, bidirectional = true,'
        ' input = { input = "x", lengths = "lengths" } }',
        'x = ["N", "T", 4], lengths = { shape = ["N"], dtype = "int64" }', model='outputs = ["rnn.0", "rnn.1.0"]',
    )  # fmt: skip
    same(module, Padded(), torch.randn(3, 7, 4), torch.tensor([2, 6, 1]))


# What a plain nn.Module can do


STEP = """
[blocks.Step]
inputs = ["h", "x"]
layers = [{ name = "f", type = "Linear", input = "h", out_features = 4 }, { type = "add", other = "x" }]
"""


def rich() -> nn.Module:
    return made(
        '{ name = "s", type = "Step", repeat = 2, input = ["x", "x"] }, '
        '{ name = "t", share = "s", input = ["s", "x"] },'
        '{ name = "head", type = "Linear", tie = { weight = "s.0.f.weight" } },'
        '{ name = "scale", type = "Parameter", shape = [4], init = 2 }, { value = "${head * scale}" }',
        more=STEP,
    )


def test_it_copies_pickles_compiles_and_exports() -> None:
    module = rich().eval()
    expected = module(X)
    assert torch.equal(copy.deepcopy(module)(X), expected)
    assert torch.equal(pickle.loads(pickle.dumps(module))(X), expected)
    assert torch.equal(torch.compile(module, backend="eager", fullgraph=True)(X), expected)
    exported = torch.export.export(module, (X,), dynamic_shapes=({0: torch.export.Dim("N", min=2)},))
    five = torch.randn(5, 4)
    assert torch.equal(exported.module()(five), module(five))
