"""How a spec is to be trained, as plain values, on a device that is there."""

from __future__ import annotations

from builder.devices import DeviceError, resolve
from builder.training import Settings, TrainingError, resolve_precision
from dsl.diagnostics import SpecError
from dsl.records import Spec


def settings_of(spec: Spec, device: str | None) -> Settings:
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
