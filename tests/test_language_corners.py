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


# What the same module does in another call


def test_a_call_inside_what_is_called_again_reads_what_that_call_was_given() -> None:
    block = (
        '[blocks.Twice]\nlayers = [{ name = "g", layers = [{ type = "tanh" }, { type = "add", other = "x" }] },'
        '{ share = "g" }]'
    )
    module = made('{ name = "a", type = "Twice" }, { share = "a" }', more=block)
    expected = X
    for _ in range(2):
        expected = torch.tanh(torch.tanh(expected) + expected) + expected
    assert torch.equal(module(X), expected)


def test_what_a_group_hands_on_from_out_of_sight_is_told() -> None:
    with pytest.raises(dsl.SpecError, match=r"`around.g` reads `pair`, which is not in sight here"):
        made(
            '{ name = "around", inputs = ["pair"], input = [["x"]], layers = [{ name = "g", input = "pair.0",'
            '  layers = [{ type = "tanh" }], outputs = "pair.0" }] }, { share = "around.g", input = "x" }'
        )


def test_a_group_that_was_fed_nothing_is_fed_nothing_again() -> None:
    module = made(
        '{ layers = [{ layers = [{ type = "sub", input = ["x", "y"] }] }] }, { share = "0" }',
        'x = ["N", 4], y = ["N", 4]',
    )
    assert torch.equal(module(X, X / 2), X - X / 2)
    with pytest.raises(dsl.SpecError, match=r"`g` reads one tensor: say which in `input`"):
        made(
            '{ name = "g", layers = [{ type = "neg", input = "x" }] },'
            '{ inputs = ["a", "b"], input = ["x", "x"], layers = [{ share = "g" }] }'
        )


def test_a_repeated_group_called_again_may_be_fed_what_it_also_reads_by_name() -> None:
    module = made(
        '{ type = "neg" }, { name = "g", repeat = 2, layers = [{ type = "tanh" }, { type = "add", other = "x" }] },'
        '{ share = "g", input = "x" }'
    )
    assert torch.equal(module(X), torch.tanh(torch.tanh(X) + X) + X)


def test_what_computes_nothing_can_be_called_again_in_a_group() -> None:
    layers = (
        '{ name = "g", layers = [{ type = "relu", repeat = 0 }] }, { layers = [{ type = "neg" }, { share = "g" }] }'
    )
    assert torch.equal(made(layers)(X), -X)


# Parameters


def test_a_tie_to_what_is_tied_itself_is_to_the_first() -> None:
    module = made(
        f'{{ name = "a", {LINEAR} }}, {{ name = "g", layers = ['
        '  { name = "b", type = "Linear", tie = { weight = "a.weight" } },'
        '  { name = "c", type = "Linear", tie = { weight = "b.weight" } }] }'
    )
    assert module.get_parameter("g.b.weight") is module.get_parameter("a.weight")
    assert module.get_parameter("g.c.weight") is module.get_parameter("a.weight")


def test_a_repeated_group_may_read_a_parameter_of_the_layer_before_it() -> None:
    module = made(
        f'{{ name = "a", {LINEAR} }}, {{ repeat = 2, layers = [{{ type = "mul", other = "a.bias" }},'
        '  { name = "z", type = "neg" }, { value = "${z + a.bias}" }] }'
    )
    bias = module.get_parameter("a.bias")
    expected = applied(module, "a", X)
    for _ in range(2):
        expected = -(expected * bias) + bias
    assert torch.equal(module(X), expected)


def test_cat_reads_a_list() -> None:
    with pytest.raises(dsl.SpecError, match="cat reads a list of tensors"):
        made('{ type = "cat" }')
    assert torch.equal(made('{ type = "cat", input = ["x"] }')(X), X)


def test_parameters_in_a_repeat_start_as_they_say() -> None:
    module = made(
        '{ name = "p", type = "Parameter", shape = [4], init = 0.5, repeat = 2 },'
        '{ type = "add", input = "x", other = "p" }'
    )
    assert list(module.state_dict()) == ["p.0", "p.1"]
    assert torch.equal(module(X), X + 0.5)


def test_a_tensor_of_the_models_own_has_a_name() -> None:
    with pytest.raises(dsl.SpecError, match="a Buffer is called by its name in the state dict, which cannot be empty"):
        made('{ name = "", type = "Buffer", shape = [4], init = 1 }, { type = "relu", input = "x" }')


def test_a_block_is_one_module_without_a_level_whatever_its_type_is_called_by() -> None:
    block = (
        '[blocks.Two]\nparams = ["act"]\nlayers = [{ name = "", type = "Linear", out_features = 8 },'
        '{ name = "", type = "${act}" }]'
    )
    with pytest.raises(dsl.SpecError, match="a block holds at most one module without a name"):
        made('{ type = "Two", act = "Identity" }', more=block)


def test_a_tensor_is_fed_once() -> None:
    with pytest.raises(dsl.SpecError, match="`input` of LayerNorm is fed by `input` and written too"):
        made('{ type = "LayerNorm", input = "x", args = { input = "x" } }')
    module = made('{ type = "neg" }, { type = "LayerNorm", args = { input = "x" } }')
    assert torch.equal(module(X), F.layer_norm(X, (4,)))


def test_an_output_named_twice_is_given_twice() -> None:
    module = made('{ name = "a", type = "neg" }', model='outputs = ["a", "x", "a"]')
    first, second, third = module(X)
    assert torch.equal(first, -X)
    assert torch.equal(second, X)
    assert torch.equal(third, -X)


# functions of which another signature has what is written as a tensor


def test_a_power_reads_the_layer_before() -> None:
    """torch.pow also takes a number to the power of a tensor."""
    assert torch.equal(made('{ type = "pow", exponent = 2 }')(X), X**2)
