"""A file of another tool becomes a spec with its weights beside it: both are written, or none."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import torch
from torch import nn
from torch.utils import _pytree as pytree

from builder.building import elaborate, module_of
from builder.exchange.differing import difference
from builder.exchange.importing.errors import DiffersError, ImportingError
from builder.exchange.importing.examples import Examples, examples_of
from builder.exchange.importing.whole import imported
from builder.exchange.programs.opened import Opened, ProgramError
from builder.exchange.starting import start
from builder.files import OutputError, reason, write_text
from builder.training.weights import write_safetensors
from dsl.reader import load


def _torch_program(path: Path) -> Opened:
    from builder.exchange.programs.torch_program import open_torch_program

    return open_torch_program(path)


def _onnx(path: Path) -> Opened:
    from builder.exchange.programs.onnx.program import open_onnx_program

    return open_onnx_program(path)


READERS: Final[Mapping[str, Callable[[Path], Opened]]] = {".pt2": _torch_program, ".onnx": _onnx}


def read_program(path: Path, out: Path, name: str | None = None) -> tuple[str, list[str]]:
    """Write the spec of a program in a file, and `.safetensors` beside it; the spec's text, and what is to be told.

    The spec with those weights gives what the program gives, on its example inputs and on another batch size where it
    takes one: the same bits of a `.pt2`, to a part of 1e-5 of an `.onnx`. Raises ImportingError where the file is not
    sound or a spec cannot say what it does, DiffersError where outputs differ, OutputError where it cannot be written.
    """
    opened = READERS[path.suffix](path)
    examples = examples_of(opened.module, dict(opened.inputs), opened.shapes)
    try:
        _hold_against(opened, opened.module, examples, "the file as torch's layers")
    except (RuntimeError, TypeError, IndexError, ValueError, AttributeError) as error:
        if isinstance(error, DiffersError | ImportingError):
            raise
        words = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ProgramError(f"{path}: the program does not run on its examples: {words}") from error
    text = imported(opened.module, dict(opened.inputs), name=name, shapes=opened.shapes)
    state = opened.module.state_dict()
    weights = out.with_suffix(".safetensors")
    if weights == out:
        raise OutputError(f"cannot write {out}: the weights come to stand there; call the spec .toml")
    if state:  # what JSON writes for a text is a text in TOML too
        text = text.replace("\n[model]\n", f"\n[model]\nweights = {json.dumps(weights.name)}\n", 1)
    with _aside(out) as folder:
        try:
            write_text(folder / out.name, text)
            if state:
                write_safetensors(folder / weights.name, state)
        except OSError as error:
            raise OutputError(f"cannot write {out}: {reason(error)}") from error
        drawn = _hold_against(opened, _built(folder / out.name), examples, "the spec with its weights")
        _moved([folder / weights.name, folder / out.name] if state else [folder / out.name], out.parent)
    told = []
    if "N" not in examples.names():
        told.append("the program runs in no other batch size than the example's, and no second batch was compared")
    if drawn:
        told.append(f"the program draws {len(drawn)} of its outputs at random, which were not compared")
    return text, told


def _built(path: Path) -> nn.Module:
    """The model of a spec as anybody gets it, with the weights that it names."""
    spec = load(path)
    model = module_of(elaborate(spec)).eval()
    start(model, spec)
    return model


def _hold_against(opened: Opened, model: nn.Module, examples: Examples, what: str) -> set[int]:
    """The outputs that the program draws at random, and that are not compared. Raises DiffersError."""
    drawn: set[int] = set()
    sizes = {name: examples.size(name) + 1 for name in examples.names() if name == "N"}
    for change in ({}, sizes) if sizes else ({},):
        inputs = examples.resized(change)
        with torch.no_grad():
            torch.manual_seed(0)
            wanted = opened.run(inputs)
            again = opened.run(inputs) if opened.tolerance else wanted
            torch.manual_seed(0)
            found = pytree.tree_leaves(model(**inputs))
        if len(wanted) != len(found):
            raise DiffersError(f"{what} gives {len(found)} tensors, the program {len(wanted)}")
        drawn |= {at for at, (one, other) in enumerate(zip(wanted, again, strict=True)) if not torch.equal(one, other)}
        for at, (one, other) in enumerate(zip(wanted, found, strict=True)):
            far = 0.0 if at in drawn else difference(other, one)
            if far > opened.tolerance:
                shapes = ", ".join(f"{key} {tuple(each.shape)}" for key, each in inputs.items())
                raise DiffersError(f"output {at} of {what} differs from the program's by {far:.1e} of its greatest "
                                   f"value, on {shapes}")  # fmt: skip
    return drawn


@contextlib.contextmanager
def _aside(out: Path) -> Iterator[Path]:
    """A folder beside the file that is to be written, gone afterwards."""
    folder = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        folder.mkdir()
    except OSError as error:
        raise OutputError(f"cannot write {out}: {reason(error)}") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _moved(files: Sequence[Path], folder: Path) -> None:
    """Give files their names, all of them or none: what stood there comes back where one cannot."""
    kept: list[tuple[Path, Path | None]] = []
    try:
        for each in files:
            target = folder / each.name
            before = each.with_name(f"{each.name}.before") if target.exists() else None
            if before is not None:
                os.replace(target, before)
            kept.append((target, before))
            os.replace(each, target)
    except OSError as error:
        for target, before in kept:
            target.unlink(missing_ok=True)
            if before is not None:
                os.replace(before, target)
        raise OutputError(f"cannot write {folder / files[-1].name}: {reason(error)}") from error
