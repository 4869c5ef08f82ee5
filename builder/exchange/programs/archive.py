"""A `.pt2` file is looked through before torch reads it: what it says may hang on nothing but numbers and known names.

torch.export.load would unpickle, and run what is hidden in sizes, guards and names. What comes from somebody else is
taken apart here: pickles and compressed parts are refused, program_text.py makes the program's text harmless, and torch
gets a file that was written anew of it, with the parts that a program needs and no other.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Final

import torch
from torch.export import ExportedProgram
from torch.export.pt2_archive._package import load_pt2  # torch.export.load keeps to itself what was wrong

from builder.exchange.programs.opened import ProgramError
from builder.exchange.programs.program_text import check_name, json_of, sound

_PARTS: Final = 100_000
# What torch gets of an archive. It would unpickle `data/weights/model.pt`, which old versions wrote, and parts called
# `opaque_obj_0` and `custom_obj_0`.
_NEEDED: Final = re.compile(r"models/model\.json|data/sample_inputs/model\.pt|data/(weights|constants)/model_\1_config"
                            r"\.json|data/weights/weight_\d+|data/constants/tensor_\d+|archive_format|archive_version|"
                            r"byteorder|\.data/(version|serialization_id)", re.ASCII)  # fmt: skip
_TENSORS: Final = {"weights": re.compile(r"weight_\d+", re.ASCII), "constants": re.compile(r"tensor_\d+", re.ASCII)}
_FAILURES = (RuntimeError, ValueError, TypeError, KeyError, AttributeError, AssertionError, IndexError, OSError,
             NotImplementedError, OverflowError, RecursionError)  # fmt: skip


def open_program(path: Path) -> tuple[ExportedProgram, Any]:
    """The program and its example inputs, (args, kwargs), or None where the file has none. Raises ProgramError."""
    try:
        if not path.is_file() and path.exists():
            raise ProgramError(f"cannot read {path}: it is no file")
        size = path.stat().st_size
        with zipfile.ZipFile(path) as archive:
            parts = _parts(path, archive, size)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, UnicodeDecodeError) as error:
        raise ProgramError(f"{path} is no .pt2 file, or cut short: {error}") from error
    except OSError as error:
        raise ProgramError(f"cannot read {path}: {error.strerror or error}") from error
    examples = _examples(parts.pop("data/sample_inputs/model.pt", b""))
    parts["models/model.json"] = sound(path, parts["models/model.json"])
    _check_weights(path, parts)
    parts["data/sample_inputs/model.pt"] = _saved(((), {}))
    try:
        with quietly():
            return load_pt2(_written(parts)).exported_programs["model"], examples
    except Exception as error:  # whatever torch's reader raises over a text that is not sound
        raise ProgramError(f"{path}: torch.export does not read it: {first_line(error)}") from error


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Without torch's warnings, and without what its logs say of a program that it cannot read."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def first_line(error: BaseException) -> str:
    """What an exception says, or what it came of, in a line: torch puts whole nodes into what it says itself."""
    while error.__cause__ is not None:
        error = error.__cause__
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _parts(path: Path, archive: zipfile.ZipFile, size: int) -> dict[str, bytes]:
    """The parts that a program needs, by their names below the archive's own folder."""
    listed = archive.infolist()
    if len(listed) > _PARTS:
        raise ProgramError(f"{path} has {len(listed)} parts, which no program needs")
    if sum(each.file_size for each in listed) > size or any(each.compress_type for each in listed):
        raise ProgramError(f"{path} has compressed parts; torch.export.save writes none")
    parts: dict[str, bytes] = {}
    for each in listed:
        name = each.filename.partition("/")[2]
        if name.startswith("models/") and name != "models/model.json":
            raise ProgramError(f"{path} holds a model called {name[7:].removesuffix('.json')}; one, `model`, is read")
        if re.fullmatch(r"data/(weights|constants)/(model\.pt|(custom|opaque)_obj_.*)", name, re.DOTALL):
            raise ProgramError(f"{path}: {name!r} is a pickle, which could run code when it is read")
        if each.flag_bits & 1:
            raise ProgramError(f"{path} has encrypted parts; torch.export.save writes none")
        if _NEEDED.fullmatch(name):
            parts[name] = archive.read(each)
    for name in ("models/model.json", "data/weights/model_weights_config.json"):
        if name not in parts:
            raise ProgramError(f"{path} is no .pt2 file of torch 2.9 or later: it has no {name}")
    return parts


def _check_weights(path: Path, parts: dict[str, bytes]) -> None:
    """Tensors as plain bytes alone, none larger than what is there of it."""
    for kind, called in _TENSORS.items():
        part = f"data/{kind}/model_{kind}_config.json"
        config = json_of(path, part, parts.get(part)).get("config")
        if not isinstance(config, dict):
            raise ProgramError(f"{path}: {part} is not what torch.export.save writes")
        for name, each in config.items():
            check_name(path, name)
            if not isinstance(each, dict) or each.get("use_pickle") is not False:
                raise ProgramError(f"{path}: {name} is a pickle, which could run code when it is read")
            place = str(each.get("path_name"))
            if not called.fullmatch(place):
                raise ProgramError(f"{path}: {name} is in {place[:60]!r}, which is no tensor's part")
            _check_tensor(path, name, each.get("tensor_meta"), parts.get(f"data/{kind}/{place}"))


def _check_tensor(path: Path, name: str, meta: Any, content: bytes | None) -> None:
    if content is None or not isinstance(meta, dict) or not isinstance(meta.get("sizes"), list):
        raise ProgramError(f"{path}: there are no numbers of {name}")
    count = 1
    for size in meta["sizes"]:
        number = size.get("as_int") if isinstance(size, dict) else None
        if not isinstance(number, int) or number < 0:
            raise ProgramError(f"{path}: {name} has a size that is no number")
        count *= number
    if count and not content:
        raise ProgramError(f"{path}: there are no numbers of {name}")


def _examples(content: bytes) -> Any:
    """The example inputs, read as tensors and nothing else; None where they are something else."""
    if not content:
        return None
    try:
        return torch.load(io.BytesIO(content), weights_only=True)
    except (*_FAILURES, UnpicklingError, EOFError, MemoryError):
        return None


def _saved(value: Any) -> bytes:
    content = io.BytesIO()
    torch.save(value, content)
    return content.getvalue()


def _written(parts: dict[str, bytes]) -> io.BytesIO:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name, each in parts.items():
            archive.writestr(f"program/{name}", each)
    content.seek(0)
    return content
