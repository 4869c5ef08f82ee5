"""The tutorial's fifteen losses: its own numbers, torch's classes on the same tensors, and some steps of training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import builder
import dsl

FOLDER = Path(__file__).parent.parent / "specs" / "losses"
LOSSES = sorted(path.stem for path in FOLDER.glob("*.toml"))

# What the tutorial prints: the spec, the outputs, the target, the loss to four decimals.
PRINTED = {
    "kl_div": ([[0.5, 0.3, 0.2], [0.2, 0.3, 0.5]], [[0.9, 0.05, 0.05], [0.1, 0.7, 0.2]], -1.0006),
    "multi_label_margin": ([[0.9, 0.2, 0.4, 0.8]], [[3, 0, -1, 1]], 0.4500),
    "soft_margin": ([[0.3, 0.7], [0.5, 0.5]], [[-1.0, 1.0], [1.0, -1.0]], 0.6764),
    "multi_margin": ([[0.3, 0.7], [0.5, 0.5]], [0, 1], 0.6000),
    "hinge_embedding": ([[1.0, 0.8, 0.5]], [[1, 1, -1]], 0.7667),
}


@pytest.mark.parametrize("name", PRINTED)
def test_the_numbers_of_the_tutorial(name: str) -> None:
    outputs, target, expected = PRINTED[name]
    loss = objective(name)(torch.tensor(outputs), {"target": torch.tensor(target)})
    assert loss.shape == ()
    assert round(loss.item(), 4) == expected


def test_the_cosine_of_the_tutorial() -> None:
    outputs = {
        "a": torch.tensor([[0.3, 0.5, 0.7], [0.3, 0.5, 0.7]]),
        "b": torch.tensor([[0.1, 0.3, 0.5], [0.1, 0.3, 0.5]]),
    }
    loss = objective("cosine_embedding")(outputs, {"target": torch.tensor([1.0, -1.0])})
    assert round(loss.item(), 4) == 0.5


def drawn() -> dict[str, tuple[nn.Module, Any, dict[str, Tensor], list[Tensor]]]:
    """For each loss that the tutorial feeds with random numbers, in its own shapes: torch's class, the model's outputs,
    the batch, and the class's own arguments."""
    torch.manual_seed(11)
    probability, binary = torch.randn(3).sigmoid(), torch.empty(3).random_(2)
    scores, classes = torch.randn(3, 5), torch.empty(3, dtype=torch.long).random_(5)
    real, counts, log_rate = torch.randn(3, 5), torch.randn(5, 2), torch.randn(5, 2)
    first, second, order = torch.randn(3), torch.randn(3), torch.randn(3).sign()
    anchor, positive, negative = torch.randn(3, 100, 128)
    log_probabilities = torch.randn(50, 16, 20).log_softmax(2)
    labels = torch.randint(1, 20, (16, 30))
    lengths, label_lengths = torch.full((16,), 50), torch.randint(10, 30, (16,))
    ctc = {"target": labels, "input_lengths": lengths, "target_lengths": label_lengths}
    return {
        "bce": (nn.BCELoss(), probability, {"target": binary}, [probability, binary]),
        "cross_entropy": (nn.CrossEntropyLoss(), scores, {"target": classes}, [scores, classes]),
        "l1": (nn.L1Loss(), scores, {"image": real}, [scores, real]),
        "mse": (nn.MSELoss(), scores, {"target": real}, [scores, real]),
        "smooth_l1": (nn.SmoothL1Loss(), scores, {"target": real}, [scores, real]),
        "poisson_nll": (nn.PoissonNLLLoss(), log_rate, {"target": counts}, [log_rate, counts]),
        "margin_ranking": (nn.MarginRankingLoss(), {"first": first, "second": second}, {"target": order},
                           [first, second, order]),
        "triplet_margin": (nn.TripletMarginLoss(margin=1.0, p=2), {"a": anchor, "p": positive, "n": negative}, {},
                           [anchor, positive, negative]),
        "ctc": (nn.CTCLoss(), log_probabilities, ctc, [log_probabilities, *ctc.values()]),
    }  # fmt: skip


DRAWN = drawn()


def test_the_two_lists_are_all_fifteen() -> None:
    assert sorted([*PRINTED, "cosine_embedding", *DRAWN]) == LOSSES
    assert len(LOSSES) == 15


@pytest.mark.parametrize("name", DRAWN)
def test_a_loss_and_its_gradient_are_those_of_torch(name: str) -> None:
    theirs, outputs, batch, arguments = DRAWN[name]
    assert torch.equal(objective(name)(outputs, batch), theirs(*arguments))
    read = list(outputs.values()) if isinstance(outputs, Mapping) else [outputs]
    gradients = []
    for function, given in ((objective(name), (outputs, batch)), (theirs, arguments)):
        for each in read:
            each.grad = None
            each.requires_grad_(True)
        function(*given).backward()
        gradients.append([each.grad for each in read])
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_trains(name: str, tmp_path: Path) -> None:
    spec = dsl.load(FOLDER / f"{name}.toml", overrides={"train.epochs": 2})
    run = builder.train(spec, out=tmp_path / "run", device="cpu")
    assert len(run.rows) == 2
    assert all(math.isfinite(row["train_loss"]) for row in run.rows)
    torch.manual_seed(spec.train.seed)
    fresh = builder.build(spec, device="cpu").state_dict()
    assert not any(torch.equal(fresh[key], value) for key, value in run.model.state_dict().items())
    if spec.data is not None and spec.data.source == "digits":  # of real digits there is something to be learnt
        assert run.rows[1]["train_loss"] < run.rows[0]["train_loss"]


def objective(name: str) -> Any:
    return builder.objective(dsl.load(FOLDER / f"{name}.toml"))
