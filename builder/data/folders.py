"""What lies in a folder of images: files, and a class for each sub-folder. Nothing is opened."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.data.fields import DataError
from builder.data.request import reading

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")


@dataclass(frozen=True, slots=True)
class Folder:
    """files: in the order of their classes, then of their names. targets: the class of each, an index into `classes`;
    both empty for a folder that has its images in it directly."""

    path: Path
    files: tuple[Path, ...]
    classes: tuple[str, ...] = ()
    targets: tuple[int, ...] = ()


def listed(path: Path, classes: Sequence[str] | None = None) -> Folder:
    """The images below a folder. Names that start with a dot and files that are no images by their suffix are left out.

    classes: those of the training data, where the folder is opened beside it: a class must be among them, and the
    folder may lack some.
    """
    with reading(path):
        entries = sorted(each for each in os.listdir(path) if not each.startswith("."))
    folders = [each for each in entries if (path / each).is_dir()]
    images = tuple(path / each for each in entries if _is_image(each) and not (path / each).is_dir())
    found = {each: tuple(_below(path / each)) for each in folders}
    if images and any(found.values()):
        raise DataError(
            f"{path} holds images beside folders of images; it has either images or a folder for each class"
        )
    if images:
        return Folder(path, images)
    if not any(found.values()):
        raise DataError(f"{path} is a folder without images ({' '.join(SUFFIXES)}); files of it are {path / '*.npz'}")
    return _classified(path, found, tuple(classes) if classes else tuple(found))


def links(path: Path) -> Iterator[Path]:
    """The links below a folder, which may lead elsewhere."""
    for where, folders, files in os.walk(path):
        yield from (each for name in (*folders, *files) if (each := Path(where, name)).is_symlink())


def _classified(path: Path, found: dict[str, tuple[Path, ...]], classes: tuple[str, ...]) -> Folder:
    files: list[Path] = []
    targets: list[int] = []
    for name, members in found.items():
        if not members:
            raise DataError(f"{path / name} is the folder of a class, but holds no images")
        if name not in classes:
            raise DataError(f"{path / name} is no class of the training data, which has {', '.join(classes)}")
        files += members
        targets += [classes.index(name)] * len(members)
    return Folder(path, tuple(files), classes, tuple(targets))


def _below(path: Path) -> Iterator[Path]:
    """Images in a class's folder, in folders of it too. A link to a folder is followed only where it is the class."""
    with reading(path):
        for where, folders, files in os.walk(path):
            folders[:] = sorted(each for each in folders if not each.startswith("."))
            yield from (Path(where, each) for each in sorted(files) if _is_image(each) and not each.startswith("."))


def _is_image(name: str) -> bool:
    return name.casefold().endswith(SUFFIXES)
