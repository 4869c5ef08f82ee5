"""Optimizers of several types as one: matrices by Muon, say, and the rest by AdamW."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch


class Several(torch.optim.Optimizer):
    """Steps its parts in their order. Its groups are theirs, in the same order: a scheduler changes them all."""

    def __init__(self, parts: Sequence[torch.optim.Optimizer]) -> None:
        super().__init__([each for part in parts for each in part.param_groups], {})
        self.parts = list(parts)
        self._link()

    def _link(self) -> None:
        self.param_groups = [each for part in self.parts for each in part.param_groups]

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """No part of it may need a closure: LBFGS stands alone."""
        for part in self.parts:
            part.step()
        return None

    def state_dict(self) -> dict[str, Any]:
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Raises ValueError where there are other parts."""
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self._link()  # a part has new groups then
