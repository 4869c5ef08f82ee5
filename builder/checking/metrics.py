"""`[metrics]` as far as it can be judged without importing torchmetrics."""

from __future__ import annotations

from collections.abc import Collection

from builder.checking.metric_names import metric_classes, plain_name
from builder.checking.terms import term_names
from builder.elaboration.arguments import either_of
from dsl.catalogue import suggest
from dsl.diagnostics import Fix
from dsl.records import Spec
from dsl.tables import Faults


def check_metrics(spec: Spec, sight: Collection[str] | None, faults: Faults) -> str | None:
    """Names of classes, of what they read, and of columns. sight: what a loss may name; None: the
    data is not known. Gives a note where torchmetrics
    is not there to be asked."""
    classes = metric_classes()
    terms = term_names(spec.losses) if len(spec.losses) > 1 else ()
    for metric in spec.metrics:
        plain = plain_name(metric.type)
        if classes is not None and plain not in classes:
            near = suggest(plain, list(classes))
            fix = Fix(f"did you mean {either_of(near)}?", f'type = "{near[0]}"') if near else None
            faults.add(metric.place.at("type"), f'torchmetrics has no class "{plain}"', "type", fix=fix)
        if metric.name == "loss" or metric.name in terms:
            faults.add(metric.place, f"a loss is called `{metric.name}` already", "name", part="key")
        for index, name in enumerate(metric.input or ()):
            if sight is not None and name not in sight:
                message = f"`{name}` is no output of the model and no field"
                notes = (f"in sight: {', '.join(sight)}",)
                faults.add(metric.place.at("input", index), message, "reference", part="value", notes=notes)
    return "torchmetrics is not installed, so [metrics] is not checked" if spec.metrics and classes is None else None
