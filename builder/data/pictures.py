"""One image file as numbers, through Pillow."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy

from builder.data.arrays import Array
from builder.data.extras import needed
from builder.data.fields import DataError

# What Pillow's readers raise over a broken file.
BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError, struct.error,
          zlib.error, MemoryError)  # fmt: skip
GREY = ("1", "L", "LA", "La")
Shape = tuple[int, int, int]


def shape_of(path: Path, what: str = "") -> Shape:
    """(channels, height, width), from the header alone: 1 channel for grey images, 3 for all others. DataError where
    it is no image. what: a word on the file that messages add."""
    with _opened(path, what) as image:
        return (1 if image.mode in GREY else 3), image.height, image.width


def pixels(path: Path, shape: Shape, what: str = "", *, resized: bool = False) -> Array:
    """The image as bytes, (channels, height, width). Transparency is dropped; of several frames the first is taken.

    resized: bring it to the shape (bilinear, over all pixels that fall together where it becomes smaller; channels
    too). DataError where it is no whole image, or has another shape.
    """
    with _opened(path, what) as image:
        if not resized and (found := (1 if image.mode in GREY else 3, image.height, image.width)) != shape:
            raise DataError(differs(path, found, shape, what))
        made = _converted(image, "L" if shape[0] == 1 else "RGB")
        if made.size != (shape[2], shape[1]):
            made = made.resize((shape[2], shape[1]), needed("PIL.Image", "reading images").Resampling.BILINEAR)
        array = numpy.asarray(made, dtype=numpy.uint8).reshape(shape[1], shape[2], shape[0])
        return numpy.array(array.transpose(2, 0, 1), order="C")


def differs(path: Path, found: Shape, shape: Shape, what: str = "") -> str:
    """What is said of an image that is not as the first one is."""
    return (
        f"{path}{what} is {_text(found)}, but the first image is {_text(shape)}; to bring all to one size and as many "
        f'channels: fields = {{ image = {{ shape = ["N", {shape[0]}, {shape[1]}, {shape[2]}] }} }}'
    )


def _text(shape: Shape) -> str:
    return f"{shape[1]} high and {shape[2]} wide, {'grey' if shape[0] == 1 else 'in colour'}"


def _converted(image: Any, mode: str) -> Any:
    if image.mode in ("P", "PA"):  # a palette may hold transparency, which only RGBA can say
        image = image.convert("RGBA")
    return image.convert(mode)


@contextmanager
def _opened(path: Path, what: str) -> Iterator[Any]:
    library = needed("PIL.Image", "reading images")
    try:
        with warnings.catch_warnings(action="ignore"), library.open(path) as image:  # what it warns of, it then raises
            if image.mode.startswith(("I", "F")):
                raise DataError(
                    f"{path}{what} has more than 8 bits a pixel (mode {image.mode}), which is not read; "
                    "numpy.savez makes an .npz file of such images"
                )
            yield image
    except DataError:
        raise
    except (*BROKEN, library.DecompressionBombError) as error:
        raise DataError(f"{path}{what} is not a sound image: {error}") from error
