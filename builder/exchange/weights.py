"""Weights from a file into a model: one reader for `[model] weights`, `--weights`, evaluation and prediction.

Files: a run's checkpoints, `.safetensors`, and state dicts as `torch.save` writes them, in the zip of today or the
plain pickle of before torch 1.6, by themselves or under `state_dict` or `model` of somebody's checkpoint. Nothing in
a file is run.
"""

from __future__ import annotations

import pickle
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from builder.exchange.headers import HeaderError, shapes_in
from builder.exchange.misfits import told, told_start
from builder.exchange.placing import Own, Placing, Shapes, place
from builder.files import reason
from builder.training import sealed
from builder.training.checkpoints import Weights, weights_in
from builder.training.errors import CheckpointError
from builder.training.weights import read_safetensors

_HOLDERS: Final = ("state_dict", "model_state_dict", "model")  # of checkpoints of other programs
_COMPARED: Final = 1 << 22  # numbers of two tensors that are held against each other at a time


def read(path: Path) -> Weights:
    """The weights in a file, on the CPU. Raises CheckpointError, which names it, for one that holds none, is cut,
    damaged, or more than tensors and plain values."""
    if path.suffix == ".safetensors":
        return Weights(model=_safe(path), about={})
    try:
        zipped = zipfile.is_zipfile(path)
        with open(path, "rb") as file:
            start = file.read(9)
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {reason(error)}") from error
    if start[8:] == b"{":
        return Weights(model=_safe(path), about={})
    payload, whole = sealed.read(path) if zipped else (_plain_pickle(path), False)
    if "format" in payload:  # a checkpoint of this program, or nobody's
        return weights_in(path, payload, whole)
    return Weights(model=_state_in(path, payload), about={})


def put_in(
    model: nn.Module, state: Mapping[str, Any], file: str, *, rename: Mapping[str, str] | None = None,
    fresh: Sequence[str] = (),
) -> str:  # fmt: skip
    """Put a file's tensors into a model, in place. Gives what of the model starts anew, in a sentence; "" where
    nothing does. Raises CheckpointError, with each name and what may help, where they are another model's; the model
    is then as it was."""
    own = model.state_dict()
    held = own_of(model)
    found = place(held, shapes_of(state), rename or {}, fresh)
    if not found.fits:
        raise CheckpointError(told(file, held, shapes_of(state), found).text)
    if faults := [*_of_other_kinds(own, state, found), *_of_one_tensor(held, state, found)]:
        raise CheckpointError("\n  ".join([f"{file} does not fit the model", *faults]))
    complete = dict(own) | {key: state[source] for key, source in found.taken.items()}
    for key, first in held.alike.items():  # one tensor under several keys, of which the file may hold one
        there = next((each for each in found.taken if held.alike.get(each) == first), None)
        if there is not None and key not in found.taken:
            complete[key] = complete[there]
    try:
        model.load_state_dict(complete, strict=True)
    except (RuntimeError, TypeError) as error:  # a module with a state of its own kind refuses it
        raise CheckpointError(f"{file} does not fit the model: {error}") from error
    return told_start(file, found, len(own))


def own_of(model: nn.Module) -> Own:
    """Keys and shapes of a model, and which of its keys are one tensor."""
    keys: dict[int, list[str]] = {}
    held = model.state_dict(keep_vars=True)
    for key, each in held.items():
        if isinstance(each, Tensor):
            keys.setdefault(id(each), []).append(key)
    alike = {key: several[0] for several in keys.values() if len(several) > 1 for key in several}
    return Own(shapes=shapes_of(held), alike=alike)


def shapes_of(state: Mapping[str, Any]) -> Shapes:
    return {str(key): tuple(each.shape) if isinstance(each, Tensor) else None for key, each in state.items()}


def _safe(path: Path) -> dict[str, Tensor]:
    """A `.safetensors` file, whose header is judged first: the package names neither the file nor the tensor."""
    try:
        shapes_in(path)
    except HeaderError as error:
        raise CheckpointError(str(error)) from error
    return dict(read_safetensors(path))


def _plain_pickle(path: Path) -> dict[str, Any]:
    """What torch wrote before 1.6, as many published files are."""
    try:
        with warnings.catch_warnings():  # torch remarks on the pickle's protocol
            warnings.simplefilter("ignore")
            payload = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {reason(error)}") from error
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path} is no file of weights, or is refused as it holds more than tensors and plain values; of a whole "
            "model that was saved, save its state_dict()"
        ) from error
    except sealed.DAMAGED as error:
        raise CheckpointError(f"{path} {sealed.NOT_WHOLE}") from error
    if not isinstance(payload, dict):
        raise CheckpointError(f"{path} is no file of weights: it holds a {type(payload).__name__}")
    return payload


def _state_in(path: Path, payload: Mapping[Any, Any]) -> dict[str, Any]:
    """The state dict of a file: the whole, or what a checkpoint of another program holds it under."""
    inner = next((payload[key] for key in _HOLDERS if isinstance(payload.get(key), dict)), None)
    state = payload if inner is None else inner
    if not any(isinstance(each, Tensor) for each in state.values()) or not all(isinstance(each, str) for each in state):
        listed = ", ".join(str(each)[:40] for each in list(payload)[:6]) or "nothing"
        raise CheckpointError(f"{path} holds no weights by name, neither itself nor under `state_dict` or `model`: it "
                              f"holds {listed}")  # fmt: skip
    return dict(state)


def _of_other_kinds(own: Mapping[str, Any], state: Mapping[str, Any], found: Placing) -> list[str]:
    """Tensors that hold another kind of numbers, or none that could be copied, told by name."""
    faults = []
    for key, source in found.taken.items():
        one, other = own[key], state[source]
        if _kind(one) != _kind(other):
            faults.append(f"of another kind: {source} holds {_kind(other)}, {key} of the model {_kind(one)}")
    return faults


def _kind(tensor: Any) -> str:
    if not isinstance(tensor, Tensor):
        return "no tensor"
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_meta:
        return "no plain numbers"
    if tensor.is_floating_point():
        return "floats"
    return "complex numbers" if tensor.is_complex() else "truth values" if tensor.dtype == torch.bool else "integers"


def _of_one_tensor(own: Own, state: Mapping[str, Any], found: Placing) -> list[str]:
    """Keys of one tensor of the model to which the file gives two that differ."""
    faults, first = [], dict[str, str]()
    for key, source in found.taken.items():
        if key in own.alike:
            other = first.setdefault(own.alike[key], source)
            if other != source and not _same(state[other], state[source]):
                faults.append(f"one tensor in the model, two in the file: {other} and {source}")
    return faults


def _same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are the same bit for bit, NaN being itself."""
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    if torch.equal(one, other) or not one.is_floating_point():
        return torch.equal(one, other)
    parts = (torch.split(each.reshape(-1), _COMPARED) for each in (one, other))
    pairs = zip(*parts, strict=True)
    return all(bool(torch.isclose(one, other, rtol=0, atol=0, equal_nan=True).all()) for one, other in pairs)
