"""The loss of a spec as training uses it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor

from builder.building import graph_of, module_of
from builder.checking import loss_sight
from builder.elaboration import Elaboration, elaborate_loss, elaborate_model
from builder.experiment.missing import missing
from dsl.diagnostics import SpecError
from dsl.records import Loss, Spec
from dsl.tables import Faults


class Objective:
    """The loss as training uses it: `objective(outputs, batch)` gives one number, a tensor without dims.

    outputs: what the model returns (a tensor, a tuple, a dict). batch: the fields by name, `target` among them.
    Terms of several losses are multiplied by their factors and added up.
    """

    def __init__(self, spec: Spec, model: Elaboration, terms: Iterable[tuple[Loss, Elaboration]]) -> None:
        self.outputs = list(model.outputs)
        self.inputs = [each.name for each in spec.model.inputs or () if each.options is None]
        self.terms = [_Term(loss, done) for loss, done in terms]
        if not self.terms:
            raise missing(spec, "[loss]", "a loss")

    def __call__(self, outputs: Any, batch: Mapping[str, Tensor]) -> Tensor:
        sight = self.sight(outputs, batch)
        total = self.terms[0](sight)
        for term in self.terms[1:]:
            total = total + term(sight)
        return total

    def sight(self, outputs: Any, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Every name that a loss may read."""
        named = dict(zip(self.outputs, _listed(outputs), strict=True))
        if len(named) == 1:
            named["output"] = next(iter(named.values()))
        rest = [name for name in batch if name not in self.inputs]
        aliases = {"target": batch[rest[0]]} if len(rest) == 1 else {}
        return {**aliases, **batch, **named}


class _Term:
    def __init__(self, loss: Loss, done: Elaboration) -> None:
        self.factor = loss.factor
        self.reads = [node.name.partition(".")[2] for node in done.nodes if node.role == "input"]
        self.module = module_of(graph_of(done), checks=False)

    def __call__(self, sight: Mapping[str, Tensor]) -> Tensor:
        value: Tensor = self.module(*(sight[name] for name in self.reads))
        return value if self.factor == 1 else self.factor * value


def objective(spec: Spec) -> Objective:
    """The loss of a spec: callable(outputs, batch), as training uses it. The data is not looked at: shapes of targets
    are then not known beforehand, and torch judges them."""
    faults = Faults()
    model = elaborate_model(spec, faults)
    sight = loss_sight(spec, model, {}, {})
    terms = [(loss, elaborate_loss(loss.block, sight, faults, spec.vars, spec.blocks, list(model.outputs)))
             for loss in spec.losses]  # fmt: skip
    if faults:
        raise SpecError(faults)
    return Objective(spec, model, terms)


def _listed(outputs: Any) -> list[Tensor]:
    if isinstance(outputs, Tensor):
        return [outputs]
    return list(outputs.values()) if isinstance(outputs, dict) else list(outputs)
