"""`builder.from_module`: what the specs of small models say, and that they are the models."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from importing_models import NAMES, case
from torch import Tensor, nn

import builder
import dsl
from builder.exchange.importing.whole import imported
from dsl.layout import formatted
from dsl.source import Source

LENET = """\
name = "LeNet"

[model]
inputs = { image = ["N", 1, 28, 28] }
layers = [
  { name = "conv1", type = "Conv2d", out_channels = 6, kernel_size = 5, padding = 2 },  # (N, 6, 28, 28)
  { type = "relu" },
  { type = "max_pool2d", kernel_size = 2 },  # (N, 6, 14, 14)
  { name = "conv2", type = "Conv2d", out_channels = 16, kernel_size = 5 },  # (N, 16, 10, 10)
  { type = "relu" },
  { type = "max_pool2d", kernel_size = 2 },  # (N, 16, 5, 5)
  { type = "flatten", start_dim = 1 },  # (N, 400)
  { name = "fc1", type = "Linear", out_features = 120 },  # (N, 120)
  { type = "relu" },
  { type = "Dropout", p = 0.25 },
  { name = "fc2", type = "Linear", out_features = 10 },  # (N, 10)
]
"""
PERCEPTRON = """\
name = "Perceptron"

[blocks.LinearTanh]
layers = [
  { name = "", type = "Linear", out_features = 8 },  # (N, 8)
  { type = "tanh" },
]

[model]
inputs = { x = ["N", 8] }
layers = [{ name = "layers", type = "LinearTanh", repeat = 3 }]
"""


@pytest.mark.parametrize("name", NAMES)
def test_the_spec_is_the_model(name: str) -> None:
    """With the model's weights, and a batch that was never an example; the text is in the house's form and loads."""
    module, given = case(name)
    text = imported(module.eval(), given)
    assert formatted(Source("spec.toml", text)) == text
    rebuilt = builder.build(dsl.loads(text), device="cpu").eval()
    assert set(rebuilt.state_dict()) == set(module.state_dict())
    rebuilt.load_state_dict(module.state_dict())
    inputs = [each.repeat(2, *[1] * (each.dim() - 1)) for each in (given if isinstance(given, tuple) else (given,))]
    wanted, found = module(*inputs), rebuilt(*inputs)
    if isinstance(wanted, dict):
        assert list(wanted) == list(found)
        assert all(torch.equal(wanted[key], found[key]) for key in wanted)
    else:
        assert torch.equal(wanted, found)


def test_the_text_of_a_plain_model() -> None:
    assert imported(*case("LeNet")) == LENET


def test_a_list_of_modules_with_functions_between_is_repeated() -> None:
    assert imported(*case("Perceptron")) == PERCEPTRON


def test_what_repeats_is_a_block_whose_width_follows_from_what_it_reads() -> None:
    text = imported(*case("ResNet"))
    assert '{ name = "stages", type = "Residual", repeat = 3 }' in text
    assert 'out_channels = "${2 * x.shape[1]}"' in text


def test_a_length_is_free_however_the_code_came_by_it() -> None:
    """`len(...)` is a plain number to Python; another length of the examples shows that it is none."""
    module, given = case("Language")
    spec = builder.from_module(module, given)
    rebuilt = builder.build(spec, device="cpu").eval()
    rebuilt.load_state_dict(module.state_dict())
    tokens = torch.randint(0, 50, (3, 17))
    assert torch.equal(module.eval()(tokens), rebuilt(tokens))
    assert rebuilt.head.weight is rebuilt.words.weight


def test_dims_are_free_as_they_are_named() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.MaxPool2d(2))
    spec = builder.from_module(module, torch.randn(2, 3, 16, 16), shapes={"input": ["N", 3, "H", "W"]})
    assert spec.model.inputs is not None
    assert spec.model.inputs[0].shape == ("N", 3, "H", "W")
    assert builder.from_module(module, torch.randn(2, 3, 16, 16)).model.inputs[0].shape == ("N", 3, 16, 16)  # type: ignore[index]


def test_the_module_stays_as_it_was() -> None:
    module, given = case("ResNet")
    module.train()
    module.fc.eval()
    before = copy.deepcopy(module.state_dict())
    builder.from_module(module, given)
    assert module.training
    assert not module.fc.training
    assert all(torch.equal(before[key], each) for key, each in module.state_dict().items())
    assert nn.Module.__call__ is nn.Module._wrapped_call_impl  # what recording puts in its place is gone


def test_a_module_of_torch_is_a_spec_by_itself() -> None:
    spec = builder.from_module(nn.LSTM(4, 5, batch_first=True), torch.randn(2, 7, 4))
    assert list(builder.build(spec, device="cpu").state_dict()) == list(nn.LSTM(4, 5).state_dict())


def test_an_imported_spec_trains(tmp_path: object) -> None:
    module, given = case("ResNet")
    sections = (
        '\n[loss]\ntype = "CrossEntropyLoss"\n[optimizer]\ntype = "SGD"\nlr = 0.1\n'
        '[data]\nsource = "random"\nsamples = 8\nbatch_size = 4\n'
        'fields = { target = { shape = ["N"], dtype = "int64", high = 10 } }\n[train]\nepochs = 1\ndevice = "cpu"\n'
    )
    spec = dsl.loads(imported(module, given) + sections)
    run = builder.train(spec, out=f"{tmp_path}/run")
    assert run is not None


def test_what_drops_a_branch_in_training_alone_is_kept() -> None:
    class MyDropPath(nn.Module):
        def __init__(self, drop_prob: float) -> None:
            super().__init__()
            self.drop_prob = drop_prob

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if not self.training:
                return x
            return x * torch.empty(len(x), 1).bernoulli_(1 - self.drop_prob) / (1 - self.drop_prob)

    class Branch(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 4)
            self.drop_path = MyDropPath(0.2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.drop_path(self.fc(x))

    assert 'type = "StochasticDepth", p = 0.2 }' in imported(Branch(), torch.randn(2, 4))


def test_a_weight_is_tied_to_that_of_a_layer_without_a_level() -> None:
    module, given = case("Tied")
    rebuilt = builder.build(builder.from_module(module, given), device="cpu")
    assert rebuilt.words.weight is rebuilt.head.weight


def test_a_function_that_is_told_to_train_always_does() -> None:
    class Drops(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.dropout(x, 0.3)  # in evaluation too

    assert 'type = "dropout", p = 0.3, training = true }' in imported(Drops(), torch.randn(2, 4))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_a_model_of_other_floats_is_the_same_spec(dtype: torch.dtype) -> None:
    module, given = case("Scaled")
    assert imported(module.to(dtype), given.to(dtype)) == imported(*case("Scaled"))


def test_what_is_patched_for_a_recording_is_as_it_was() -> None:
    """Functions of autograd, torch's own too, hang on `Function.apply` being that of each subclass."""
    builder.from_module(nn.Sequential(nn.Linear(4, 3)), torch.zeros(2, 4))

    class Doubled(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return 2 * x

        @staticmethod
        def backward(ctx: Any, grad: Tensor) -> Tensor:
            return 2 * grad

    x = torch.ones(3, requires_grad=True)
    Doubled.apply(x).sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    assert x.grad.tolist() == [2.0, 2.0, 2.0]
