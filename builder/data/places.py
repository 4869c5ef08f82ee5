"""Where a source's files lie."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path, PurePath

from builder.data.folders import links
from builder.data.idx import label_names
from builder.data.request import Request, SourceText, is_glob
from builder.data.sources import is_name


def absolute(source: SourceText, folder: Path) -> SourceText:
    """The same source with every path absolute, so that it means the same from any folder."""
    if isinstance(source, str):
        return source if is_name(source) else str((folder / source).absolute())
    return {name: str((folder / each).absolute()) for name, each in source.items()}


def outside(request: Request, roots: Sequence[Path]) -> Path | None:
    """The first path of a source that lies below none of the roots, links followed; None if all lie below one, or the
    source is known by name. Reads no file, and lists folders only below the roots."""
    if is_name(request.source):
        return None
    allowed = [_real(root) for root in roots]
    texts = [request.text] if isinstance(request.source, str) else list(request.source.values())
    for path in (path for text in texts for path in _touched(text, request.folder)):
        if not any(_real(path).is_relative_to(root) for root in allowed):
            return path
    return None


def _touched(text: str, folder: Path) -> Iterator[Path]:
    """The path, or where a pattern starts and then what it matches; beside each the labels that go with images."""
    if "\0" in text:
        return  # no file has such a name, so none will be read
    if is_glob(text, folder):
        yield folder.joinpath(*takewhile(lambda part: not glob.has_magic(part), PurePath(text).parts))
        matches = [folder / match for match in glob.iglob(text, root_dir=folder, recursive=True)]
    else:
        matches = [folder / text]
    for each in matches:
        yield each
        if os.path.isdir(each):  # False for a name that is too long, too
            yield from links(each)
        if "images" in each.name:
            yield from label_names(each)


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
