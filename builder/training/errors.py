"""What can go wrong in training, in plain sentences."""

from __future__ import annotations


class TrainingError(ValueError):
    """What was handed to training does not fit together: no batches, a loss that is no single number, a precision that
    the device does not have."""


class OptimizerError(TrainingError):
    """The optimizer cannot be made: an unknown type, an argument it does not take, a pattern that matches nothing."""


class CheckpointError(ValueError):
    """A checkpoint cannot be used: cut, damaged, not one of ours, or of another model or other data."""


class Diverged(ArithmeticError):  # noqa: N818  (what happened, not a mistake)
    """A number that must be finite is not. Nothing of it has reached a checkpoint."""

    def __init__(self, what: str, *, step: int, rate: float, first: str = "") -> None:
        """first: the first tensor that is not finite, in words."""
        named = f"; the first that is not finite: {first}" if first else ""
        super().__init__(f"training diverged: {what} at step {step} (learning rate {rate:g}){named}")
        self.step = step
        self.rate = rate
