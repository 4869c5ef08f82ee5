"""A spec's model, data, loss and optimizer made real, ready to be trained or evaluated. Here the language and torch
meet; training itself sees only what it is handed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from builder import memory
from builder.building import graph_of, module_of
from builder.checking import check, feed, without_start
from builder.checking import load as load_spec
from builder.exchange.starting import Started, start, take
from builder.exchange.weights import read
from builder.experiment.batching import Batching, from_python
from builder.experiment.measuring import measures_of
from builder.experiment.missing import missing
from builder.experiment.objective import Objective
from builder.experiment.preparing import preparation
from builder.experiment.recorded import KEY, as_data
from builder.experiment.resuming import Resumption, folder_of, resumption
from builder.experiment.room import too_little
from builder.experiment.settling import check_watched, leaves_out, settings_of
from builder.files import OutputError, write_text
from builder.resolving import resolved_text
from builder.training import RunFolder, Task, fit, next_free, place_task
from builder.training import evaluate as evaluate_task
from builder.training import optimizer as optimizers
from builder.training.checkpoints import Weights, restore_loss
from builder.training.errors import CheckpointError, OptimizerError
from builder.training.events import Best, EpochDone, Event, Finished, Row, Stopped, Warned
from builder.training.optimizer import Group as ParameterGroup
from builder.training.processes import ALONE, Processes, joined
from builder.training.task import Terms
from dsl.diagnostics import SpecError
from dsl.records import Spec

Batch = dict[str, Tensor]


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
    force: bool = False,
) -> Result:
    """Train a spec and give the run's folder, rows and best epoch.

    data, validation: a torch Dataset or an iterable of batches (tuples or dicts), in place of the spec's.
    out: the run folder; left out, the next free `runs/NAME-1`. resume: the run to go on with, or one of its
    checkpoints; force: though the spec has changed. Started by torchrun, each process trains its part of
    every batch, and all get the same result. Raises dsl.SpecError, a ValueError that names what does
    not fit, or builder.files.OutputError.
    """
    spec = what if isinstance(what, Spec) else load_spec(what)
    rows: list[Row] = []
    best, stopped = None, None
    with joined() as processes:
        experiment = Experiment(spec, device=device, data=data, validation=validation, processes=processes,
                                start_anew=resume is None)  # fmt: skip
        folder = experiment.folder(out, resume)
        for event in experiment.events(folder, resume=resume, insist=force):
            if isinstance(event, EpochDone):
                rows.append(event.row)
            elif isinstance(event, Finished):
                best = event.best
            elif isinstance(event, Stopped):
                stopped = event.signal
    return Result(folder=folder.path, model=experiment.model, rows=tuple(rows), best=best, stopped=stopped)


class Experiment:
    """A spec made real on a device: model, data, loss. Raises SpecError where a part is missing or does not fit,
    CheckpointError where weights are not this model's.

    weights: a file that the model is evaluated with, in place of what the spec starts from. start_anew: the model
    starts as the spec says; else a checkpoint is to be put in. started: what of it comes from which file.
    """

    def __init__(
        self, spec: Spec, *, device: str | None = None, weights: str | None = None, data: Any = None,
        validation: Any = None, processes: Processes = ALONE, start_anew: bool = True,
    ) -> None:  # fmt: skip
        self.spec = spec
        self.processes = processes
        self.settings = settings_of(spec, device, processes)
        source = from_python(spec, data)
        starts = weights is None and start_anew
        self.checked = check(spec if starts else without_start(spec),
                             None if source is None else getattr(source, "fields", ()), anywhere=True)  # fmt: skip
        torch.manual_seed(spec.train.seed)
        self.model = module_of(graph_of(self.checked.model))
        self.objective = Objective(spec, self.checked.model, self.checked.losses)
        self.training, self.held_out = Batching(self.checked, self.settings.device).both(
            source, from_python(spec, validation)
        )
        several = len(self.objective.terms) > 1
        terms = Terms(names=self.objective.names, compute=self.objective.with_terms)
        self.task = Task(model=self.model, forward=self._forward, objective=self.objective, prepare=self._preparation(),
                         terms=terms if several else None, loss=self.objective.module,
                         measures=measures_of(spec, self.objective),
                         leaves_out=leaves_out(self.checked))  # fmt: skip
        self.started = start(self.model, spec) if starts else Started()
        held = self.started.held if weights is None else read(Path(weights))
        if weights is not None and held is not None:
            take(self.model, spec, held, weights)
        self._untrained = "" if held is None else self._take_loss(held, weights or "the file of `weights`")

    def optimizer(self) -> torch.optim.Optimizer:
        written = self.spec.optimizer
        if written is None:
            raise missing(self.spec, "[optimizer]", "an optimizer")
        groups = [ParameterGroup(patterns=each.match, arguments=each.arguments, type=each.type)
                  for each in written.groups]  # fmt: skip
        try:
            return optimizers.make(written.type, dict(written.arguments), groups, self.task.whole)
        except OptimizerError as error:
            raise SpecError([written.place.fault(str(error), "optimizer", part="key")]) from error

    def folder(self, out: str | os.PathLike[str] | None, resume: str | os.PathLike[str] | None = None) -> RunFolder:
        """The folder to train into. Raises SpecError, before one is made, where the spec cannot train."""
        self._check_length()
        optimizer = self.optimizer()
        memory.check(self.checked.model.nodes, training=memory.Training(
            slots=memory.slots_of(optimizer), batch=self.spec.data.batch_size if self.spec.data else 1,
            half=self.settings.precision != "float32", device=self.settings.device,
        ))  # fmt: skip
        check_watched(self.spec, self.task.columns(self.held_out is not None))
        if out is not None:
            return RunFolder(Path(out))
        if resume is not None:
            return folder_of(resume)
        made = str(next_free(Path("runs"), self.spec.name).path) if self.processes.first else ""
        return RunFolder(Path(self.processes.text(made)))

    def events(
        self, folder: RunFolder, *, resume: str | os.PathLike[str] | None = None, insist: bool = False
    ) -> Iterator[Event]:
        """Train into the folder, and tell what happens. The spec as it was used is written beside the checkpoints.

        resume: the run to go on with, or one of its checkpoints. insist: though the spec has changed.
        """
        self._check_length()
        optimizer = self.optimizer()
        found = Resumption(None) if resume is None else resumption(resume, self.spec, insist=insist)
        room = too_little(folder.path, self.model, optimizer, averaged=self.settings.average is not None)
        yield from (Warned(message=each) for each in (*found.told, *([room] if room else [])))
        text = resolved_text(self.spec)
        about = {"spec": text, KEY: as_data(self.checked.fields or ())}
        written = False
        for event in fit(self.task, optimizer, self.training, self.held_out, self.settings, folder,
                         resume=found.checkpoint, changed=found.changed, about=about,
                         processes=self.processes):  # fmt: skip
            if not written and self.processes.first:
                written = True
                try:
                    write_text(folder.path / "spec.toml", text)
                except OutputError as error:  # the checkpoints hold it too
                    yield Warned(message=str(error))
            yield event

    def _check_length(self) -> None:
        train = self.spec.train
        if train.epochs is None and train.steps is None:
            raise SpecError([train.place.fault("training needs `epochs` or `steps`", "missing", part="key")])

    def evaluate(self) -> dict[str, float]:
        """The loss and what is measured beside it, on the held-out samples (all samples where none are held out).

        Raises CheckpointError where the weights come without those that the loss owns.
        """
        if self._untrained:
            raise CheckpointError(self._untrained)
        place_task(self.task, self.settings)
        return evaluate_task(self.task, self.held_out or self.training, self.settings, self.processes)

    def _take_loss(self, held: Weights, file: str) -> str:
        """Put into the loss what it owns, if the weights are this loss's; else why not. Training may start from weights
        that another loss has made."""
        try:
            restore_loss(self.task.owning, held.loss, file)
        except CheckpointError as error:
            return str(error)
        return ""

    def _forward(self, model: nn.Module, batch: Batch) -> Any:
        feeding = self.checked.feeding or _by_order(self.spec, batch)
        return model(**{name: batch[field] for name, field in feeding.items()})

    def _preparation(self) -> Any:
        done = self.checked.prepare
        if done is None:
            return None
        return preparation(done, self.settings.device)


def _by_order(spec: Spec, batch: Batch) -> dict[str, str]:
    return feed([each.name for each in spec.model.inputs or () if each.options is None], list(batch))
