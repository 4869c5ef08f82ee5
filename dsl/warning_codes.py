"""The warnings by their codes: what a spec may say under `allow`. `builder/lint` finds them."""

from __future__ import annotations

from typing import Final

# Code -> what it warns of, in one sentence.
WARNINGS: Final[dict[str, str]] = {
    "bias-before-norm": "A bias whose effect the batch norm after it takes away.",
    "doubled-activation": "A softmax or a sigmoid before a loss that applies its own.",
    "dropout-last": "Dropout on an output, which then loses some of its numbers in training.",
    "init-overwritten": "An `init` that a group, a block or the model around it overwrites.",
    "loss-broadcast": "Numbers of shapes (N, 1) and (N,), which torch stretches to (N, N).",
    "missing-activation": "A loss that reads logarithms or probabilities, and gets other numbers.",
    "no-gradient": "Parameters that training leaves as they are, though nothing freezes them.",
    "single-class": "A loss over classes whose output has only one, which is 0 whatever comes out.",
    "unused-block": "A block of the spec's own file that nothing uses.",
    "unused-classes": "An output with far more classes than the targets ever name.",
    "unused-input": "An input that neither a layer nor the loss reads.",
    "unused-layer": "A layer that nothing reads and that is no output.",
    "unused-var": "A var that no expression reads.",
}
