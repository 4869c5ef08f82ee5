"""Checkpoints on the disk: what is in them, and how that comes back into a model and an optimizer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from builder.training import sealed
from builder.training.errors import CheckpointError
from builder.training.events import Best
from builder.training.progress import Progress
from builder.training.weights import read_safetensors

_FORMAT = "tomograph checkpoint 2"
_HELD = ("model", "optimizer", "optimizer_type", "scaler", "conditions", "about", "schedule", "average", "loss")
# Of a group of an optimizer: what is no argument, or changes on its way.
_OF_THE_COURSE = ("params", "lr", "initial_lr")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """All that a run needs to go on exactly.

    conditions: numbers that must be the same when it goes on: the seed, the batches in an epoch, the samples.
    schedule: where the course of the learning rate stands. average: the averaged weights; empty where there are none.
    loss: what the loss owns.
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
    loss: dict[str, Any] = field(default_factory=dict)
    name: str = "the checkpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A model's state dict, what the loss owns, and what the caller of the training said of it (both empty for a bare
    state dict)."""

    model: dict[str, Any]
    about: dict[str, Any]
    loss: dict[str, Any] = field(default_factory=dict)


def save(path: Path, checkpoint: Checkpoint, *, keep: Path | None = None) -> None:
    """Write everything. keep: where the checkpoint that stood at `path` is kept. Raises OutputError (the disk is full);
    what stood at `path` then still stands."""
    held = {name: getattr(checkpoint, name) for name in _HELD}
    sealed.write(path, {"format": _FORMAT, **held, "progress": asdict(checkpoint.progress)}, keep=keep)


def save_weights(path: Path, weights: Weights) -> None:
    """Write what evaluation needs. Raises OutputError as `save` does."""
    held = {"model": weights.model, "loss": weights.loss, "about": weights.about}
    sealed.write(path, {"format": _FORMAT, **held})


def load(path: Path) -> Checkpoint:
    """A checkpoint to go on from, on the CPU. Raises CheckpointError."""
    payload, whole = sealed.read(path)
    if payload.get("format") == _FORMAT and not whole:
        raise CheckpointError(f"{path} {sealed.NOT_WHOLE}")
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
        loss=_field(path, payload, "loss", dict),
        name=str(path),
    )


def newest(paths: Sequence[Path]) -> tuple[Checkpoint, list[str]]:
    """The first of the checkpoints that is whole, and what is wrong with those before it. One that is not there is
    passed over. Raises CheckpointError, with all that is wrong, where none is whole; FileNotFoundError where none is
    there."""
    faults: list[str] = []
    for path in paths:
        if not path.exists():
            continue
        try:
            return load(path), faults
        except CheckpointError as error:
            faults.append(str(error))
    if not faults:
        raise FileNotFoundError(f"there is no checkpoint in {paths[0].parent}")
    raise CheckpointError("; ".join(faults))


def load_weights(path: Path) -> Weights:
    """The weights of any checkpoint of a run, or of a file that holds a plain state dict (`.safetensors`, or of
    torch). Raises CheckpointError."""
    if path.suffix == ".safetensors":
        return Weights(model=dict(read_safetensors(path)), about={})
    return weights_in(path, *sealed.read(path))


def weights_in(path: Path, payload: Mapping[str, Any], whole: bool) -> Weights:
    """The same of what has been read from it. whole: it carries its digest, and fits it."""
    if "format" not in payload and payload and all(isinstance(each, Tensor) for each in payload.values()):
        return Weights(model=dict(payload), about={})
    if payload.get("format") == _FORMAT and not whole:
        raise CheckpointError(f"{path} {sealed.NOT_WHOLE}")
    held = {name: _field(path, payload, name, dict) for name in ("model", "loss", "about")}
    return Weights(**held)


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


def restore_loss(loss: nn.Module | None, state: Mapping[str, Any], name: str) -> None:
    """Put what the loss owns back, in place. Raises CheckpointError unless it is this loss's."""
    if faults := _differences({} if loss is None else loss.state_dict(), state):
        told = "; ".join(faults).replace("in the model", "in the loss")
        raise CheckpointError(f"{name} was trained with another loss: {told}")
    if loss is not None:
        loss.load_state_dict(dict(state), strict=True)


def restore_optimizer(optimizer: torch.optim.Optimizer, checkpoint: Checkpoint, *, own_arguments: bool = False) -> None:
    """Put the optimizer's state back. own_arguments: but for its arguments other than the rate, which stay as it was
    made with. Raises CheckpointError unless it is of the same type over the same groups."""
    kind = type(optimizer).__name__
    if checkpoint.optimizer_type != kind:
        raise CheckpointError(
            f"{checkpoint.name} was made with {checkpoint.optimizer_type}, and the optimizer is {kind}"
        )
    own = [{name: each for name, each in group.items() if name not in _OF_THE_COURSE}
           for group in optimizer.param_groups] if own_arguments else []  # fmt: skip
    try:
        optimizer.load_state_dict(checkpoint.optimizer)
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise CheckpointError(f"the optimizer's state in {checkpoint.name} does not fit: {error}") from error
    for group, arguments in zip(optimizer.param_groups, own, strict=False):
        group.update(arguments)


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
