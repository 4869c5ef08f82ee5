"""Every kind of source, in the order in which they are tried. A new kind is a new line in KINDS and a file beside this.

Each kind has two faces: `describe` tells the fields without torch and, where the format allows it, from headers alone;
`open_source` reads the samples.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

from builder.data import csvs, declared, digits, fashion, idx, npz
from builder.data.arrays import Arrays
from builder.data.fields import DataError, FieldType, Source
from builder.data.request import Request, existing
from dsl.catalogue.suggestions import suggest

NAMES = ("digits", "fashion-mnist", "fashion-mnist-test", "random")
SUFFIXES = "`.npz`, `.csv`, and IDX files such as train-images-idx3-ubyte.gz"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of source: which requests it takes, and its two faces."""

    takes: Callable[[Request], bool]
    describe: Callable[[Request], tuple[FieldType, ...]]
    open_source: Callable[[Request], Source]


def describe(request: Request) -> tuple[FieldType, ...]:
    """The fields that the source gives, in its order; DataError where it cannot be had. Imports no torch."""
    return _kind(request).describe(request)


def open_source(request: Request) -> Source:
    """The samples; DataError where they cannot be read."""
    return _kind(request).open_source(request)


def is_name(source: object) -> bool:
    """Whether the source is one that is known by name, and so no path."""
    return isinstance(source, str) and source in NAMES


def _named(*names: str) -> Callable[[Request], bool]:
    return lambda request: request.text in names


def _suffixed(pattern: str) -> Callable[[Request], bool]:
    return lambda request: re.search(pattern, PurePath(request.text).name, re.IGNORECASE) is not None


def _table(request: Request) -> bool:
    return not isinstance(request.source, str)


def _read_by(read: Callable[[Request], Arrays]) -> Callable[[Request], Source]:
    def opened(request: Request) -> Source:
        from builder.data.memory import in_memory

        return in_memory(read(request))

    return opened


KINDS = (
    Kind(_named("digits"), digits.describe, _read_by(digits.read)),
    Kind(_named("fashion-mnist", "fashion-mnist-test"), fashion.describe, _read_by(fashion.read)),
    Kind(_named("random"), declared.describe, declared.open_source),
    Kind(_table, idx.describe, _read_by(idx.read)),
    Kind(_suffixed(r"\.npz$"), npz.describe, _read_by(npz.read)),
    Kind(_suffixed(r"\.csv$"), csvs.describe, _read_by(csvs.read)),
    Kind(_suffixed(r"idx\d|ubyte|\.idx(\.gz)?$"), idx.describe, _read_by(idx.read)),
)


def _kind(request: Request) -> Kind:
    for each in KINDS:
        if each.takes(request):
            return each
    raise _unknown(request)


def _unknown(request: Request) -> DataError:
    text = request.text
    looks_like_path = "/" in text or "\\" in text or PurePath(text).suffix != ""
    if text and (looks_like_path or os.path.exists(request.folder / text)):
        existing(request.folder / text)
        return DataError(f"cannot tell what {request.folder / text} holds by its name; what is read: {SUFFIXES}")
    near = suggest(text, NAMES, aliases={})
    hint = f"; did you mean '{near[0]}'?" if near else "."
    error = DataError(f"there is no source '{text}'{hint} Sources are {', '.join(NAMES)}, or files: {SUFFIXES}")
    error.meant = near[0] if near else None
    return error
