"""IDX files, the format of MNIST and Fashion-MNIST, gzipped or not.

Two zero bytes, a byte for the type of the numbers, a byte for the number of dims, each dim as a big-endian unsigned
32-bit integer, and the numbers row by row, big-endian (http://yann.lecun.com/exdb/mnist/).
"""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy

from builder.data.arrays import (
    Array,
    Arrays,
    check_same_fields,
    concatenated,
    converted,
    is_image,
    picked,
    picked_fields,
    stored_type,
)
from builder.data.fields import DataError, FieldType
from builder.data.request import Request, existing, paths, reading

TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
PIECE = 2**24
LARGEST = 2**40  # bytes; more than any file that a person would load whole


@dataclass(frozen=True, slots=True)
class Header:
    """What an IDX file says of itself: dtype in numpy's letters, shape with the samples first."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def body(self) -> int:
        """Bytes that must follow the header."""
        return math.prod(self.shape) * numpy.dtype(self.dtype).itemsize


def describe(request: Request) -> tuple[FieldType, ...]:
    """From the files' headers alone."""
    together = [(next(iter(files.values())), _described(files)) for files in _file_tables(request)]
    for path, fields in together[1:]:
        check_same_fields(*together[0], path, fields)
    return picked_fields(together[0][1], request.fields)


def read(request: Request) -> Arrays:
    """Every field of every file."""
    tables = _file_tables(request)
    return picked(concatenated([(next(iter(files.values())), read_files(files)) for files in tables]), request.fields)


def read_files(files: Mapping[str, Path], bounds: Mapping[str, tuple[int, int]] | None = None) -> Arrays:
    """A file for each field, samples side by side; `bounds` adds what is known of a field's values, [low, high)."""
    fields = list(_described(files))
    values: dict[str, Array] = {}
    divisors: dict[str, int] = {}
    for place, (each, path) in enumerate(zip(fields, files.values(), strict=True)):
        array, divisor = converted(read_array(path), each, path)
        values[each.name] = array.reshape(len(array), *each.shape)
        if divisor is not None:
            divisors[each.name] = divisor
        if bounds and each.name in bounds:
            low, high = bounds[each.name]
            fields[place] = replace(each, low=low, high=high)
    return Arrays(fields=tuple(fields), values=values, divisors=divisors)


def read_array(path: Path) -> Array:
    """The numbers of one file in the machine's own byte order."""
    with reading(path), closing(_stream(path)) as file:
        header = _header(file, path)
        body = _body(file, header, path)
    if len(body) < header.body:
        raise DataError(f"{path} is cut short: {len(body)} of {header.body} bytes follow its header")
    if len(body) > header.body:
        raise DataError(f"{path} has more bytes than its header says ({header.body})")
    array = numpy.frombuffer(body, dtype=header.dtype).reshape(header.shape)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def read_header(path: Path) -> Header:
    """The header of one file; of one that is not gzipped, the length is checked too."""
    with reading(path), closing(_stream(path)) as file:
        header = _header(file, path)
        start, size = file.tell(), path.stat().st_size
    if path.suffix != ".gz" and size < start + header.body:
        raise DataError(f"{path} is cut short: {size - start} of {header.body} bytes follow its header")
    return header


def labels_beside(images: Path) -> Path:
    """The labels of an images file: the same name with `labels` for `images` and `idx1` for `idx3`."""
    if "images" not in images.name:
        raise DataError(
            f"cannot tell the labels of {images}, as its name has no 'images'; "
            'name both: source = { image = "...", target = "..." }'
        )
    both = label_names(images)
    for each in both:
        if os.path.isfile(each):
            return each
    raise DataError(f"the labels of {images} are missing: there is no file {both[0]}")


def label_names(images: Path) -> tuple[Path, Path]:
    """Where the labels may lie: gzipped as the images are, or the other way."""
    labels = images.with_name(images.name.replace("images", "labels").replace("idx3", "idx1"))
    other = labels.with_suffix("") if labels.suffix == ".gz" else labels.with_name(labels.name + ".gz")
    return labels, other


def _file_tables(request: Request) -> Sequence[Mapping[str, Path]]:
    if isinstance(request.source, str):
        return [{"image": each, "target": labels_beside(each)} for each in paths(request)]
    if not request.source:
        raise DataError('the source names no file; name one for each field: source = { image = "...", target = "..." }')
    return [{name: existing(request.folder / each) for name, each in request.source.items()}]


def _described(files: Mapping[str, Path]) -> tuple[FieldType, ...]:
    headers = {name: read_header(path) for name, path in files.items()}
    (first, header), *others = headers.items()
    if header.shape[0] == 0:
        raise DataError(f"{files[first]} holds no samples")
    for name, other in others:
        if other.shape[0] != header.shape[0]:
            raise DataError(f"{files[first]} holds {header.shape[0]} samples, but {files[name]} holds {other.shape[0]}")
    return tuple(_field(name, header) for name, header in headers.items())


def _field(name: str, header: Header) -> FieldType:
    dtype = numpy.dtype(header.dtype)
    made = stored_type(name, dtype.kind, dtype.itemsize, header.shape)
    assert made is not None  # every type in TYPES is a number
    if is_image(dtype.kind, dtype.itemsize, header.shape) and len(header.shape) == 3:
        return replace(made, shape=(1, *made.shape))  # grey images have one channel
    return made


def _stream(path: Path) -> BinaryIO | gzip.GzipFile:
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")


def _header(file: BinaryIO | gzip.GzipFile, path: Path) -> Header:
    start = _taken(file, 4, path)
    if len(start) < 4:
        raise DataError(f"{path} is cut short: it ends within its header")
    if start[:2] != b"\0\0" or start[2] not in TYPES or start[3] == 0:
        raise DataError(f"{path} is not an IDX file: it starts with the bytes {start.hex(' ')}")
    dims = _taken(file, 4 * start[3], path)
    if len(dims) < 4 * start[3]:
        raise DataError(f"{path} is cut short: it ends within its header")
    header = Header(TYPES[start[2]], struct.unpack(f">{start[3]}I", dims))
    if start[3] > 32 or header.body > LARGEST:
        raise DataError(f"{path} says that it holds {' x '.join(map(str, header.shape))} numbers, which cannot be")
    return header


def _body(file: BinaryIO | gzip.GzipFile, header: Header, path: Path) -> bytearray:
    """What follows the header, at most a byte more than it should be; piece by piece, so that a header that lies about
    sizes takes no memory."""
    body = bytearray()
    while len(body) <= header.body and (piece := _taken(file, min(PIECE, header.body + 1 - len(body)), path)):
        body += piece
    return body


def _taken(file: BinaryIO | gzip.GzipFile, count: int, path: Path) -> bytes:
    try:
        return file.read(count)
    except EOFError as error:
        raise DataError(f"{path} is cut short: its gzip stream breaks off") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is not a sound gzip file: {error}") from error
