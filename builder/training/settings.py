"""How to train, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

import torch

from builder.training.average import Averaging
from builder.training.errors import TrainingError
from builder.training.schedule import Stretch

Precision: TypeAlias = Literal["float32", "bf16", "fp16"]
MemoryFormat: TypeAlias = Literal["contiguous", "channels_last"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyStopping:
    """End when `metric` has not been better by more than `min_delta` for `patience` epochs. metric: None: val_loss,
    without validation train_loss. It is also what the best epoch goes by."""

    metric: str | None = None
    patience: int = 5
    min_delta: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What decides a run, beside the model, the data and the optimizer. Raises TrainingError where values clash.

    epochs, steps: how long: one of the two. A run of so many steps may end inside an epoch.
    seed: of dropout and whatever else draws at random in a step.
    clip_grad_norm: the greatest norm of all gradients together; None leaves them as they are. clip_grad_value: the
    greatest size of each number in them.
    accumulate: how many batches make one step, whose gradient is that of all their samples together.
    stretches: the course of the learning rate. average: of weights. early_stopping: when to end before the time.
    compile: the model by torch.compile, in steps. deterministic: only algorithms that give the same bits each time.
    time_limit: seconds after which the run stops as a signal would stop it. save_every: after so many steps a
    checkpoint is written, beside those at the end of each epoch.
    report_seconds: at most so often are losses fetched from the device, checked and reported, at least at an epoch's
        end; 0 reports every step. It changes no result.
    """

    epochs: int | None = None
    steps: int | None = None
    seed: int = 0
    device: torch.device = torch.device("cpu")  # noqa: RUF009  (immutable)
    precision: Precision = "float32"
    memory_format: MemoryFormat = "contiguous"
    clip_grad_norm: float | None = None
    clip_grad_value: float | None = None
    accumulate: int = 1
    stretches: tuple[Stretch, ...] = ()
    average: Averaging | None = None
    early_stopping: EarlyStopping | None = None
    compile: bool = False
    deterministic: bool = False
    time_limit: float | None = None
    save_every: int | None = None
    report_seconds: float = 0.1

    def __post_init__(self) -> None:
        if (self.epochs is None) == (self.steps is None):
            raise TrainingError("training lasts for a number of epochs or of steps: say one of the two")
        if (self.epochs or self.steps or 0) < 1:
            raise TrainingError("training lasts for at least one epoch or step")
        if self.clip_grad_norm is not None and not self.clip_grad_norm > 0:
            raise TrainingError(f"clip_grad_norm is a number above 0, not {self.clip_grad_norm}")
        check_precision(self.precision, self.device)


def check_precision(precision: Precision, device: torch.device) -> None:
    """Raise TrainingError where the device does not have the precision."""
    if precision == "fp16" and device.type != "cuda":
        raise TrainingError(
            f'precision "fp16" needs a CUDA device, and this run is on {device}; use "bf16" or "float32"'
        )
    if precision == "bf16" and device.type not in ("cpu", "cuda"):
        raise TrainingError(f'precision "bf16" works on cpu and cuda, and this run is on {device}; use "float32"')


def resolve_precision(wanted: str, device: torch.device) -> Precision:
    """The precision that `wanted` names; "auto" is bf16 on a CUDA device that computes in it, else float32."""
    if wanted == "auto":
        return "bf16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "float32"
    if wanted not in ("float32", "bf16", "fp16"):
        raise TrainingError(f'precision is "float32", "bf16", "fp16" or "auto", not {wanted!r}')
    check_precision(cast(Precision, wanted), device)
    return cast(Precision, wanted)
