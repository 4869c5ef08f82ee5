"""`--train` and `--evaluate`: the events of a run, shown."""

from __future__ import annotations

import argparse
import shutil
from functools import partial
from typing import Any

from builder.commands import tensorboard
from builder.commands.curves import draw_curves
from builder.commands.screen import Screen
from builder.commands.warning import tell
from builder.experiment import Experiment
from builder.experiment.evaluating import experiment_on_all
from builder.files import write_aside
from builder.lint import lint
from builder.training import RunFolder
from builder.training.errors import Diverged
from builder.training.events import Finished, Started, Stopped
from builder.training.optimizer import described
from builder.training.processes import joined
from dsl.catalogue import registered
from dsl.records import Spec


def train(spec: Spec, options: argparse.Namespace) -> tuple[int, str | None]:
    """Train and show how it goes: (exit status, the best weights). Warnings that no check has told come first."""
    if options.tensorboard:
        tensorboard.check()
    with joined() as processes:
        experiment = Experiment(spec, device=options.device, processes=processes, start_anew=not options.resume)
        if not options.check and processes.first:
            tell(lint(experiment.checked))
        folder = experiment.folder(options.out, options.resume)
        shown = _shown if processes.first else _followed
        status = shown(experiment, folder, options)
    return status, str(folder.best) if folder.best.exists() else None


def _followed(experiment: Experiment, folder: RunFolder, options: argparse.Namespace) -> int:
    """The exit status of a process that the first one speaks for."""
    status = 0
    for event in experiment.events(folder, resume=options.resume, insist=options.force):
        if isinstance(event, Stopped):
            status = _status_of(event)
    return status


def _shown(experiment: Experiment, folder: RunFolder, options: argparse.Namespace) -> int:
    """The exit status of a run that is shown while it goes on, and drawn at its end."""
    screen = Screen(quiet=options.quiet, validates=experiment.held_out is not None)
    board = tensorboard.of(folder, screen.warn) if options.tensorboard else None
    samples = experiment.training
    screen.say(f"{_choices(experiment)}, {samples.samples:,} samples {samples.lie}, into {folder.path}")
    if experiment.started.told:
        screen.say(experiment.started.told)
    status = 0
    try:
        for event in experiment.events(folder, resume=options.resume, insist=options.force):
            if isinstance(event, Started):
                _draw(experiment, folder, screen)
                _keep_python(folder)
            screen.show(event)
            if board is not None:
                board.show(event)
            if isinstance(event, Stopped):
                status = _status_of(event)
                screen.say(f"to go on: --resume {folder.path}")
            elif isinstance(event, Finished):
                _tell_result(event, folder)
    except Diverged:
        draw_curves(folder, experiment.spec.name, screen.warn)  # they show where it went wrong
        raise
    finally:
        screen.close()
        if board is not None:
            board.close()
    draw_curves(folder, experiment.spec.name, screen.warn)
    return status


def _status_of(event: Stopped) -> int:
    return 0 if event.signal is None else 128 + event.signal


def _choices(experiment: Experiment) -> str:
    """What the run goes by: what was chosen for it, too."""
    settings = experiment.settings
    words = [str(settings.device), settings.precision]
    words += [f"{experiment.processes.world} processes"] if experiment.processes.world > 1 else []
    words += ["channels_last"] if settings.memory_format == "channels_last" else []
    words += ["torch.compile"] if settings.compile else []
    words += ["deterministic"] if settings.deterministic else []
    words += [f"{settings.average.type} of the weights"] if settings.average else []
    return ", ".join([*words, described(experiment.optimizer())])


def evaluate(spec: Spec, options: argparse.Namespace, weights: str | None) -> dict[str, Any]:
    """The loss of a checkpoint and what is measured beside it, on the held-out samples; on all of those of `--data`."""
    if weights is None:
        raise ValueError("nothing to evaluate: give --weights FILE, or the folder of a run in place of the spec")
    if options.data is not None and not options.train:  # data of its own: nothing of it was trained on
        experiment = experiment_on_all(spec, weights, options.device)
    else:
        experiment = Experiment(spec, device=options.device, weights=weights)
    found = experiment.evaluate()
    if options.format == "text":
        print(", ".join(f"{name} {value:.4f}" for name, value in found.items()))
    return found


def _draw(experiment: Experiment, folder: RunFolder, screen: Screen) -> None:
    """The run's diagram. That it cannot be drawn ends no training."""
    import render
    from builder.building import graph_of
    from builder.files import OutputError

    try:
        render.draw(graph_of(experiment.checked.model), folder.path / "model.svg")
    except (render.EngineError, OutputError) as error:
        screen.warn(f"the diagram is missing: {error}")


def _keep_python(folder: RunFolder) -> None:
    """The files of `--allow-python`, without which the run's spec could not be read again."""
    for module, file in registered.allowed().items():
        with open(file, "rb") as opened:
            write_aside(folder.path / f"{module}.py", partial(shutil.copyfileobj, opened))


def _tell_result(event: Finished, folder: RunFolder) -> None:
    best = event.best
    found = (
        f"best {best.metric} {best.value:.4f} in epoch {best.epoch}: {folder.best}" if best else f"done: {folder.path}"
    )
    print(found)
