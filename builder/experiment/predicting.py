"""What a trained model makes of new data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from builder.building import graph_of, module_of
from builder.checking import Checked, check, request_of, target_of, without_start
from builder.data import Batches, DataError, FieldType, Request, Source, describe
from builder.exchange.starting import take
from builder.exchange.weights import read
from builder.experiment.newly import needed, opened
from builder.experiment.preparing import preparation
from builder.experiment.recorded import recorded
from builder.experiment.settling import settings_of
from builder.training import Settings, Task, place_task
from builder.training.batches import size
from builder.training.checkpoints import Weights
from builder.training.processes import ALONE
from builder.training.task import placed, precision_of
from dsl.records import Spec

# Losses over classes: how the output that they read becomes probabilities; None where it is scores.
_CLASSES: Mapping[str, Callable[..., Tensor] | None] = {
    "CrossEntropyLoss": torch.softmax, "cross_entropy": torch.softmax, "NLLLoss": lambda output, dim: output.exp(),
    "nll_loss": lambda output, dim: output.exp(), "MultiMarginLoss": None, "multi_margin_loss": None,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """What came out, on the CPU, a row for each sample.

    outputs: the model's, by name. chosen: the class of each sample where the loss is over classes, with `scores` of
    (samples, classes, *), which are probabilities where `likely`; names: of the classes, where they are known.
    files: where each sample came from, if it had a file of its own.
    """

    outputs: dict[str, Tensor]
    chosen: Tensor | None = None
    scores: Tensor | None = None
    likely: bool = False
    names: tuple[str, ...] | None = None
    files: tuple[str, ...] | None = None


def trained_fields(spec: Spec, weights: Weights, name: str) -> tuple[FieldType, ...]:
    """The fields that the model was trained on: as the checkpoint keeps them, else as the spec's own data has them."""
    found = recorded(weights.about, name)
    if found or spec.data is None or spec.data.source is None:
        return found
    return describe(request_of(spec, spec.data, spec.data.source))


def predict(spec: Spec, weights: str, source: str, *, device: str | None = None) -> Predictions:
    """Run the model on every sample of a source, in evaluation mode. Fields that only training needs may be missing.

    Raises SpecError, DataError or CheckpointError.
    """
    spec, held = without_start(spec), read(Path(weights))
    trained = trained_fields(spec, held, weights) or _declared(spec)
    names = needed(check(spec, trained, anywhere=True))
    request = Request(source=source, folder=Path(), declarations=_sized(spec))
    found = opened(request, trained, names, spec.data)
    there = {each.name: each for each in found.fields}
    if lacking := [each for each in names if each not in there]:
        raise DataError(f"{source} has no field '{lacking[0]}', which the model reads; it has {', '.join(there)}")
    checked = check(spec, [there.get(each.name, each) for each in trained], anywhere=True)
    settings = settings_of(spec, device, ALONE)
    model = module_of(graph_of(checked.model))
    take(model, spec, held, weights)
    steps = None if checked.prepare is None else preparation(checked.prepare, settings.device)
    task = Task(model=model.eval(), forward=_forward(checked), objective=_nothing, prepare=steps)
    place_task(task, settings)
    outputs = _run(task, _batches(spec, found), [each for each in trained if each.name not in there], settings)
    return _told(checked, outputs, found.files)


def _batches(spec: Spec, source: Source) -> Batches:
    rows, workers = (spec.data.batch_size, spec.data.num_workers) if spec.data else (32, 0)
    return Batches(source, batch_size=rows, num_workers=workers)


def _run(task: Task, batches: Batches, lacking: Sequence[FieldType], settings: Settings) -> dict[str, Tensor]:
    parts: list[dict[str, Tensor]] = []
    with torch.no_grad():
        for batch in batches.epoch(1):
            whole = placed(task, {**_blank(lacking, size(batch)), **batch}, settings)
            with precision_of(settings):
                made = task.forward(task.model, whole)
            parts.append({name: _on_cpu(each) for name, each in made.items()})
    return {name: torch.cat([each[name] for each in parts]) for name in parts[0]}


def _blank(lacking: Sequence[FieldType], samples: int) -> dict[str, Tensor]:
    """Zeros for the fields that only training needs: steps of `prepare` may read them."""
    return {each.name: torch.zeros(samples, *(int(size) for size in each.shape), dtype=getattr(torch, each.dtype))
            for each in lacking}  # fmt: skip


def _forward(checked: Checked) -> Any:
    outputs = list(checked.model.outputs)

    def forward(model: torch.nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        made = model(**{name: batch[field] for name, field in checked.feeding.items()})
        listed = [made] if isinstance(made, Tensor) else list(made.values() if isinstance(made, dict) else made)
        return dict(zip(outputs, listed, strict=True))

    return forward


def _told(checked: Checked, outputs: dict[str, Tensor], files: tuple[str, ...] | None) -> Predictions:
    """The outputs, and which class they mean."""
    losses = checked.spec.losses
    layer = losses[0].block.layers[0] if len(losses) == 1 and len(losses[0].block.layers) == 1 else None
    if layer is None or layer.type is None or layer.type not in _CLASSES:
        return Predictions(outputs=outputs, files=files)
    reads = [each for each in layer.input if isinstance(each, str)] if isinstance(layer.input, list) else []
    output = outputs.get(reads[0]) if reads and reads[0] != "output" else next(iter(outputs.values()))
    if output is None or output.dim() < 2:
        return Predictions(outputs=outputs, files=files)
    likelihood = _CLASSES[layer.type]
    scores = output if likelihood is None else likelihood(output, dim=1)
    target = reads[1] if len(reads) > 1 else "target"
    return Predictions(outputs=outputs, chosen=output.argmax(1), scores=scores, likely=likelihood is not None,
                       names=_class_names(checked, target, output.shape[1]), files=files)  # fmt: skip


def _class_names(checked: Checked, target: str, count: int) -> tuple[str, ...] | None:
    fields = {each.name: each for each in checked.fields or ()}
    only = target_of(checked.feeding, list(fields)) if target == "target" and target not in fields else target
    found = fields[only].classes if only in fields else None
    return found if found is not None and len(found) == count else None


def _declared(spec: Spec) -> tuple[FieldType, ...]:
    """The model's inputs as fields, where nothing else is known of the data."""
    return tuple(FieldType(each.name, (each.shape or ())[1:], each.dtype)
                 for each in spec.model.inputs or () if each.options is None)  # fmt: skip


def _sized(spec: Spec) -> tuple[FieldType, ...]:
    """What the spec brings images to."""
    if spec.data is None or spec.data.source == "random":
        return ()
    return request_of(spec, spec.data, "").declarations


def _on_cpu(output: Tensor) -> Tensor:
    return (output.float() if output.dtype in (torch.bfloat16, torch.float16) else output).cpu()


def _nothing(outputs: Any, batch: Any) -> Tensor:
    raise AssertionError("nothing is measured")
