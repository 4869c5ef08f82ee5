"""The table of checks. Each reads a sound spec and gives warnings of the code that it stands under."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from builder.checking import Checked
from builder.lint import before_loss, gradient, layers, unused
from builder.lint.view import View
from dsl.diagnostics import Diagnostic, in_order

CHECKS: Final[dict[str, Callable[[View], Iterator[Diagnostic]]]] = {
    "bias-before-norm": layers.bias_before_norm,
    "doubled-activation": before_loss.doubled_activation,
    "dropout-last": layers.dropout_last,
    "init-overwritten": layers.init_overwritten,
    "loss-broadcast": before_loss.loss_broadcast,
    "missing-activation": before_loss.missing_activation,
    "no-gradient": gradient.no_gradient,
    "single-class": before_loss.single_class,
    "unused-block": unused.unused_block,
    "unused-classes": before_loss.unused_classes,
    "unused-input": unused.unused_input,
    "unused-layer": unused.unused_layer,
    "unused-var": unused.unused_var,
}


def lint(checked: Checked) -> list[Diagnostic]:
    """The warnings about a sound spec, in the order of the file, without those that it allows."""
    view, allowed = View.of(checked), checked.spec.allow
    return in_order([each for code, check in CHECKS.items() if code not in allowed for each in check(view)])
