"""Metrics of torchmetrics as measures: made from what the spec says and what its loss tells."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from builder.checking.metric_names import INSTALL, metric_class, metric_classes
from builder.experiment.compared import Compared
from builder.experiment.objective import Objective
from builder.training.errors import TrainingError
from builder.training.processes import Processes
from dsl.diagnostics import SpecError
from dsl.records import Metric


def made(metric: Metric, compared: Compared | None, objective: Objective) -> Measured:
    """Raises SpecError where torchmetrics is not there, or does not take the arguments."""
    if metric_classes() is None:
        message = f"metrics are torchmetrics', which is not installed: {INSTALL}"
        raise SpecError([metric.place.at("type").fault(message, "type")])
    if metric.input is None and compared is None:
        message = "the loss does not tell what to hold against what here"
        raise SpecError(
            [metric.place.fault(message, "input", part="key", notes=('write input = ["output", "target"]',))]
        )
    kind = metric_class(metric.type)
    judges = kind.__module__.startswith("torchmetrics.classification")
    told = compared.told if compared is not None and judges else {}
    known = inspect.signature(kind.__new__).parameters
    known = known if "task" in known else inspect.signature(kind.__init__).parameters
    if "task" in metric.arguments and metric.arguments["task"] != told.get("task"):
        told = {}
    arguments = {**{name: value for name, value in told.items() if name in known}, **metric.arguments}
    try:
        return Measured(metric, kind(**arguments), compared, objective, judges)
    except (TypeError, ValueError) as error:
        place = metric.place.at("type")
        raise SpecError(
            [place.fault(f"{metric.type}: {str(error).rpartition('__init__() ')[2]}", "argument")]
        ) from error


@dataclass(slots=True)
class Measured:
    """A metric of torchmetrics, which adds up its own state over batches and processes."""

    written: Metric
    metric: Any
    compared: Compared | None
    objective: Objective
    judges: bool  # classes, not numbers

    @property
    def higher_is_better(self) -> bool | None:
        better: bool | None = self.metric.higher_is_better
        return better

    def reset(self) -> None:
        self.metric.reset()

    def update(self, outputs: Any, batch: Mapping[str, Tensor]) -> None:
        read = [_plain(each) for each in self._read(self.objective.sight(outputs, batch))]
        try:
            self.metric.to(read[0].device).update(*read)
        except (TypeError, ValueError, RuntimeError) as error:
            shapes = ", ".join(f"{each.dtype} {tuple(each.shape)}" for each in read)
            raise TrainingError(
                f"the metric {self.written.name} ({self.written.type}) was fed {shapes}: {error}"
            ) from error

    def _read(self, sight: Mapping[str, Tensor]) -> list[Tensor]:
        if self.written.input is not None or self.compared is None:
            return [sight[name] for name in self.written.input or ()]
        return self.compared.judged(sight) if self.judges else self.compared.plain(sight)

    def compute(self, processes: Processes) -> float:
        found = self.metric.compute()
        if not isinstance(found, Tensor) or found.numel() != 1:
            what = f"a tensor of shape {tuple(found.shape)}" if isinstance(found, Tensor) else type(found).__name__
            told = f"the metric {self.written.name} ({self.written.type}) gives {what}, not one number"
            raise TrainingError(f'{told}; average = "macro" makes one of several')
        return float(found)


def _plain(tensor: Tensor) -> Tensor:
    """As torchmetrics computes: in float32 at least."""
    return tensor.float() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor
