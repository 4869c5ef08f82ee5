"""Files of tensors and plain values that carry a SHA-256 of themselves, so that no flipped or missing bit is read.

Such a file is what `torch.save` writes, a zip, whose comment is the digest of all bytes before the comment. Whatever
reads a file of torch reads it, and no kill can come between a file and its digest.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Final

import torch
from torch import Tensor

from builder.files import OutputError, reason, write_aside
from builder.training.errors import CheckpointError

_END: Final = 22  # bytes of the record that ends a zip without a comment; its last two are the comment's length
_MARK: Final = b"sha256:"
_COMMENT: Final = len(_MARK) + 64
_SEAL: Final = _COMMENT.to_bytes(2, "little") + _MARK  # what stands before the 64 digits
NOT_WHOLE: Final = "is not a whole checkpoint: it is cut, damaged or something else"
_CHUNK: Final = 1 << 20
# What torch.load and zipfile raise on bytes that are cut, damaged or hostile; found by trying them.
DAMAGED = (
    pickle.UnpicklingError, zipfile.BadZipFile, RuntimeError, EOFError, ValueError, KeyError, IndexError, TypeError,
    AttributeError, AssertionError, OverflowError, NotImplementedError, MemoryError, struct.error,
)  # fmt: skip


def write(path: Path, payload: dict[str, Any], *, keep: Path | None = None) -> None:
    """Write it whole or not at all. keep: where the file that it takes the place of is kept. Raises OutputError, with
    the bytes that it takes; what stood at `path` then still stands."""
    try:
        write_aside(path, lambda file: _save(payload, file), keep=keep)
    except OutputError as error:
        raise OutputError(f"{error} (the checkpoint takes {size_of(payload):,} bytes)") from error


def read(path: Path) -> tuple[dict[str, Any], bool]:
    """(What the file holds, on the CPU; whether it carries its digest, and fits it). Raises CheckpointError for a file
    that is damaged, cut, no dictionary, or more than tensors and plain values: nothing in it is run."""
    try:
        sealed = _check_digest(path)
        _check_records(path, sums=not sealed)
        payload = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {reason(error)}") from error
    except pickle.UnpicklingError as error:
        raise CheckpointError(f"{path} is refused: it holds more than tensors and plain values") from error
    except DAMAGED as error:
        raise CheckpointError(f"{path} {NOT_WHOLE}") from error
    if not isinstance(payload, dict):
        raise CheckpointError(f"{path} is not a checkpoint: it holds a {type(payload).__name__}")
    return payload, sealed


def size_of(values: Any) -> int:
    """Bytes of all tensors in dictionaries, lists and tuples, however deep."""
    if isinstance(values, Tensor):
        return values.nbytes
    inner = values.values() if isinstance(values, dict) else values if isinstance(values, (list, tuple)) else ()
    return sum(size_of(each) for each in inner)


class _Sealing:
    """A file for torch.save that works out the digest on the way, and holds back the end of the zip until `seal`.

    error: the system's, which torch turns into a RuntimeError without words.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._end = b""
        self.error: OSError | None = None

    def write(self, data: memoryview) -> int:
        if len(data) < _END:
            joined = self._end + bytes(data)
            self._put(joined[:-_END])
            self._end = joined[-_END:]
        else:
            self._put(self._end)
            self._put(data[:-_END])
            self._end = bytes(data[-_END:])
        return len(data)

    def flush(self) -> None:
        self._noting(self._file.flush)

    def seal(self) -> None:
        self._put(self._end[:-2])
        self._put(_SEAL)
        digits = self._digest.hexdigest().encode()
        self._noting(lambda: self._file.write(digits))

    def _put(self, data: bytes | memoryview) -> None:
        self._noting(lambda: self._file.write(data))
        self._digest.update(data)

    def _noting(self, work: Callable[[], object]) -> None:
        try:
            work()
        except OSError as error:
            self.error = error
            raise


def _save(payload: dict[str, Any], file: BinaryIO) -> None:
    sealing = _Sealing(file)
    try:
        torch.save(payload, sealing)  # type: ignore[arg-type]  # it asks for write and flush alone
    except RuntimeError:
        if sealing.error is None:
            raise
        raise sealing.error from None
    sealing.seal()


def _check_digest(path: Path) -> bool:
    """Whether the file carries a digest. Raise BadZipFile where it does and does not fit it."""
    with open(path, "rb") as file:
        left = max(os.fstat(file.fileno()).st_size - 64, 0)
        digest, last = hashlib.sha256(), b""
        while left:
            chunk = file.read(min(_CHUNK, left))
            if not chunk:
                break
            digest.update(chunk)
            left, last = left - len(chunk), (last + chunk)[-len(_SEAL) :]
        if last != _SEAL:
            return False
        if file.read() != digest.hexdigest().encode():
            raise zipfile.BadZipFile("the file does not fit its digest")
        return True


def _check_records(path: Path, *, sums: bool) -> None:
    """Raise BadZipFile unless the file is a zip of uncompressed records (as torch writes them) that, where `sums`, fit
    their CRC-32 sums."""
    with zipfile.ZipFile(path) as archive:
        if any(each.compress_type != zipfile.ZIP_STORED for each in archive.infolist()):
            raise zipfile.BadZipFile("compressed")
        if sums and archive.testzip() is not None:
            raise zipfile.BadZipFile("a record does not fit its sum")
