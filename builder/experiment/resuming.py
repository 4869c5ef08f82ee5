"""Going on with a run: which of its checkpoints, and whether the spec is still the one that it was trained with."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Final

import dsl
from builder.building import elaborate
from builder.comparison import compare
from builder.resolving import resolved_text
from builder.training import CheckpointError, RunFolder
from builder.training.checkpoints import Checkpoint, load, newest
from builder.wording import lines, words_of
from dsl.diagnostics import SpecError
from dsl.records import Place, Spec

# Keys that may change between a run and its resumption: how long it goes on, where, and what it reads and tells.
_FREE: Final = (
    "train.epochs", "train.steps", "train.time_limit", "train.save_every", "train.early_stopping", "train.device",
    "data.source", "data.validation", "data.num_workers", "data.samples", "data.fields", "data.sizes",
)  # fmt: skip
# Keys whose state in a checkpoint means nothing to another value.
_NEVER: Final = ("optimizer.type", "schedulers", "data.batch_size", "train.accumulate", "train.average")


@dataclass(frozen=True, slots=True)
class Resumption:
    """checkpoint: None where the run was ended before its first. told: what the person should know. changed: whether
    the person insisted on another spec."""

    checkpoint: Checkpoint | None
    told: tuple[str, ...] = ()
    changed: bool = False


def folder_of(run: str | os.PathLike[str]) -> RunFolder:
    """The folder of a run that is named by itself or by one of its checkpoints."""
    path = Path(run)
    return RunFolder(path.parent.parent if path.is_file() else path)


def resumption(run: str | os.PathLike[str], spec: Spec, *, insist: bool = False) -> Resumption:
    """What to go on from. run: the folder of a run, whose newest whole checkpoint is taken, or a checkpoint's file.

    Raises CheckpointError where there is none, or where `spec` is not the run's and the person does not `insist`.
    """
    checkpoint, told = _found(Path(run))
    if checkpoint is None:
        return Resumption(None, tuple(told))
    model, settings = _changes(checkpoint, spec)
    free = [each for each in settings if _is_one_of(each, _FREE)]
    others = [each for each in settings if each not in free]
    if model or others:
        _refuse(checkpoint, model, others, insist)
    told += [f"{line}: the run goes on with the new value" for line in (*model, *(_line(each) for each in others))]
    told += [f"changed since {checkpoint.name}: {_line(each)}" for each in free]
    return Resumption(checkpoint, tuple(told), bool(model or others))


def _found(run: Path) -> tuple[Checkpoint | None, list[str]]:
    if run.is_file():
        return load(run), []
    folder = RunFolder(run)
    try:
        checkpoint, faults = newest([folder.last, folder.previous])
    except FileNotFoundError:
        if not (run / "status.json").exists():
            raise CheckpointError(f"{run} holds no run to go on with") from None
        return None, [f"{run} has no checkpoint yet: the run starts from its beginning"]
    told = [f"{each}; going on from {checkpoint.name}, step {checkpoint.progress.step}" for each in faults]
    return checkpoint, told


def _refuse(checkpoint: Checkpoint, model: list[str], settings: list[_Change], insist: bool) -> None:
    never = [each for each in settings if _is_one_of(each, _NEVER)]
    if insist and not never:
        return
    text = "\n".join(f"  {each}" for each in (*model, *map(_line, never if insist else settings)))
    if never:
        advice = "which cannot go on: start anew from its weights, with --weights"
    else:
        advice = "--force goes on with the new values, and is then not the run that was never stopped"
    raise CheckpointError(f"the spec is not the one that {checkpoint.name} was made with:\n{text}\n  {advice}")


_Change = tuple[str, Any, Any]  # the key, the value then and now


def _line(change: _Change) -> str:
    key, then, now = change
    return f"{key} {words_of(then)} -> {words_of(now)}"


def _is_one_of(change: _Change, keys: tuple[str, ...]) -> bool:
    return any(change[0] == key or change[0].startswith((f"{key}.", f"{key}[")) for key in keys)


def _changes(checkpoint: Checkpoint, spec: Spec) -> tuple[list[str], list[_Change]]:
    """Lines for what is different in the model but which of its tensors are outputs, and the changed settings."""
    text = checkpoint.about.get("spec")
    if not isinstance(text, str):  # a run that was not begun from a spec
        return [], []
    try:
        before, spec = dsl.loads(text, checkpoint.name), dsl.loads(resolved_text(spec), spec.document.source.name)
        found = compare(elaborate(before), elaborate(spec))
    except SpecError as error:
        raise CheckpointError(f"the spec in {checkpoint.name} is not one that this version reads:\n{error}") from error
    model = [] if not (found.layers or found.inputs) else list(lines(found))
    return model, [*_different(before, spec)]


def _different(before: Spec, now: Spec) -> Iterator[_Change]:
    """The settings that are not the same, but the model's."""
    parts = ("losses", "optimizer", "schedulers", "data", "train")
    old, new = ({key: each for part in parts for key, each in _flat(part, getattr(spec, part))}
                for spec in (before, now))  # fmt: skip
    if any("${" in str(each) for each in (*old.values(), *new.values())):
        old |= dict(_flat("vars", before.vars))
        new |= dict(_flat("vars", now.vars))
    for key in dict.fromkeys((*old, *new)):
        if old.get(key) != new.get(key):
            yield key, old.get(key), new.get(key)


def _flat(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Every single value of records, tables and arrays by its key; what is not written is left out."""
    if isinstance(value, Place) or value is None:
        return
    if is_dataclass(value):
        for each in fields(value):
            yield from _flat(f"{key}.{_KEYS.get(each.name, each.name)}".removesuffix("."), getattr(value, each.name))
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from _flat(f"{key}.{name}", each)
    elif isinstance(value, (list, tuple)) and any(is_dataclass(each) or isinstance(each, Mapping) for each in value):
        for index, each in enumerate(value):
            yield from _flat(f"{key}[{index}]", each)
    else:
        yield key, list(value) if isinstance(value, tuple) else value


# Fields of records whose values are written one level up.
_KEYS: Final = {"arguments": ""}
