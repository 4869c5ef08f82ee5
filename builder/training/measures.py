"""What a model's outputs are measured by over a set of samples, beside the loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from builder.training.batches import Batch
from builder.training.processes import Processes


class Measure(Protocol):
    """One number over all samples: `reset`, an `update` with each batch, `compute`.

    higher_is_better: None where neither more nor less of it is better.
    """

    @property
    def higher_is_better(self) -> bool | None: ...

    def reset(self) -> None: ...

    def update(self, outputs: Any, batch: Batch) -> None:
        """outputs: what the model makes of the batch, on the device."""
        ...

    def compute(self, processes: Processes) -> float:
        """The number over all batches, and over what every process saw; all must ask. Raises TrainingError where it is
        not one number."""
        ...


@dataclass(slots=True)
class Share:
    """A sum over a count, both added up over all batches: exact whatever a batch holds. 0 where nothing counts.

    parts: outputs and batch -> what is added to the sum and to the count: two tensors of one number each.
    """

    parts: Callable[[Any, Batch], tuple[Tensor, Tensor]]
    higher_is_better: bool | None = True
    _seen: list[tuple[Tensor, Tensor]] = field(default_factory=list)

    def reset(self) -> None:
        self._seen.clear()

    def update(self, outputs: Any, batch: Batch) -> None:
        self._seen.append(self.parts(outputs, batch))

    def compute(self, processes: Processes) -> float:
        columns = [torch.stack(column).tolist() for column in zip(*self._seen, strict=True)] if self._seen else [[], []]
        held = torch.tensor([sum(column) for column in columns], dtype=torch.float64)
        total, count = processes.total(held).tolist()
        return float(total / count) if count else 0.0
