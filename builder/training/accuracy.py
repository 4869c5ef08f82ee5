"""What a loss is usually measured by beside itself: what counts as a right answer, how far off a number is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import torch
from torch import Tensor

# Outputs and target -> what is added to a sum and to a count; two tensors of one number each, on the device.
Parts: TypeAlias = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]

CLASSES: Final = ("CrossEntropyLoss", "NLLLoss", "MultiMarginLoss", "cross_entropy", "nll_loss", "multi_margin_loss")
# From where on the answer is yes.
YES: Final = {
    "BCELoss": 0.5, "binary_cross_entropy": 0.5, "BCEWithLogitsLoss": 0.0, "binary_cross_entropy_with_logits": 0.0,
    "MultiLabelSoftMarginLoss": 0.0, "multilabel_soft_margin_loss": 0.0,
}  # fmt: skip
_DISTANCES: Final = (
    "MSELoss", "SmoothL1Loss", "HuberLoss", "GaussianNLLLoss", "mse_loss", "smooth_l1_loss", "huber_loss",
    "gaussian_nll_loss",
)  # fmt: skip


def accuracy_for(loss_type: str, *, ignore_index: int = -100) -> Parts | None:
    """The accuracy that goes with a loss by the name of its type; None where no answer is right or wrong.

    CrossEntropyLoss, NLLLoss, MultiMarginLoss: the class with the highest score along dim 1 (dim 0 of a single sample)
    is the answer; targets that are `ignore_index` are not counted; a target of class probabilities means its highest.
    BCELoss: the answer is yes from 0.5 on. BCEWithLogitsLoss, MultiLabelSoftMarginLoss: yes from 0 on. Each number is
    an answer of its own. Functions go as their classes.
    """
    if loss_type in CLASSES:
        return lambda outputs, target: _classes(outputs, target, ignore_index)
    if loss_type in YES:
        return lambda outputs, target: _yes_or_no(outputs, target, YES[loss_type])
    return None


def error_for(loss_type: str) -> Parts | None:
    """The mean absolute error of a loss that goes by how far numbers are from the target; None for others, and for
    L1Loss, which is that error."""
    if loss_type not in _DISTANCES:
        return None
    return lambda outputs, target: ((outputs.float() - target).abs().sum(), _count(outputs, target))


def _classes(outputs: Tensor, target: Tensor, ignore_index: int) -> tuple[Tensor, Tensor]:
    dim = 1 if outputs.ndim > 1 else 0
    answer = outputs.argmax(dim)
    if target.is_floating_point():
        target = target.argmax(dim)
    counted = target != ignore_index
    return ((answer == target) & counted).sum(), counted.sum()


def _yes_or_no(outputs: Tensor, target: Tensor, threshold: float) -> tuple[Tensor, Tensor]:
    right = (outputs >= threshold) == (target >= 0.5)
    return right.sum(), _count(outputs, target)


def _count(outputs: Tensor, target: Tensor) -> Tensor:
    return torch.tensor(max(outputs.numel(), target.numel()), device=outputs.device)
