"""What a spec cannot say is refused by a message that names the place."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import builder
from builder.exchange.importing.errors import DiffersError, ImportingError


class Chooses(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return -x if x.sum() > 0 else x


class ChangesInput(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        x += 1
        return x * 2


class ChangesParameter(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.count = nn.Parameter(torch.zeros(4), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        self.count.add_(1)
        return x + self.count


class ReadsOldView(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        y = x * 2
        first = y[:, 0]
        y.add_(1)
        return y.sum(1) + first


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x * 2

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return grads[0] * 2


class OwnFunction(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return Doubled.apply(x)


class TakesTurns(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(4, 4) for _ in range(2)])
        self.norms = nn.ModuleList([nn.LayerNorm(4) for _ in range(2)])

    def forward(self, x: Tensor) -> Tensor:
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = norm(layer(x))
        return x


class PicksByTruth(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x[x > 0].sum()


class Within(nn.Module):
    """The fault is in a module of the module."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(4, 4), Chooses())

    def forward(self, x: Tensor) -> Tensor:
        return self.encoder(x)


class Unseen(nn.Module):
    """What it adds comes from numpy, and hangs on the input."""

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.from_numpy(x.numpy() * 2)


REFUSED = [
    (Chooses, "the model (test_importing_refusals.py, line 17: `return -x if x.sum() > 0 else x`): what runs hangs on "
     "the numbers of the inputs (`bool` of a tensor)"),
    (Within, "encoder.1 (test_importing_refusals.py, line 17: "),
    (ChangesInput, "line 22: `x += 1`): an input is changed in place"),
    (ChangesParameter, "line 32: `self.count.add_(1)`): its parameter is changed in place"),
    (ReadsOldView, "a tensor is read that was changed through another view of memory"),
    (OwnFunction, "line 56: `return Doubled.apply(x)`): Doubled is an autograd function of its own"),
    (TakesTurns, "the model: the modules of layers and norms take turns"),
    (PicksByTruth, "line 73: `return x[x > 0].sum()`): it picks by a tensor of truth values"),
    (Unseen, "(`numpy` of a tensor)"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "words"), REFUSED, ids=[each.__name__ for each, _ in REFUSED])
def test_it_says_where(kind: type[nn.Module], words: str) -> None:
    with pytest.raises(ImportingError) as told:
        builder.from_module(kind(), torch.randn(2, 4))
    assert words in str(told.value)


def test_a_function_that_the_language_does_not_have_is_named() -> None:
    class Sparse(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.nonzero(x).float()

    with pytest.raises(ImportingError, match="nonzero"):
        builder.from_module(Sparse(), torch.eye(3))


def test_a_hook_that_changes_what_a_module_gives_is_named() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    module[0].register_forward_hook(lambda _m, _i, out: out + 1)
    with pytest.raises(ImportingError, match="0: a hook changes what the module reads or gives"):
        builder.from_module(module, torch.randn(2, 4))


def test_a_hook_that_looks_on_is_none_of_our_business() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    seen: list[int] = []
    module[0].register_forward_hook(lambda _m, _i, _o: seen.append(1))
    builder.from_module(module, torch.randn(2, 4))
    assert seen


def test_what_differs_is_told_at_the_first_layer() -> None:
    """A module that does something else while it is watched."""

    class Hides(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x if torch._C._is_torch_function_mode_enabled() else -x

    module = nn.Sequential(nn.Linear(4, 4), Hides(), nn.Linear(4, 3), nn.ReLU())
    with pytest.raises(DiffersError) as told:
        builder.from_module(module, torch.randn(2, 4))
    assert str(told.value) == "output 0 differs on input (2, 4): the first layer that gives something else is 1"


def test_a_number_that_hangs_on_nothing_to_be_seen_is_told() -> None:
    class Counting(nn.Module):
        runs = 0.0

        def forward(self, x: Tensor) -> Tensor:
            self.runs += 1.0
            return x * self.runs

    with pytest.raises(
        ImportingError, match=r"`return x \* self.runs`: a number hangs on the sizes of the inputs in a way"
    ):
        builder.from_module(Counting(), torch.randn(2, 4))


def test_a_module_that_does_not_run_is_told() -> None:
    with pytest.raises(ImportingError, match="it does not run on the examples: RuntimeError: mat1 and mat2"):
        builder.from_module(nn.Linear(4, 4), torch.randn(2, 5))
