"""The loss of a spec as training uses it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from builder.building import graph_of, module_of
from builder.checking import loss_sight
from builder.checking.terms import term_names
from builder.elaboration import Elaboration, elaborate_loss, elaborate_model
from builder.experiment.missing import missing
from dsl.diagnostics import SpecError
from dsl.records import Loss, Spec
from dsl.tables import Faults


class Objective:
    """The loss as training uses it: `objective(outputs, batch)` gives one number, a tensor without dims.

    outputs: what the model returns (a tensor, a tuple, a dict). batch: the fields by name, `target` among them.
    Terms of several losses are multiplied by their factors and added up; `names` is what each is called.
    module: what computes them; parameters that the loss owns are its parameters. It is on the CPU until it is moved.
    """

    def __init__(self, spec: Spec, model: Elaboration, terms: Iterable[tuple[Loss, Elaboration]]) -> None:
        self.outputs = list(model.outputs)
        self.inputs = [each.name for each in spec.model.inputs or () if each.options is None]
        self.terms = [Term(loss, done) for loss, done in terms]
        if not self.terms:
            raise missing(spec, "[loss]", "a loss")
        self.names = term_names(spec.losses)
        several = len(self.terms) > 1
        owned = dict(zip(self.names, (each.owner for each in self.terms), strict=True))
        self.module = _Owners(owned) if several else self.terms[0].owner

    def __call__(self, outputs: Any, batch: Mapping[str, Tensor]) -> Tensor:
        return self._total(self._values(outputs, batch))

    def with_terms(self, outputs: Any, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """The same number, and the terms before their factors: a tensor of one number for each, without gradients."""
        values = self._values(outputs, batch)
        return self._total(values), torch.stack([each.detach() for each in values])

    def sight(self, outputs: Any, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Every name that a loss may read."""
        named = dict(zip(self.outputs, _listed(outputs), strict=True))
        if len(named) == 1:
            named["output"] = next(iter(named.values()))
        rest = [name for name in batch if name not in self.inputs]
        aliases = {"target": batch[rest[0]]} if len(rest) == 1 else {}
        return {**aliases, **batch, **named}

    def _values(self, outputs: Any, batch: Mapping[str, Tensor]) -> list[Tensor]:
        sight = self.sight(outputs, batch)
        return [term(sight) for term in self.terms]

    def _total(self, values: list[Tensor]) -> Tensor:
        parts = [
            value if term.factor == 1 else term.factor * value for term, value in zip(self.terms, values, strict=True)
        ]
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total


class Term:
    """One of the losses that are added up, before its factor."""

    def __init__(self, loss: Loss, done: Elaboration) -> None:
        self.loss, self.done, self.factor = loss, done, loss.factor
        self.reads = [node.name.partition(".")[2] for node in done.nodes if node.role == "input"]
        self.module = module_of(graph_of(done), checks=False)

    def __call__(self, sight: Mapping[str, Tensor]) -> Tensor:
        value: Tensor = self.module(*(sight[name] for name in self.reads))
        return value

    @property
    def owner(self) -> nn.Module:
        """The module whose parameters are the term's: a layer that is the whole loss adds no level of its own."""
        inner = list(self.module.children())
        alone = len(self.loss.block.layers) == 1 and self.loss.block.layers[0].group is None
        return inner[0] if alone and len(inner) == 1 else self.module


class _Owners(nn.Module):
    """The terms by their names, whatever these are: a module refuses names that its methods have."""

    def __init__(self, owners: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self._modules.update(owners)


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
