"""Writing files so that a reader never sees half of one."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO


class OutputError(Exception):
    """Something could not be written: the folder is not there or read-only, the disk is full. A plain sentence."""


def write_aside(path: Path, write: Callable[[BinaryIO], None], *, keep: Path | None = None) -> None:
    """Write beside `path`, flush to the disk, then rename: `path` holds the old content or all of the new.

    keep: where the old content then stands; what was there before goes only once the new one is on the disk.

    `write` gets a binary file. What it raises is passed on (torch reports a full disk as RuntimeError); an OSError
    becomes an `OutputError` that names the path. The temporary file never stays behind.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".aside")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {reason(error)}") from error
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(aside, 0o666 & ~_umask())
        if keep is not None and path.exists():
            _keep(path, keep)
        os.replace(aside, path)
        _flush_folder(path.parent)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {reason(error)}") from error
    finally:
        Path(aside).unlink(missing_ok=True)


@contextlib.contextmanager
def replacing(path: Path, suffix: str = "") -> Iterator[Path]:
    """A place beside `path` for a file that another library writes, which becomes `path` at the end if nothing was
    raised; what was there before stays otherwise. Raises OutputError for an OSError."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.aside{suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield aside
        os.replace(aside, path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {reason(error)}") from error
    finally:
        aside.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """`write_aside` for what is at hand as a whole."""
    write_aside(path, lambda file: _ignore(file.write(content)))


def write_text(path: Path, text: str) -> None:
    """`write_aside` for text: UTF-8, line ends as they stand."""
    write_bytes(path, text.encode())


def reason(error: OSError) -> str:
    """The system's own words for an error, without number and path: "No space left on device"."""
    return error.strerror or str(error)


def _keep(path: Path, keep: Path) -> None:
    """Give the file a second name, so that it is never without one; where a file has one name only, that name."""
    keep.unlink(missing_ok=True)
    try:
        os.link(path, keep)
    except OSError:  # a file system without links
        os.replace(path, keep)


def _ignore(_: object) -> None:
    return None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _flush_folder(folder: Path) -> None:
    """A rename is on the disk only once its folder is (POSIX); other systems cannot open a folder and need not."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
