"""Training: step after step, epoch after epoch, told as events."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from builder.files import OutputError
from builder.training import seeding
from builder.training.batches import Batches, Piece, pieces
from builder.training.checkpoints import Checkpoint
from builder.training.errors import TrainingError
from builder.training.evaluation import evaluated, fetched
from builder.training.events import EpochDone, Event, Finished, Row, Started, StepDone, Stopped, Warned
from builder.training.folder import RunFolder, State
from builder.training.lock import locked
from builder.training.processes import ALONE, Processes
from builder.training.run import Run
from builder.training.settings import Settings
from builder.training.stopping import Stop
from builder.training.task import Task, place_task
from builder.training.writing import Writer


def fit(
    task: Task,
    optimizer: torch.optim.Optimizer,
    train: Batches,
    validation: Batches | None,
    settings: Settings,
    folder: RunFolder,
    *,
    resume: Checkpoint | None = None,
    changed: bool = False,
    about: Mapping[str, Any] | None = None,
    processes: Processes = ALONE,
) -> Iterator[Event]:
    """Train, and tell what happens; the model is trained in place.

    The last event is Finished or Stopped. A checkpoint is written after each epoch and when a signal stops the run,
    with `about` (plain data) in it; `resume` goes on from one, exactly, or where settings have `changed`, with the new
    ones. Raises TrainingError and CheckpointError where things do not fit together, OutputError where the folder cannot
    be written, Diverged where a number is not finite. However it ends, status.json says so. Of several processes the
    first alone writes; all of them tell the same events.
    """
    place_task(task, settings)
    run = Run(
        task=task, optimizer=optimizer, train=train, validation=validation, settings=settings, about=dict(about or {}),
        processes=processes,
    )  # fmt: skip
    if resume is not None:
        run.restore(resume, changed=changed)
    with locked(folder.path) if processes.first else nullcontext("") as told:
        if processes.first:
            folder.begin(resumed=resume is not None and folder.holds(resume.name), step=run.progress.step)
        if told:
            yield Warned(message=told)
        last = yield from _ending(run, folder, resume)
    yield last


def _ending(run: Run, folder: RunFolder, resume: Checkpoint | None) -> Generator[Event, None, Event]:
    """All events but the last, which is returned. However it ends, status.json says so."""
    settings, processes = run.settings, run.processes
    try:
        with _algorithms(settings), Stop(settings.time_limit, processes) as stop:
            writer = Writer(run, folder, last_stands=resume is not None and resume.name == str(folder.last))
            return (yield from _events(run, writer, stop, resumed=resume is not None))
    except BaseException as error:  # told in the run's folder, and passed on
        with suppress(OutputError):
            if processes.first:
                folder.write_status(*_state_after(error, run.progress.step))
        raise


def _events(run: Run, writer: Writer, stop: Stop, *, resumed: bool) -> Generator[Event, None, Event]:
    """All events but the last, which is returned: who stops listening there has not stopped the run."""
    yield _started(run, resumed)
    if run.made_by not in (None, run.processes.world):
        yield Warned(message=f"the run had {run.made_by} process(es) and now has {run.processes.world}: "
                             "the same samples in the same order, but not the same bits")  # fmt: skip
    yield from writer.write_metrics()
    while run.unfinished:
        yield from _train(run, writer, stop)
        found = _validate(run, stop)
        if found is None or stop.asked:
            return (yield from _stopped(run, writer, stop))
        yield from _end_epoch(run, writer, found)
    yield from writer.write_status("done")
    if run.average is not None:  # what was evaluated is what the caller gets
        task = run.evaluated
        run.task.model.load_state_dict(task.model.state_dict())
    return Finished(step=run.progress.step, best=run.progress.best, reason=run.gave_up)


def _train(run: Run, writer: Writer, stop: Stop) -> Iterator[Event]:
    """The epoch's steps from where it stands, to its end or until a signal."""
    progress, pending, reported = run.progress, _Pending(run), time.monotonic()
    for module in run.task.modules:
        module.train()
    for batches in _steps(run, stop):
        pending.add(run.stepper.step(batches, progress.step - 1), sum(samples for _, _, samples in batches))
        run.schedule.after_step()
        if run.average is not None:
            run.average.after_step(progress.step)
        due = time.monotonic() - reported >= run.settings.report_seconds
        if progress.batch == run.steps_in_epoch or run.processes.most(due):
            yield _step_done(run, pending.settle())
            reported = time.monotonic()
        if run.saves_here:
            if pending:
                pending.settle()
            run.check_finite()
            yield from writer.save_last()
    if pending:
        pending.settle()


def _steps(run: Run, stop: Stop) -> Iterator[list[Piece]]:
    """The batches of each step that the epoch still has, until it is to stop; before each, randomness starts anew."""
    progress, settings = run.progress, run.settings
    seeding.reseed(settings.device, seeding.mixed(settings.seed, seeding.EPOCH, progress.epoch))
    rank = run.processes.rank
    source = pieces(run.train, progress.epoch, progress.batch * settings.accumulate, run.processes)
    while progress.batch < run.steps_in_epoch and not stop.asked:
        seeding.reseed(settings.device, seeding.of_step(settings.seed, progress.step, rank))
        batches = list(islice(source, settings.accumulate))
        if not batches:
            told = f"epoch {progress.epoch} has {len(run.train)} batches, but gave only"
            raise TrainingError(f"{told} {progress.batch * settings.accumulate}")
        progress.batch += 1
        progress.step += 1
        yield batches


def _validate(run: Run, stop: Stop) -> dict[str, float] | None:
    """`{"val_loss": ..., "val_accuracy": ...}`, empty without validation; None if a signal came."""
    if run.validation is None:
        return {}
    settings = run.settings
    seeding.reseed(settings.device, seeding.mixed(settings.seed, seeding.VALIDATION, run.progress.step))
    found = evaluated(run.evaluated, run.validation, settings, lambda: stop.asked, run.processes)
    return found and {f"val_{name}": value for name, value in found.items()}


def _end_epoch(run: Run, writer: Writer, found: Mapping[str, float]) -> Iterator[Event]:
    """Note what the epoch came to, once it is known to be sound, and write it."""
    for name, value in found.items():
        if not math.isfinite(value):
            raise run.diverged(f"{name} is {value}", run.progress.step)
    run.check_finite()
    row = _row(run, found)
    run.progress.note(row)
    is_best = run.newest_is_best
    if is_best:
        yield from writer.save_best()
    yield EpochDone(row=row, is_best=is_best)
    if run.progress.batch == run.whole_epoch:
        run.progress.next_epoch()
        run.schedule.after_epoch(row)
    yield from writer.save_last(must=not run.unfinished)
    yield from writer.write_metrics()
    yield from writer.write_status("running")


def _stopped(run: Run, writer: Writer, stop: Stop) -> Generator[Event, None, Event]:
    run.check_finite()
    yield from writer.save_last(must=True)
    yield from writer.write_status("stopped", stop.reason)
    return Stopped(signal=stop.number, step=run.progress.step, reason=stop.reason)


@contextmanager
def _algorithms(settings: Settings) -> Iterator[None]:
    """Where asked for, only those that give the same bits each time; after it, those that were allowed before."""
    if not settings.deterministic:
        yield
        return
    before, warn = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS demands it; it is read when CUDA starts
    torch.use_deterministic_algorithms(True)
    try:
        with torch.backends.cudnn.flags(enabled=torch.backends.cudnn.enabled, benchmark=False, deterministic=True):
            yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warn)


class _Pending:
    """Losses that are still on the device: fetching each would make every step wait for it."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._losses: list[tuple[Tensor, int]] = []

    def __bool__(self) -> bool:
        return bool(self._losses)

    def add(self, loss: Tensor, samples: int) -> None:
        self._losses.append((loss, samples))

    def settle(self) -> float:
        """Count the losses into the epoch's; the latest. Raises Diverged for the first that is not finite."""
        values = fetched([loss for loss, _ in self._losses], self._run.processes)
        first = self._run.progress.step - len(values) + 1
        for step, ((value, *terms), (_, samples)) in enumerate(zip(values, self._losses, strict=True), first):
            if not math.isfinite(value):
                raise self._run.diverged(f"the loss is {value}", step)
            self._run.progress.count(value, samples, terms)
        self._losses.clear()
        return values[-1][0]


def _started(run: Run, resumed: bool) -> Started:
    progress = run.progress
    return Started(
        epoch=progress.epoch,
        batch=progress.batch,
        step=progress.step,
        epochs=run.epochs,
        total_steps=run.total_steps,
        steps_in_epoch=run.steps_in_epoch,
        resumed=resumed,
    )


def _step_done(run: Run, loss: float) -> StepDone:
    progress, length = run.progress, run.steps_in_epoch
    return StepDone(epoch=progress.epoch, batch=progress.batch, steps_in_epoch=length, step=progress.step, loss=loss)


def _row(run: Run, found: Mapping[str, float]) -> Row:
    progress = run.progress
    progress.seconds += run.lap()
    train_loss = progress.loss_sum / progress.samples
    row: Row = {"epoch": progress.epoch, "step": progress.step, "train_loss": train_loss, "val_loss": None}
    names = run.task.terms.names if run.task.terms is not None else ()
    terms = {f"train_{name}": total / progress.samples for name, total in zip(names, progress.term_sums, strict=True)}
    return {**row, **terms, **found, "lr": run.stepper.rate, "seconds": round(progress.seconds, 3)}


def _state_after(error: BaseException, step: int) -> tuple[State, int, str]:
    if isinstance(error, GeneratorExit):
        return "stopped", step, "the caller stopped listening"
    if isinstance(error, KeyboardInterrupt):
        return "stopped", step, "interrupted twice"
    return "failed", step, str(error) or type(error).__name__
