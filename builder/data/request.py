"""What is asked for, and the files that it means."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from builder.data.fields import DataError, FieldType
from builder.files import reason

# A name, a path, a glob; or a table: a field's name -> its IDX file.
SourceText: TypeAlias = str | Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A source as the spec or the command line asks for it.

    folder: what relative paths start from.
    fields: our name = the source's, or for .csv a list of columns; only these are then taken, in this order.
    classes: by field, the texts of the classes in their order. Give those of the training data when another file is
        opened beside it, or the same text would get another number.
    declarations: of `random` the fields; of a folder of images what the image is brought to.
    samples, seed, sizes: for `random` alone; sizes are those of the free names in declarations.
    """

    source: SourceText
    folder: Path
    fields: Mapping[str, str | Sequence[str]] | None = None
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    declarations: tuple[FieldType, ...] = ()
    samples: int = 1000
    seed: int = 0
    sizes: Mapping[str, int] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The source where it is text, and "" where it is a table."""
        return self.source if isinstance(self.source, str) else ""


def paths(request: Request) -> tuple[Path, ...]:
    """The files that a text names, in the order of their names: one, or those that a glob matches. Each is there."""
    text, folder = request.text, request.folder
    if "\0" in text or not is_glob(text, folder):
        return (existing(folder / text),)
    found = sorted(glob.glob(text, root_dir=folder, recursive=True))
    if not found:
        raise DataError(f"no file matches {folder / text}")
    return tuple(existing(folder / each) for each in found)


def is_glob(text: str, folder: Path) -> bool:
    """Whether the text is a pattern; a file that is there under just this name is not."""
    return glob.has_magic(text) and not os.path.isfile(folder / text)


def existing(path: Path) -> Path:
    """The path, if a file is there."""
    if "\0" in str(path):
        raise DataError(f"no file can be called {str(path)!r}")
    with reading(path):
        try:
            mode = path.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            raise DataError(f"there is no file {path}") from None
    if stat.S_ISDIR(mode):
        raise DataError(f"{path} is a folder; a file is wanted, or its files: {path / '*.npz'}")
    if not stat.S_ISREG(mode):
        raise DataError(f"{path} is not a plain file")
    return path


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """The system's objections to reading a file, as a DataError that names it."""
    try:
        yield
    except OSError as error:
        raise DataError(f"cannot read {path}: {reason(error)}") from error
