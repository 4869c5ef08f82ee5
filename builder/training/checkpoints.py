"""Checkpoints on the disk: written whole or not at all, read without running anything in them.

A checkpoint is what `torch.save` writes: a zip file whose records carry CRC-32 sums. torch does not look at those when
it reads, so a flipped bit would load as a wrong number; `load` checks them first.
"""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import torch
from torch import Tensor, nn

from builder.files import OutputError, reason, write_aside
from builder.training.errors import CheckpointError
from builder.training.events import Best
from builder.training.progress import Progress

_FORMAT = "tomograph checkpoint 2"
# What torch.load and zipfile raise on bytes that are cut, damaged or hostile; found by trying them.
_DAMAGED = (
    pickle.UnpicklingError, zipfile.BadZipFile, RuntimeError, EOFError, ValueError, KeyError, IndexError, TypeError,
    AttributeError, AssertionError, OverflowError, NotImplementedError, MemoryError,
)  # fmt: skip
_HELD = ("model", "optimizer", "optimizer_type", "scaler", "conditions", "about", "schedule", "average")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """All that a run needs to go on exactly.

    conditions: numbers that must be the same when it goes on: the seed, the batches in an epoch, the samples.
    schedule: where the course of the learning rate stands. average: the averaged weights; empty where there are none.
    about: what the caller wants back: plain data, such as the text of the spec.
    name: what messages call it; the file it was read from.
    """

    model: dict[str, Any]
    optimizer: dict[str, Any]
    optimizer_type: str
    scaler: dict[str, Any]
    progress: Progress
    conditions: dict[str, int]
    about: dict[str, Any]
    schedule: dict[str, Any]
    average: dict[str, Any]
    name: str = "the checkpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A model's state dict, and what the caller of the training said of it (empty for a bare state dict)."""

    model: dict[str, Any]
    about: dict[str, Any]


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Write everything. Raises OutputError (the disk is full); what stood at `path` then still stands."""
    held = {name: getattr(checkpoint, name) for name in _HELD}
    _write(path, {"format": _FORMAT, **held, "progress": asdict(checkpoint.progress)})


def save_weights(path: Path, weights: Weights) -> None:
    """Write what evaluation needs. Raises OutputError as `save` does."""
    _write(path, {"format": _FORMAT, "model": weights.model, "about": weights.about})


def load(path: Path) -> Checkpoint:
    """A checkpoint to go on from, on the CPU. Raises CheckpointError."""
    payload = _read(path)
    if "optimizer" not in payload:
        raise CheckpointError(f"{path} holds weights alone: training goes on from a run's checkpoints/last.pt")
    return Checkpoint(
        model=_field(path, payload, "model", dict),
        optimizer=_field(path, payload, "optimizer", dict),
        optimizer_type=_field(path, payload, "optimizer_type", str),
        scaler=_field(path, payload, "scaler", dict),
        progress=_progress(path, _field(path, payload, "progress", dict)),
        conditions=_field(path, payload, "conditions", dict),
        about=_field(path, payload, "about", dict),
        schedule=_field(path, payload, "schedule", dict),
        average=_field(path, payload, "average", dict),
        name=str(path),
    )


def load_weights(path: Path) -> Weights:
    """The weights of any checkpoint of a run, or of a file that holds a plain state dict. Raises CheckpointError."""
    payload = _read(path)
    if "format" not in payload and payload and all(isinstance(each, Tensor) for each in payload.values()):
        return Weights(model=payload, about={})
    return Weights(model=_field(path, payload, "model", dict), about=_field(path, payload, "about", dict))


def restore_model(model: nn.Module, state: Mapping[str, Any], name: str) -> None:
    """Put the state dict into the model, in place. Raises CheckpointError, with names and shapes, unless it is this
    model's; the model is then as it was. `name` is what the message calls the file."""
    faults = _differences(model.state_dict(), state)
    if faults:
        raise CheckpointError(f"{name} is of another model: {'; '.join(faults)}")
    try:
        model.load_state_dict(dict(state), strict=True)
    except (RuntimeError, TypeError) as error:  # a module with a state of its own kind refuses it
        raise CheckpointError(f"{name} does not fit the model: {error}") from error


def restore_optimizer(optimizer: torch.optim.Optimizer, checkpoint: Checkpoint) -> None:
    """Put the optimizer's state back. Raises CheckpointError unless it is of the same type over the same groups."""
    kind = type(optimizer).__name__
    if checkpoint.optimizer_type != kind:
        raise CheckpointError(
            f"{checkpoint.name} was made with {checkpoint.optimizer_type}, and the optimizer is {kind}"
        )
    try:
        optimizer.load_state_dict(checkpoint.optimizer)
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise CheckpointError(f"the optimizer's state in {checkpoint.name} does not fit: {error}") from error


class _NotingFile:
    """A file for torch.save that keeps the system's error, which torch turns into a RuntimeError without words."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        try:
            return self._file.write(data)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        self._file.flush()


def _write(path: Path, payload: dict[str, Any]) -> None:
    try:
        write_aside(path, lambda file: _save(payload, file))
    except OutputError as error:
        raise OutputError(f"{error} (the checkpoint takes {_bytes(payload):,} bytes)") from error


def _save(payload: dict[str, Any], file: BinaryIO) -> None:
    noting = _NotingFile(file)
    try:
        torch.save(payload, noting)  # type: ignore[arg-type]  # it asks for write and flush alone
    except RuntimeError:
        if noting.error is None:
            raise
        raise noting.error from None


def _bytes(values: Any) -> int:
    if isinstance(values, Tensor):
        return values.nbytes
    inner = values.values() if isinstance(values, dict) else values if isinstance(values, (list, tuple)) else ()
    return sum(_bytes(each) for each in inner)


def _read(path: Path) -> dict[str, Any]:
    try:
        _check_sums(path)
        payload = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {reason(error)}") from error
    except pickle.UnpicklingError as error:
        raise CheckpointError(f"{path} is refused: it holds more than tensors and plain values") from error
    except _DAMAGED as error:
        raise CheckpointError(f"{path} is not a whole checkpoint: it is cut, damaged or something else") from error
    if not isinstance(payload, dict):
        raise CheckpointError(f"{path} is not a checkpoint: it holds a {type(payload).__name__}")
    return payload


def _check_sums(path: Path) -> None:
    """Raise BadZipFile unless the file is a whole zip of uncompressed records (as torch writes them) that fit their
    sums."""
    with zipfile.ZipFile(path) as archive:
        if any(each.compress_type != zipfile.ZIP_STORED for each in archive.infolist()):
            raise zipfile.BadZipFile("compressed")
        if archive.testzip() is not None:
            raise zipfile.BadZipFile("a record does not fit its sum")


def _field(path: Path, payload: Mapping[str, Any], name: str, kind: type[_T]) -> _T:
    found = payload.get(name)
    if payload.get("format") != _FORMAT or not isinstance(found, kind):
        raise CheckpointError(f"{path} is not a checkpoint of this program")
    return found


def _progress(path: Path, plain: Mapping[str, Any]) -> Progress:
    try:
        best = plain["best"]
        if not all(isinstance(plain[name], int) for name in ("epoch", "batch", "step", "samples")):
            raise TypeError("a count that is no whole number")
        return Progress(**{**plain, "best": None if best is None else Best(**best)})
    except (TypeError, KeyError) as error:
        raise CheckpointError(f"{path} is not a checkpoint of this program") from error


def _differences(own: Mapping[str, Any], state: Mapping[str, Any]) -> list[str]:
    """What keeps `state` from being a state dict of the model that has `own`; empty if nothing does."""
    shapes = [
        f"{name} {tuple(state[name].shape)}, in the model {tuple(own[name].shape)}"
        for name in own
        if isinstance(own[name], Tensor) and isinstance(state.get(name), Tensor)
        and own[name].shape != state[name].shape
    ]  # fmt: skip
    kinds = {
        "it lacks": [name for name in own if name not in state],
        "it has besides": [name for name in state if name not in own],
        "it has other shapes:": shapes,
    }
    return [f"{what} {_a_few(names)}" for what, names in kinds.items() if names]


def _a_few(names: list[str]) -> str:
    shown = [str(name)[:200] for name in names[:3]]
    return ", ".join(shown) + (f" and {len(names) - len(shown)} more" if len(names) > len(shown) else "")
