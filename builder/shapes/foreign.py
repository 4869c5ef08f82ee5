"""What the code of a layer from Python says when it fails on the meta device, and where."""

from __future__ import annotations

import inspect
import os
import traceback
from pathlib import Path
from typing import Any

import torch

from dsl.catalogue import Entry, from_python
from dsl.catalogue.signatures import PYTHON

_TORCH = str(Path(torch.__file__).parent) + os.sep
_HERE = str(Path(__file__).parent) + os.sep


def comes_from_python(entry: Entry) -> bool:
    return entry.target.startswith(PYTHON)


def objections(entry: Entry, of_torch: tuple[type[Exception], ...]) -> tuple[type[Exception], ...]:
    """What may be raised when a call does not fit: a stranger's code raises anything."""
    return (Exception,) if comes_from_python(entry) else of_torch


def words_for(entry: Entry, error: Exception) -> str:
    """`ValueError: odd width (layers.py:12, in forward)`."""
    said = (str(error).strip().splitlines() or ["no message"])[0]
    frame = _frame(entry, error)
    where = f" ({_short(frame.filename)}:{frame.lineno}, in {frame.name})" if frame else ""
    hint = "; shapes are found on the meta device, where tensors have no numbers" if "meta" in said.lower() else ""
    return f"{type(error).__name__}: {said}{where}{hint}"


def article(made: Any) -> str:
    if made is None:
        return "None"
    name = type(made).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def _frame(entry: Entry, error: Exception) -> traceback.FrameSummary | None:
    """The innermost line of the file that defines the layer; else of what it calls outside torch; else none."""
    frames = traceback.extract_tb(error.__traceback__)
    try:
        file = inspect.getsourcefile(from_python(entry.target).object)
    except TypeError:  # a class without a file
        file = None
    own = [each for each in frames if file and os.path.abspath(each.filename) == os.path.abspath(file)]
    theirs = [each for each in frames if not each.filename.startswith((_TORCH, _HERE))]
    return next(reversed(own or theirs), None)


def _short(file: str) -> str:
    """The path from the working directory, where it is below that."""
    path, here = Path(file), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else file
