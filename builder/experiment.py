"""A spec's model, data, loss and optimizer made real, ready to be trained or evaluated. Here the language and torch
meet; training itself sees only what it is handed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from builder.building import graph_of, module_of
from builder.checking import check, feed, loss_sight, request_of, target_of
from builder.checking import load as load_spec
from builder.data import (
    Batches,
    DataError,
    DatasetSource,
    IterableBatches,
    Request,
    Source,
    check_range,
    open_source,
    split,
)  # fmt: skip
from builder.devices import DeviceError, resolve
from builder.elaboration import Elaboration, elaborate_loss, elaborate_model
from builder.files import write_text
from builder.resolving import resolved_text
from builder.training import (
    RunFolder,
    Settings,
    Task,
    TrainingError,
    accuracy_for,
    fit,
    next_free,
    place_model,
    resolve_precision,
)
from builder.training import evaluate as evaluate_task
from builder.training import optimizer as optimizers
from builder.training.checkpoints import load, load_weights, restore_model
from builder.training.errors import OptimizerError
from builder.training.events import Best, EpochDone, Event, Finished, Row, Stopped
from builder.training.optimizer import Group as ParameterGroup
from dsl.diagnostics import Diagnostic, SpecError
from dsl.records import Loss, Place, Spec
from dsl.tables import Faults

Batch = dict[str, Tensor]


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
            raise _missing(spec, "[loss]", "a loss")

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
    terms = [(loss, elaborate_loss(loss.block, sight, faults, spec.vars, spec.blocks)) for loss in spec.losses]
    if faults:
        raise SpecError(faults)
    return Objective(spec, model, terms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a run came to. stopped: the signal that ended it before its time."""

    folder: Path
    model: nn.Module
    rows: tuple[Row, ...]
    best: Best | None
    stopped: int | None = None


def train(
    what: str | os.PathLike[str] | Spec,
    *,
    out: str | os.PathLike[str] | None = None,
    data: Any = None,
    validation: Any = None,
    device: str | None = None,
    resume: str | os.PathLike[str] | None = None,
) -> Result:
    """Train a spec and give the run's folder, rows and best epoch.

    data, validation: a torch Dataset (map-style) or an iterable of batches (tuples or dicts), in place of the spec's.
    out: the run folder; left out, the next free `runs/NAME-1`. Raises dsl.SpecError, a ValueError that names what does
    not fit, or builder.files.OutputError.
    """
    spec = what if isinstance(what, Spec) else load_spec(what)
    experiment = Experiment(spec, device=device, data=data, validation=validation)
    folder = experiment.folder(out, resume)
    rows: list[Row] = []
    best, stopped = None, None
    for event in experiment.events(folder, resume=resume is not None):
        if isinstance(event, EpochDone):
            rows.append(event.row)
        elif isinstance(event, Finished):
            best = event.best
        elif isinstance(event, Stopped):
            stopped = event.signal
    return Result(folder=folder.path, model=experiment.model, rows=tuple(rows), best=best, stopped=stopped)


class Experiment:
    """A spec made real on a device: model, data, loss. Raises SpecError where a part is missing or does not fit."""

    def __init__(
        self, spec: Spec, *, device: str | None = None, weights: str | None = None, data: Any = None,
        validation: Any = None,
    ) -> None:  # fmt: skip
        self.spec = spec
        self.settings = _settings(spec, device)
        source = _from_python(spec, data)
        self.checked = check(spec, None if source is None else getattr(source, "fields", ()), anywhere=True)
        torch.manual_seed(spec.train.seed)
        self.model = module_of(graph_of(self.checked.model))
        self.objective = Objective(spec, self.checked.model, self.checked.losses)
        if weights is not None:
            restore_model(self.model, load_weights(Path(weights)).model, weights)
        self.training, self.held_out = self._batches(source, validation)
        self.task = Task(model=self.model, forward=self._forward, objective=self.objective, prepare=self._preparation(),
                         accuracy=self._accuracy())  # fmt: skip

    def optimizer(self) -> torch.optim.Optimizer:
        written = self.spec.optimizer
        if written is None:
            raise _missing(self.spec, "[optimizer]", "an optimizer")
        groups: list[ParameterGroup] = [(each.match, dict(each.arguments)) for each in written.groups]
        try:
            return optimizers.make(written.type, dict(written.arguments), groups, self.model)
        except OptimizerError as error:
            raise SpecError([written.place.fault(str(error), "optimizer", part="key")]) from error

    def folder(self, out: str | os.PathLike[str] | None, resume: str | os.PathLike[str] | None = None) -> RunFolder:
        """The folder to train into. Raises SpecError, before one is made, where the spec cannot train."""
        self._check_length()
        self.optimizer()
        chosen = out if out is not None else resume
        return RunFolder(Path(chosen)) if chosen is not None else next_free(Path("runs"), self.spec.name)

    def events(self, folder: RunFolder, *, resume: bool = False) -> Iterator[Event]:
        """Train into the folder, and tell what happens. The spec as it was used is written beside the checkpoints."""
        self._check_length()
        optimizer = self.optimizer()
        checkpoint = load(folder.last) if resume else None
        text = resolved_text(self.spec)
        written = False
        for event in fit(self.task, optimizer, self.training, self.held_out, self.settings, folder,
                         resume=checkpoint, about={"spec": text}):  # fmt: skip
            if not written:
                write_text(folder.path / "spec.toml", text)
                written = True
            yield event

    def _check_length(self) -> None:
        train = self.spec.train
        if train.epochs is None and train.steps is None:
            raise SpecError([train.place.fault("training needs `epochs` or `steps`", "missing", part="key")])

    def evaluate(self) -> dict[str, float]:
        """Loss and accuracy on the held-out samples (all samples where none are held out)."""
        place_model(self.model, self.settings)
        return evaluate_task(self.task, self.held_out or self.training, self.settings)

    def _forward(self, model: nn.Module, batch: Batch) -> Any:
        feeding = self.checked.feeding or _by_order(self.spec, batch)
        return model(**{name: batch[field] for name, field in feeding.items()})

    def _preparation(self) -> Any:
        done = self.checked.prepare
        if done is None:
            return None
        reads = [node.name.partition(".")[2] for node in done.nodes if node.role == "input"]
        module = module_of(graph_of(done), checks=False).to(self.settings.device).eval()
        return lambda batch: {**batch, **module(*(batch[name] for name in reads))}

    def _accuracy(self) -> Any:
        losses = self.spec.losses
        layer = losses[0].block.layers[0] if len(losses) == 1 and len(losses[0].block.layers) == 1 else None
        if layer is None or layer.type is None:
            return None
        measure = accuracy_for(layer.type, ignore_index=int(layer.arguments.get("ignore_index", -100)))
        names = layer.input if isinstance(layer.input, list) else ["output", "target"]
        if measure is None or len(names) != 2 or (layer.input is not None and not isinstance(layer.input, list)):
            return None

        def accuracy(outputs: Any, batch: Batch) -> tuple[Tensor, Tensor]:
            sight = self.objective.sight(outputs, batch)
            return measure(sight[names[0]], sight[names[1]])

        return accuracy

    def _batches(self, source: Source | IterableBatches | None, validation: Any) -> tuple[Any, Any]:
        data = self.spec.data
        if isinstance(source, IterableBatches):
            return source, _from_python(self.spec, validation)
        if source is None:
            if data is None or data.source is None:
                raise _missing(self.spec, "[data]", "data")
            source = self._opened(request_of(self.spec, data, data.source), "source")
        held = _from_python(self.spec, validation)
        chosen = data.validation if data is not None else None
        try:
            train_indices, held_indices = None, None
            if held is None and isinstance(chosen, float):
                train_indices, held_indices = split(source, chosen, self._target(source))
                held = source
            elif held is None and chosen is not None and data is not None:
                request = request_of(self.spec, data, chosen, "validation")
                classes = {each.name: each.classes for each in source.fields if each.classes}
                held = self._opened(replace(request, classes=classes), "validation")
            self._check_targets(source)
            size, workers = (data.batch_size, data.num_workers) if data else (32, 0)
            training = Batches(source, train_indices, batch_size=size, shuffle=data.shuffle if data else True,
                               drop_last=data.drop_last if data else False, seed=self.settings.seed,
                               num_workers=workers)  # fmt: skip
            if held is None or isinstance(held, IterableBatches):
                return training, held
            return training, Batches(held, held_indices, batch_size=size, seed=self.settings.seed, num_workers=workers)
        except DataError as error:
            raise self._data_fault(error, "source") from error

    def _opened(self, request: Request, key: str) -> Source:
        try:
            return open_source(request)
        except DataError as error:
            raise self._data_fault(error, key) from error

    def _data_fault(self, error: DataError, key: str) -> Exception:
        if self.spec.data is None:
            return error
        return SpecError([self.spec.data.place.at(key).fault(str(error), "data")])

    def _target(self, source: Source) -> str | None:
        names = [each.name for each in source.fields]
        return target_of(self.checked.feeding, names) or ("target" if "target" in names else None)

    def _check_targets(self, source: Source) -> None:
        """Class numbers that the model does not have would crash deep inside torch."""
        target = self._target(source)
        layer = self.spec.losses[0].block.layers[0] if self.spec.losses else None
        if target is None or layer is None or layer.type not in ("CrossEntropyLoss", "NLLLoss", "MultiMarginLoss"):
            return
        shape = next((node.shape for node in self.checked.model.nodes if node.role == "output"), None)
        field = source.field(target)
        prepared = self.checked.prepare is not None and target in self.checked.prepare.outputs
        if prepared or not shape or len(shape) < 2 or not isinstance(shape[1], int) or field.dtype != "int64":
            return
        ignored = int(layer.arguments.get("ignore_index", -100))
        check_range(source, target, 0, shape[1], ignored=ignored)


def _settings(spec: Spec, device: str | None) -> Settings:
    train = spec.train
    try:
        place = resolve(device if device is not None else train.device)
        precision = resolve_precision(train.precision, place)
        steps = train.steps
        return Settings(
            epochs=train.epochs or (None if steps else 1), steps=steps, seed=train.seed, device=place,
            precision=precision, memory_format=train.memory_format,  # type: ignore[arg-type]
            clip_grad_norm=train.clip_grad_norm,
        )  # fmt: skip
    except DeviceError as error:
        if device is not None:
            raise
        raise SpecError([train.place.at("device").fault(str(error), "device")]) from error
    except TrainingError as error:
        raise SpecError([train.place.at("precision").fault(str(error), "precision")]) from error


def _from_python(spec: Spec, data: Any) -> Source | IterableBatches | None:
    names = [each.name for each in spec.model.inputs or () if each.options is None]
    if data is None or isinstance(data, Source):
        return data
    if hasattr(data, "__getitem__") and hasattr(data, "__len__") and not isinstance(data, list):
        return DatasetSource(data, names)
    return IterableBatches(data, names)


def _by_order(spec: Spec, batch: Batch) -> dict[str, str]:
    return feed([each.name for each in spec.model.inputs or () if each.options is None], list(batch))


def _listed(outputs: Any) -> list[Tensor]:
    if isinstance(outputs, Tensor):
        return [outputs]
    return list(outputs.values()) if isinstance(outputs, dict) else list(outputs)


def _missing(spec: Spec, table: str, what: str) -> SpecError:
    place: Place = spec.place
    message = f"training needs {what}, and the spec has no `{table}`"
    found: Diagnostic = place.fault(message, "missing", part="key")
    return SpecError([replace(found, span=None)])
