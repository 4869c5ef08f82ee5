"""How a spec is to be trained, as plain values, on a device that is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from builder.checking import Checked
from builder.checking.optimization import LENGTHS, WATCHES
from builder.devices import DeviceError, resolve
from builder.lint.gradient import no_gradient
from builder.lint.view import View
from builder.training import Settings, TrainingError, resolve_precision
from builder.training.average import Averaging
from builder.training.processes import Processes
from builder.training.schedule import Course, Stretch
from builder.training.settings import EarlyStopping
from dsl.diagnostics import SpecError
from dsl.expressions import ExpressionError, evaluate
from dsl.records import Scheduler, Spec


def settings_of(spec: Spec, device: str | None, processes: Processes) -> Settings:
    """device: in place of the spec's own. Raises SpecError where what the spec asks for is not there."""
    train = spec.train
    try:
        place = _own(resolve(device if device is not None else train.device), processes)
        precision = resolve_precision(train.precision, place)
    except DeviceError as error:
        if device is not None:
            raise
        raise SpecError([train.place.at("device").fault(str(error), "device")]) from error
    except TrainingError as error:
        raise SpecError([train.place.at("precision").fault(str(error), "precision")]) from error
    stopping, average, steps = train.early_stopping, train.average, train.steps
    return Settings(
        epochs=train.epochs or (None if steps else 1), steps=steps, seed=train.seed, device=place,
        precision=precision, memory_format=train.memory_format,  # type: ignore[arg-type]
        clip_grad_norm=train.clip_grad_norm, clip_grad_value=train.clip_grad_value, accumulate=train.accumulate,
        stretches=tuple(_stretch(each, spec) for each in spec.schedulers), compile=train.compile,
        deterministic=train.deterministic, time_limit=train.time_limit,
        save_every=train.save_every,
        average=None if average is None else Averaging(type=average.type, decay=average.decay,  # type: ignore[arg-type]
                                                       start=average.start),
        early_stopping=None if stopping is None else EarlyStopping(metric=stopping.metric, patience=stopping.patience,
                                                                   min_delta=stopping.min_delta),
    )  # fmt: skip


def leaves_out(checked: Checked) -> bool:
    """Whether a step may leave parameters without a gradient: the output hangs on none of them, or a choice decides."""
    chosen = any(each.options is not None for each in checked.spec.model.inputs or ())
    return chosen or any(True for _ in no_gradient(View.of(checked)))


def check_watched(spec: Spec, columns: tuple[str, ...]) -> None:
    """Raise SpecError where a metric is watched that the run does not measure."""
    watched = [(each.place, each.metric or "val_loss") for each in spec.schedulers if _type_of(each) == WATCHES]
    stopping = spec.train.early_stopping
    if stopping is not None and stopping.metric is not None:
        watched.append((stopping.place, stopping.metric))
    faults = [
        place.at("metric").fault(f"`{metric}` is not measured by this run", "metric",
                                 notes=(f"what is measured: {', '.join(columns)}",))
        for place, metric in watched if metric not in columns
    ]  # fmt: skip
    if faults:
        raise SpecError(faults)


def _own(device: torch.device, processes: Processes) -> torch.device:
    """Of several processes on a machine each has a GPU of its own."""
    if processes.world == 1 or device != torch.device("cuda"):
        return device
    torch.cuda.set_device(processes.local)
    return torch.device("cuda", processes.local)


def _stretch(scheduler: Scheduler, spec: Spec) -> Stretch:
    name = _type_of(scheduler)
    course = scheduler.arguments.get("lr_lambda")
    return Stretch(
        type=name, arguments=scheduler.arguments, every=scheduler.every or "epoch",  # type: ignore[arg-type]
        length=scheduler.steps, length_name=LENGTHS.get(name),
        course=None if course is None else _course(scheduler, course, spec.vars),
        metric=(scheduler.metric or "val_loss") if name == WATCHES else None,
    )  # fmt: skip


def _type_of(scheduler: Scheduler) -> str:
    return scheduler.type.rpartition(".")[2]


def _course(scheduler: Scheduler, text: str, vars: Mapping[str, Any]) -> Course:
    def course(step: int, epoch: int) -> float:
        try:
            return float(evaluate(text, {**vars, "step": step, "epoch": epoch}))
        except (ExpressionError, TypeError, ValueError) as error:
            message = f"`lr_lambda` has no value at step {step} of epoch {epoch}: {error}"
            raise SpecError([scheduler.place.at("lr_lambda").fault(message, "expression", part="value")]) from error

    return course
