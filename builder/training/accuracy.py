"""What counts as a right answer, by the type of the loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

# Outputs and target -> how many answers are right, and of how many; two tensors of one number each, on the device.
Accuracy: TypeAlias = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def accuracy_for(loss_type: str, *, ignore_index: int = -100) -> Accuracy | None:
    """The accuracy that goes with a loss by the name of its type; None where no answer is right or wrong.

    CrossEntropyLoss, NLLLoss, MultiMarginLoss: the class with the highest score along dim 1 (dim 0 of a single sample)
    is the answer; targets that are `ignore_index` are not counted; a target of class probabilities means its highest.
    BCELoss: the answer is yes from 0.5 on. BCEWithLogitsLoss: yes from 0 on. Each number is an answer of its own.
    """
    if loss_type in ("CrossEntropyLoss", "NLLLoss", "MultiMarginLoss"):
        return lambda outputs, target: _classes(outputs, target, ignore_index)
    if loss_type in ("BCELoss", "BCEWithLogitsLoss"):
        threshold = 0.5 if loss_type == "BCELoss" else 0.0
        return lambda outputs, target: _yes_or_no(outputs, target, threshold)
    return None


def _classes(outputs: Tensor, target: Tensor, ignore_index: int) -> tuple[Tensor, Tensor]:
    dim = 1 if outputs.ndim > 1 else 0
    answer = outputs.argmax(dim)
    if target.is_floating_point():
        target = target.argmax(dim)
    counted = target != ignore_index
    return ((answer == target) & counted).sum(), counted.sum()


def _yes_or_no(outputs: Tensor, target: Tensor, threshold: float) -> tuple[Tensor, Tensor]:
    right = (outputs >= threshold) == (target >= 0.5)
    return right.sum(), torch.tensor(right.numel(), device=right.device)
