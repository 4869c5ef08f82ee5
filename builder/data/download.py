"""Files from the network: of bounded size, checked by digest, written aside and renamed, and kept."""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from builder.data.fields import DataError
from builder.data.request import reading
from builder.files import reason, write_aside

TIMEOUT = 30.0  # seconds without a byte
LARGEST = 64 * 2**20  # bytes a file
CHUNK = 2**16


@dataclass(frozen=True, slots=True)
class Remote:
    """A file by its name below the base address, and its MD5 (against damage, not against malice)."""

    name: str
    md5: str


def obtain(files: Sequence[Remote], base: str, folder: Path, timeout: float = TIMEOUT) -> list[Path]:
    """The files, whole and checked, in `folder`: those that are there already, the others downloaded from `base`.

    DataError where one cannot be had, with what to do about it; OutputError where the folder cannot be written.
    """
    return [_obtain(each, files, base, folder, timeout) for each in files]


def cache_folder(name: str) -> Path:
    """Where downloads are kept: below $TOMOGRAPH_CACHE, else $XDG_CACHE_HOME/tomograph, else ~/.cache/tomograph."""
    own, shared = os.environ.get("TOMOGRAPH_CACHE"), os.environ.get("XDG_CACHE_HOME")
    if own:
        return Path(own) / name
    return (Path(shared) if shared else Path("~/.cache").expanduser()) / "tomograph" / name


def _obtain(remote: Remote, together: Sequence[Remote], base: str, folder: Path, timeout: float) -> Path:
    path = folder / remote.name
    if path.is_file() and _digest(path) == remote.md5:
        return path
    try:
        write_aside(path, lambda file: _download(base, remote, file, timeout))
    except DataError as error:
        wanted = ", ".join(each.name for each in together)
        damaged = f" ({path} is there, but damaged)" if path.is_file() else ""
        raise DataError(
            f"{error}{damaged}. Put {wanted} into {folder} by hand, or name a place that has them in "
            "TOMOGRAPH_FASHION_MNIST_URL"
        ) from error
    return path


def _download(base: str, remote: Remote, file: BinaryIO, timeout: float) -> None:
    url = f"{base.rstrip('/')}/{remote.name}"
    try:
        with urllib.request.urlopen(url, timeout=timeout) as response:
            promised = response.headers.get("Content-Length")
            size, digest = _copy(response, file, url)
    except urllib.error.HTTPError as error:
        error.close()
        raise DataError(f"cannot download {url}: the server says {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        why = reason(error.reason) if isinstance(error.reason, OSError) else str(error.reason)
        raise DataError(f"cannot download {url}: {why}") from error
    except (TimeoutError, ConnectionError, http.client.HTTPException, ValueError) as error:
        raise DataError(f"cannot download {url}: {error}") from error
    if promised is not None and promised.isdigit() and size < int(promised):
        raise DataError(f"cannot download {url}: it broke off after {size} of {promised} bytes")
    if digest != remote.md5:
        raise DataError(f"cannot use {url}: its MD5 is {digest}, not {remote.md5}")


def _copy(response: http.client.HTTPResponse, file: BinaryIO, url: str) -> tuple[int, str]:
    """Bytes and MD5 of what came."""
    size, digest = 0, hashlib.md5(usedforsecurity=False)
    while chunk := response.read(CHUNK):
        size += len(chunk)
        if size > LARGEST:
            raise DataError(f"cannot download {url}: it is larger than {LARGEST} bytes")
        digest.update(chunk)
        file.write(chunk)
    return size, digest.hexdigest()


def _digest(path: Path) -> str:
    with reading(path), path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
