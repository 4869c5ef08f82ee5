"""Small data files, written by hand and not by the code under test."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy

from builder import data

CODES = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}


def idx_bytes(values: object, dtype: str = "u1") -> bytes:
    """An IDX file as the format's page says."""
    array = numpy.asarray(values, dtype=">" + dtype)
    return bytes([0, 0, CODES[dtype], array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    return path


def request(folder: Path, source: object, **settings: object) -> data.Request:
    return data.Request(source=source, folder=folder, **settings)


def opened(folder: Path, source: object, **settings: object) -> data.Source:
    """The source, once both of its faces have said the same of its fields' names, shapes and dtypes."""
    asked = request(folder, source, **settings)
    source_ = data.open_source(asked)
    assert source_.fields == data.describe(asked)
    return source_


def complaint(folder: Path, source: object, **settings: object) -> str:
    """What is said of a source that is at fault."""
    asked = request(folder, source, **settings)
    try:
        data.open_source(asked)
    except data.DataError as error:
        return str(error)
    raise AssertionError("nothing was said")
