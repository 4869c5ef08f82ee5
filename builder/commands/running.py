"""`--train` and `--evaluate`: the events of a run, shown."""

from __future__ import annotations

import argparse
import shutil
import sys
from functools import partial
from typing import Any

from tqdm import tqdm

from builder.commands import streams
from builder.commands.warning import tell
from builder.experiment import Experiment
from builder.files import write_aside
from builder.lint import lint
from builder.training import RunFolder
from builder.training.events import EpochDone, Event, Finished, Row, Started, StepDone, Stopped, Warned
from builder.training.optimizer import described
from builder.training.processes import Processes, joined
from dsl.catalogue import registered
from dsl.records import Spec


def train(spec: Spec, options: argparse.Namespace) -> tuple[int, str | None]:
    """Train and show how it goes: (exit status, the best weights). Warnings that no check has told come first."""
    with joined() as processes:
        return _train(spec, options, processes)


def _train(spec: Spec, options: argparse.Namespace, processes: Processes) -> tuple[int, str | None]:
    """Of several processes the first alone tells."""
    experiment = Experiment(spec, device=options.device, weights=options.weights, processes=processes)
    if not options.check and processes.first:
        tell(lint(experiment.checked))
    folder = experiment.folder(options.out, options.resume)
    screen = _Screen(quiet=options.quiet or not processes.first)
    screen.say(f"{_choices(experiment)}, {experiment.training.samples:,} samples, into {folder.path}")
    status = 0
    try:
        for event in experiment.events(folder, resume=options.resume, insist=options.force):
            if isinstance(event, Started) and processes.first:
                _draw(experiment, folder, screen)
                _keep_python(folder)
            screen.show(event)
            if isinstance(event, Stopped):
                status = 0 if event.signal is None else 128 + event.signal
            elif isinstance(event, Finished) and processes.first:
                _tell_result(event, folder)
    finally:
        screen.close()
    return status, str(folder.best) if folder.best.exists() else None


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
    """Loss and accuracy of a checkpoint on the held-out samples."""
    if weights is None:
        raise ValueError("nothing to evaluate: give --weights FILE, or the folder of a run in place of the spec")
    experiment = Experiment(spec, device=options.device, weights=weights)
    found = experiment.evaluate()
    if options.format == "text":
        print(", ".join(f"{name} {value:.4f}" for name, value in found.items()))
    return found


def _draw(experiment: Experiment, folder: RunFolder, screen: _Screen) -> None:
    """The run's diagram. That it cannot be drawn ends no training."""
    import render
    from builder.building import graph_of
    from builder.files import OutputError

    try:
        render.draw(graph_of(experiment.checked.model), folder.path / "model.svg")
    except (render.EngineError, OutputError) as error:
        screen.say(f"warning: the diagram is missing: {error}")


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


class _Screen:
    """Standard error: a bar on a terminal, lines in a pipe."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        self.bar: tqdm[Any] | None = None
        self.live = sys.stderr.isatty() and not quiet

    def say(self, text: str) -> None:
        if self.quiet and not text.startswith("warning"):
            return
        try:
            tqdm.write(text, file=sys.stderr)
        except OSError:  # whoever read it is gone: the run is worth more than what is said of it
            streams.drop(sys.stderr)

    def show(self, event: Event) -> None:
        if isinstance(event, StepDone):
            self._step(event)
        elif isinstance(event, EpochDone):
            self.close()
            self.say(_line(event.row, event.is_best))
        elif isinstance(event, Warned):
            self.say(f"warning: {event.message}")
        elif isinstance(event, Started) and event.resumed:
            self.say(f"going on at epoch {event.epoch}, step {event.step}")
        elif isinstance(event, Stopped):
            self.close()
            self.say(f"stopped after step {event.step} ({event.reason}); the checkpoint is written")
        elif isinstance(event, Finished) and event.reason:
            self.say(f"ended early: {event.reason}")

    def _step(self, event: StepDone) -> None:
        if not self.live:
            return
        if self.bar is None:
            self.bar = tqdm(total=event.steps_in_epoch, desc=f"epoch {event.epoch}", unit="step", leave=False)
        self.bar.update(event.batch - self.bar.n)
        self.bar.set_postfix_str(f"loss {event.loss:.4f}")

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None


def _line(row: Row, is_best: bool) -> str:
    words = [f"epoch {row['epoch']}"]
    for name, value in row.items():
        if name in ("epoch", "step", "lr", "seconds") or value is None:
            continue
        words.append(f"{name} {value:.4f}")
    seconds = row.get("seconds")
    words.append(f"{seconds:.1f} s" if seconds is not None else "")
    return "  ".join(words) + ("  *" if is_best else "")
