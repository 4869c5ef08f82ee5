"""Weights averaged over the steps of a run, which are then what is evaluated, kept as the best and handed back."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True, kw_only=True)
class Averaging:
    """EMA: `average = decay * average + (1 - decay) * weights` after each step, from the first one's weights on
    (Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992, in its exponential form).
    SWA: the mean of the weights after each step from the part `start` of the run on (Izmailov et al., "Averaging
    weights leads to wider optima and better generalization", 2018)."""

    type: Literal["EMA", "SWA"] = "EMA"
    decay: float = 0.999
    start: float = 0.75


@dataclass(slots=True)
class Average:
    """The averaged twin of a model. Floating buffers (running means) are averaged like parameters, others are copied.

    first: the step from which on the weights are averaged; until then the twin is the model as it stands.
    """

    model: nn.Module
    averaging: Averaging
    first: int
    count: int = 0
    twin: nn.Module = field(init=False)
    _floats: tuple[list[Tensor], list[Tensor]] = field(init=False)
    _others: list[tuple[Tensor, Tensor]] = field(init=False)

    def __post_init__(self) -> None:
        self.twin = copy.deepcopy(self.model).requires_grad_(False)
        pairs = list(zip(_tensors(self.twin), _tensors(self.model), strict=True))
        floats = [pair for pair in pairs if pair[0].is_floating_point()]
        self._floats = ([own for own, _ in floats], [new for _, new in floats])
        self._others = [pair for pair in pairs if not pair[0].is_floating_point()]

    def after_step(self, step: int) -> None:
        """step: how many are done, this one included."""
        if step < self.first:
            return
        self.count += 1
        later = 1 - self.averaging.decay if self.averaging.type == "EMA" else 1 / self.count
        self._mix(1.0 if self.count == 1 else later)

    def catch_up(self) -> nn.Module:
        """What to evaluate: before the first average, the model as it stands."""
        if self.count == 0:
            self._mix(1.0)
        return self.twin

    def _mix(self, weight: float) -> None:
        with torch.no_grad():
            torch._foreach_lerp_(*self._floats, weight)
            for own, new in self._others:
                own.copy_(new)

    def state(self) -> dict[str, Any]:
        return {"model": self.twin.state_dict(), "count": self.count}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.twin.load_state_dict(state["model"])
        self.count = state["count"]


def _tensors(model: nn.Module) -> list[Tensor]:
    """Each parameter and buffer once, tied ones too."""
    return [*model.parameters(), *model.buffers()]
