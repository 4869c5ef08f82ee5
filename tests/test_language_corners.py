"""Where keys of the language meet: what `test_language_oracle` found, each in its smallest form, by hand in torch."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from test_language_layers import X, keys, made
from torch import nn
from torch.nn import functional as F

import dsl

LINEAR = 'type = "Linear", out_features = 4'


def applied(module: nn.Module, path: str, x: Any) -> Any:
    return module.get_submodule(path)(x)


# share


def test_a_layer_that_says_how_it_starts_can_be_called_again() -> None:
    module = made(f'{{ name = "a", {LINEAR}, init = {{ bias = 0.5 }} }}, {{ share = "a" }}')
    assert torch.equal(module(X), applied(module, "a", applied(module, "a", X)))
    assert module.get_parameter("a.bias").tolist() == [0.5] * 4


def test_a_repeated_group_may_call_the_layer_whose_result_its_first_copy_reads() -> None:
    module = made(f'{{ name = "a", {LINEAR} }}, {{ repeat = 2, layers = [{{ share = "a" }}, {{ type = "relu" }}] }}')
    expected = applied(module, "a", X)
    for _ in range(2):
        expected = F.relu(applied(module, "a", expected))
    assert torch.equal(module(X), expected)


def test_a_repeat_made_around_a_group_can_be_called_in_it() -> None:
    module = made(f'{{ name = "a", {LINEAR}, repeat = 2 }}, {{ layers = [{{ share = "a" }}] }}')
    expected = X
    for path in ("a.0", "a.1", "a.0", "a.1"):
        expected = applied(module, path, expected)
    assert torch.equal(module(X), expected)


def test_a_group_called_again_sees_what_stood_before_it_and_not_what_came_after() -> None:
    module = made(
        '{ name = "h", type = "neg" },'
        '{ name = "around", layers = [{ name = "g", layers = [{ type = "relu" }, { type = "add", other = "h" }] },'
        '  { name = "h", type = "tanh" }, { share = "g" }] }'
    )
    first = F.relu(-X) - X
    assert torch.equal(module(X), F.relu(torch.tanh(first)) - X)


def test_a_group_that_reads_what_is_not_in_sight_cannot_be_called_from_there() -> None:
    with pytest.raises(dsl.SpecError, match=r"`around.g` reads `inner`, which is not in sight here"):
        made(
            '{ name = "around", layers = [{ name = "inner", type = "tanh" },'
            '  { name = "g", layers = [{ type = "mul", other = "inner" }] }] }, { share = "around.g" }'
        )


def test_a_group_keeps_reading_an_input_of_a_group_without_a_level() -> None:
    module = made(
        '{ type = "neg" }, { name = "", inputs = ["left"], layers = ['
        '  { name = "g", layers = [{ type = "mul", other = "left" }] }] }, { layers = [{ share = "g" }] }'
    )
    assert torch.equal(module(X), -X * -X * -X)


def test_a_block_around_a_module_without_a_level_can_be_called_again() -> None:
    block = (
        '[blocks.Two]\ninputs = ["a", "b"]\nlayers = [{ name = "", type = "Linear", input = "a", out_features = 4 },'
        '{ type = "sub", other = "b" }]'
    )
    module = made('{ name = "p", type = "Two", input = ["x", "x"] }, { share = "p", input = ["p", "x"] }', more=block)
    weight, bias = module.get_parameter("p.weight"), module.get_parameter("p.bias")
    assert torch.equal(module(X), F.linear(F.linear(X, weight, bias) - X, weight, bias) - X)


# Names and positions


def test_copies_at_the_next_positions_are_read_by_them() -> None:
    module = made(f'{{ name = "", {LINEAR}, repeat = 2 }}, {{ type = "sub", input = "0", other = "1" }}')
    first = applied(module, "0", X)
    assert torch.equal(module(X), first - applied(module, "1", first))


def test_a_name_in_a_group_without_a_level_hides_the_same_name_further_out() -> None:
    module = made(
        '{ name = "a", type = "neg" }, { name = "around", input = "x", layers = ['
        '  { name = "", layers = [{ name = "a", type = "tanh" }] }, { type = "add", input = "x", other = "a" },'
        '  { name = "b${i}", type = "relu", repeat = 1 }] }'
    )
    assert torch.equal(module(X), F.relu(X + torch.tanh(X)))


def test_a_block_without_a_level_counts_its_own_positions() -> None:
    block = f'[blocks.Sum]\nlayers = [{{ {LINEAR} }}, {{ type = "relu" }}, {{ type = "add", other = "0" }}]'
    module = made('{ type = "neg" }, { name = "", type = "Sum" }, { type = "sub", other = "1" }', more=block)
    hidden = applied(module, "1", -X)
    assert torch.equal(module(X), F.relu(hidden) + hidden - hidden)
    assert keys(module) == ["1"]


def test_what_a_module_without_a_level_holds_comes_first() -> None:
    module = made(
        '{ name = "scale", type = "Parameter", shape = [4] }, { name = "", type = "Linear", input = "x",'
        ' out_features = 4, freeze = true }, { type = "mul", other = "scale" }'
    )
    assert list(module.state_dict()) == ["weight", "bias", "scale"]
    assert [name for name, each in module.named_parameters() if each.requires_grad] == ["scale"]


def test_a_module_without_a_level_can_be_tied() -> None:
    module = made(
        f'{{ name = "g", layers = [{{ name = "a", {LINEAR} }},'
        ' { name = "", type = "Linear", tie = { weight = "a.weight" } }] }'
    )
    assert module.get_parameter("g.weight") is module.get_parameter("g.a.weight")


# Groups: what they are handed


def test_a_dict_fed_to_a_group_is_asked_by_key() -> None:
    block = (
        '[blocks.Both]\nlayers = [{ name = "a", type = "neg" }, { name = "b", type = "tanh", input = "x" }]\n'
        'outputs = { a = "a", b = "b" }'
    )
    module = made(
        '{ name = "both", type = "Both" }, { inputs = ["pair"], input = "both", layers = ['
        '  { type = "sub", input = "pair.b", other = "pair.a" },'
        '  { type = "add", other = "pair.a" }] }',
        more=block,
    )
    assert torch.equal(module(X), torch.tanh(X) + X - X)


def test_a_group_that_reads_one_tensor_in_two_ways_is_not_put_in_a_sequential() -> None:
    module = made('{ repeat = 1, inputs = ["h"], layers = [{ type = "mul", input = "h", other = "x" }] }')
    assert torch.equal(module(X), X * X)
    block = '[blocks.Outer]\nlayers = [{ layers = [{ type = "LayerNorm", input = "x" }] }]'
    assert torch.equal(made('{ type = "Outer" }', more=block)(X), F.layer_norm(X, (4,)))


@pytest.mark.parametrize("outputs", ["y", "h"])
def test_a_group_for_training_alone_may_hand_on_what_it_did_not_make(outputs: str) -> None:
    module = made(
        '{ name = "a", type = "neg", input = "x" }, { train_only = true, inputs = ["g", "h"], input = ["a", "y"],'
        f' layers = [{{ type = "tanh", input = "g" }}], outputs = "{outputs}" }}',
        'x = ["N", 4], y = ["N", 4]',
    )
    y = torch.randn(2, 4)
    assert torch.equal(module.train()(X, y), y)
    assert torch.equal(module.eval()(X, y), -X)
