"""The gallery's models without a published class give what the same, written in PyTorch, gives, bit for bit."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from gallery import gradients, keys, load, stir, twin
from references_small import VAE, Autoencoder, GRUTagger, LSTMClassifier, Triplet, TwoHeads, UNet
from torch import Tensor, nn

import builder


def images(*shape: int) -> Tensor:
    return torch.rand(shape)


CASES: dict[str, tuple[Callable[[], nn.Module], Callable[[], tuple[Tensor, ...]]]] = {
    "unet": (UNet, lambda: (images(2, 1, 32, 48),)),
    "lstm_classifier": (LSTMClassifier, lambda: (torch.randint(1000, (3, 9)), torch.tensor([4, 8, 1]))),
    "gru_ctc": (GRUTagger, lambda: (torch.randn(3, 11, 40), torch.tensor([4, 10, 1]))),
    "autoencoder": (Autoencoder, lambda: (images(3, 1, 8, 8),)),
    "vae": (VAE, lambda: (images(3, 1, 8, 8),)),
    "triplet": (Triplet, lambda: (images(3, 1, 8, 8), images(3, 1, 8, 8), images(3, 1, 8, 8))),
    "two_heads": (TwoHeads, lambda: (images(3, 1, 8, 8), images(3, 8))),
}


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_outputs_and_gradients_are_the_written_models(name: str, training: bool) -> None:
    make, inputs = CASES[name]
    torch.manual_seed(0)
    ours = stir(builder.build(load(name), device="cpu")).train(training)
    theirs = twin(make, ours)
    assert keys(ours) == keys(theirs)
    values, results = inputs(), []
    for module in (ours, theirs):
        torch.manual_seed(1)
        result = module(*values)
        results.append([result] if isinstance(result, Tensor) else list(result))
        sum(each.square().mean() for each in results[-1]).backward()
    assert len(results[0]) == len(results[1])
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))
    expected = gradients(theirs)
    assert list(gradients(ours)) == list(expected)
    assert all(torch.equal(each, expected[key]) for key, each in gradients(ours).items())


def test_the_unet_says_which_sizes_it_takes() -> None:
    """Four halvings on the way down: joined again, they fit where 2 ** 4 divides the size."""
    conditions = builder.elaborate(load("unet")).graph["conditions"]
    assert conditions == ["H >= 16", "W >= 16", "H % 16 == 0", "W % 16 == 0"]
