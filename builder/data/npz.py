"""`.npz` files, as numpy.savez and numpy.savez_compressed write them: each array is a field, in the file's order.

Floats become float32 and integers int64; uint8 arrays in three or more dims are images and become float32 in [0, 1];
truth values stay. Shapes stay as they are. Nothing is unpickled.
"""

from __future__ import annotations

import lzma
import math
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy

from builder.data.arrays import Arrays, check_same_fields, concatenated, converted, picked, picked_fields, stored_type
from builder.data.fields import DataError, FieldType
from builder.data.request import Request, paths, reading

# What zipfile, its unpackers and numpy raise over a broken file; a seek to nowhere is an OSError.
BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, ValueError, OSError)


@dataclass(frozen=True, slots=True)
class Member:
    """One array in the archive, from its header: the field it becomes, and how many samples it has."""

    info: zipfile.ZipInfo
    field: FieldType
    samples: int


def describe(request: Request) -> tuple[FieldType, ...]:
    """From the arrays' headers alone."""
    together = [(path, _described(path)) for path in paths(request)]
    for path, fields in together[1:]:
        check_same_fields(*together[0], path, fields)
    return picked_fields(together[0][1], request.fields)


def read(request: Request) -> Arrays:
    """Every array of every file."""
    return picked(concatenated([(path, _read_file(path)) for path in paths(request)]), request.fields)


def _described(path: Path) -> tuple[FieldType, ...]:
    with _archive(path) as archive:
        return tuple(member.field for member in _members(archive, path))


def _read_file(path: Path) -> Arrays:
    values, divisors = {}, {}
    with _archive(path) as archive:
        members = _members(archive, path)
        for member in members:
            with archive.open(member.info) as file:
                array = numpy.lib.format.read_array(file, allow_pickle=False)
            values[member.field.name], divisor = converted(array, member.field, path)
            if divisor is not None:
                divisors[member.field.name] = divisor
    return Arrays(fields=tuple(member.field for member in members), values=values, divisors=divisors)


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """The open archive; what zip and numpy say of a broken one becomes a DataError."""
    with reading(path):
        file = path.open("rb")
    try:
        with file, zipfile.ZipFile(file) as archive:
            yield archive
    except DataError:
        raise
    except MemoryError as error:
        raise DataError(f"{path} does not fit into memory: {error}") from error
    except BROKEN as error:
        raise DataError(f"{path} is not a sound .npz file: {error}") from error


def _members(archive: zipfile.ZipFile, path: Path) -> list[Member]:
    names = archive.namelist()
    if not names or len(set(names)) < len(names):
        raise DataError(f"{path} holds {'an array twice' if names else 'no arrays'}")
    members = [_member(archive, info, path) for info in archive.infolist()]
    first = members[0]
    for each in members:
        if each.samples != first.samples:
            raise DataError(
                f"{path}: '{each.field.name}' has {each.samples} samples, but '{first.field.name}' has {first.samples}"
            )
    if first.samples == 0:
        raise DataError(f"{path} holds no samples")
    return members


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> Member:
    name = info.filename.removesuffix(".npy")
    if info.flag_bits & 1:
        raise DataError(f"{path}: '{name}' is encrypted")
    with archive.open(info) as file:
        shape, dtype = _header(file)
        start = file.tell()
    field = stored_type(name, dtype.kind, dtype.itemsize, shape)
    if field is None:
        what = "pickled Python objects, which are not loaded" if dtype.hasobject else f"{dtype}, which is not numbers"
        raise DataError(f"{path}: '{name}' holds {what}")
    if not shape:
        raise DataError(f"{path}: '{name}' is a single number; an array with a sample for each row is wanted")
    if info.file_size != start + math.prod(shape) * dtype.itemsize:
        raise DataError(f"{path}: '{name}' is cut short, or longer than its header says")
    return Member(info, field, shape[0])


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], numpy.dtype[Any]]:
    version = numpy.lib.format.read_magic(file)
    if version == (1, 0):
        shape, _, dtype = numpy.lib.format.read_array_header_1_0(file)
    else:
        shape, _, dtype = numpy.lib.format.read_array_header_2_0(file)
    return shape, dtype
