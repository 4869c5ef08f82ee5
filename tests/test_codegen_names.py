"""Names of a spec beside names that its Python source needs; which class an `init` by type means."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import builder
import dsl

X = torch.randn(3, 4)
SCALED = """params = ["on"]
layers = [
  { name = "p", type = "Parameter", shape = [4], init = 1, when = "${on}" },
  { name = "q", type = "Parameter", shape = [4], init = 1 },
  { name = "scaled", value = "${x * q}" },
]
"""


def made(layers: str, init: str = "{}", more: str = "", inputs: str = 'x = ["N", 4]') -> nn.Module:
    model = f'name = "Named"\n[model]\ninputs = {{ {inputs} }}\ninit = {init}\nlayers = [\n{layers}\n]\n'
    module: nn.Module = builder.build(dsl.loads(model + more), device="cpu")
    return module


def values(module: nn.Module) -> dict[str, float]:
    return {name: each.flatten()[0].item() for name, each in module.named_parameters()}


@pytest.mark.parametrize("name", ["float", "getattr", "super", "packed", "Any", "functools"])
def test_a_layer_may_be_called_as_what_the_source_calls(name: str) -> None:
    module = made(
        f'{{ name = "kept", type = "relu" }}, {{ name = "{name}", type = "neg" }},'
        '{ type = "clamp", min = -inf, max = 0.5 },'
        f'{{ type = "add", other = "{name}" }}, {{ type = "add", other = "kept" }}'
    )
    kept = X.relu()
    assert torch.equal(module(X), (-kept).clamp(max=0.5) - kept + kept)


def test_packed_sequences_of_a_layer_called_packed() -> None:
    inputs = 'x = ["N", 3, 4], lengths = { shape = ["N"], dtype = "int64", high = 4 }'
    module = made(
        '{ name = "kept", type = "relu", input = "x" }, { name = "packed", type = "tanh" },'
        '{ name = "rnn", type = "GRU", hidden_size = 2, batch_first = true,'
        '  input = { input = "packed", lengths = "lengths" } },'
        '{ type = "cat", input = ["rnn.0", "packed", "kept"], dim = 2 }',
        inputs=inputs,
    )
    x, lengths = torch.randn(2, 3, 4), torch.tensor([3, 2])
    kept = x.relu()
    assert torch.equal(module(x, lengths)[:, :, 2:], torch.cat([kept.tanh(), kept], 2))
    assert not module(x, lengths)[1, 2, :2].any()


@pytest.mark.parametrize("name", ["float", "self", "super", "getattr", "range", "Any"])
def test_a_block_may_be_called_as_what_the_source_calls(name: str) -> None:
    block = f'[blocks.{name}]\nlayers = [{{ type = "relu" }}, {{ type = "add", other = "x" }}]\n'
    assert torch.equal(made(f'{{ type = "{name}" }}', more=block)(X), X.relu() + X)


@pytest.mark.parametrize("name", ["float", "packed", "super", "functools"])
def test_an_input_may_not(name: str) -> None:
    with pytest.raises(dsl.SpecError, match="cannot name an input"):
        made('{ type = "relu" }', inputs=f'{name} = ["N", 4]')


def test_a_block_may_start_by_its_own_type_what_it_holds() -> None:
    layers = (
        '{ name = "a", type = "B", on = true, init = { "B.p" = 3 } },'
        '{ name = "b", type = "B", on = false, init = { "B.q" = 5 } },'
        '{ name = "r", type = "Parameter", shape = [4] }, { type = "mul", input = ["b", "r"] }'
    )
    module = made(layers, '{ "Named.r" = 7 }', f"[blocks.B]\n{SCALED}")
    assert values(module) == {"a.p": 3, "a.q": 1, "b.q": 5, "r": 7}


def test_a_start_by_type_passes_over_blocks_without_the_parameter() -> None:
    layers = '{ name = "a", type = "B", on = true }, { name = "b", type = "B", on = false }'
    assert values(made(layers, '{ "B.p" = 3 }', f"[blocks.B]\n{SCALED}")) == {"a.p": 3, "a.q": 1, "b.q": 1}


def test_a_start_by_type_leaves_a_block_of_another_name_alone() -> None:
    layers = '{ name = "a", type = "B", on = true }, { name = "b", type = "C", on = true }'
    module = made(layers, '{ "B.p" = 3 }', f"[blocks.B]\n{SCALED}[blocks.C]\n{SCALED}")
    assert values(module) == {"a.p": 3, "a.q": 1, "b.p": 1, "b.q": 1}
