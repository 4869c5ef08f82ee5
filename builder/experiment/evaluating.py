"""A trained model held against data that the spec does not split."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from builder.checking import request_of
from builder.exchange.weights import read
from builder.experiment.newly import opened
from builder.experiment.recorded import recorded
from builder.experiment.whole import Experiment
from dsl.records import Spec


def experiment_on_all(spec: Spec, weights: str, device: str | None) -> Experiment:
    """The experiment whose `evaluate` takes every sample of the spec's source, with the columns and the numbers of
    classes of the data that the weights were trained on. Raises SpecError, DataError or CheckpointError."""
    if spec.data is None or spec.data.source is None:
        return Experiment(spec, device=device, weights=weights)
    data = replace(spec.data, validation=None, shuffle=False, drop_last=False)
    trained = recorded(read(Path(weights)).about, weights)
    names = [each.name for each in trained]
    request = request_of(spec, data, spec.data.source)
    source = opened(request, trained, names, data) if trained else None
    return Experiment(replace(spec, data=data), device=device, weights=weights, data=source)
