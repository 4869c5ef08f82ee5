"""What a spec's outputs are measured by, beside its loss."""

from __future__ import annotations

from builder.experiment.compared import Compared
from builder.experiment.metrics import made
from builder.experiment.objective import Objective
from builder.training.measures import Measure
from dsl.records import Spec


def measures_of(spec: Spec, objective: Objective) -> dict[str, Measure]:
    """The measures by name: the usual ones of each loss, and those of `[metrics]`, which hide them. Raises SpecError
    where torchmetrics does not have or take what is written."""
    every = [Compared.of(term) for term in objective.terms]
    first = next((each for each in every if each is not None), None)
    return usual_of(objective) | {each.name: made(each, first, objective) for each in spec.metrics}


def usual_of(objective: Objective) -> dict[str, Measure]:
    """`accuracy` and `mae` where a loss tells what is right; of several that do, each with its name before it."""
    found: list[tuple[str, str, Measure]] = []
    for name, term in zip(objective.names, objective.terms, strict=True):
        compared = Compared.of(term)
        made = None if compared is None else compared.usual(objective)
        if made is not None:
            found.append((name, *made))
    alone = [kind for _, kind, _ in found]
    return {kind if alone.count(kind) == 1 else f"{name}_{kind}": measure for name, kind, measure in found}
