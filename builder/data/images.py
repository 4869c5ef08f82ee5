"""A folder of images: `image` (float32 in [0, 1], (channels, height, width)), and `target` where each class has a
sub-folder. Small sets are read whole; of others each image is read when it is asked for."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, cast

import numpy

from builder.data.arrays import Array, Arrays, picked, picked_fields
from builder.data.extras import needed
from builder.data.fields import DataError, FieldType, Source
from builder.data.folders import Folder, listed
from builder.data.pictures import Shape, differs, pixels, shape_of
from builder.data.request import Request, reading

if TYPE_CHECKING:
    from builder.data.streamed import ImageSource

LOOKED_AT = 1000  # headers, evenly over the folder; each image is checked again when it is read
SMALL = 2**29  # bytes of pixels that are kept in memory


def takes(request: Request) -> bool:
    text = request.text
    return "\0" not in text and text != "" and (text.endswith(("/", os.sep)) or os.path.isdir(request.folder / text))


def describe(request: Request) -> tuple[FieldType, ...]:
    """From the files' headers."""
    folder = _folder(request)
    return picked_fields(_fields(folder, _shape(request, folder), _name(request)), request.fields)


def open_source(request: Request) -> Source:
    """The images in memory where they are few, else a source that reads them one by one."""
    folder = _folder(request)
    shape, name = _shape(request, folder), _name(request)
    fields = _fields(folder, shape, name)
    if len(folder.files) * math.prod(shape) > SMALL:
        from builder.data.streamed import ImageSource

        streamed: ImageSource = ImageSource(folder, shape, fields, request.fields, resized=bool(request.declarations))
        return streamed
    from builder.data.memory import in_memory

    source = in_memory(picked(_read(folder, shape, fields, resized=bool(request.declarations)), request.fields))
    source.files = tuple(str(each) for each in folder.files)
    return source


def _read(folder: Folder, shape: Shape, fields: tuple[FieldType, ...], *, resized: bool) -> Arrays:
    images = numpy.empty((len(folder.files), *shape), dtype=numpy.uint8)
    for index, path in enumerate(folder.files):
        images[index] = pixels(path, shape, f" (sample {index})", resized=resized)
    values: list[Array] = [images, numpy.array(folder.targets, dtype=numpy.int64)]
    held = {each.name: array for each, array in zip(fields, values, strict=False)}
    return Arrays(fields=fields, values=held, divisors={fields[0].name: 255})


def _folder(request: Request) -> Folder:
    path = request.folder / request.text
    with reading(path):
        if not os.path.isdir(path):
            raise DataError(f"there is no folder {path}")
    folder = listed(path, next(iter(request.classes.values()), None))
    needed("PIL.Image", "reading images")
    return folder


def _fields(folder: Folder, shape: Shape, name: str) -> tuple[FieldType, ...]:
    image = FieldType(name, shape)
    if not folder.classes:
        return (image,)
    return image, FieldType("target", (), "int64", 0, len(folder.classes), folder.classes)


def _name(request: Request) -> str:
    return request.declarations[0].name if request.declarations else "image"


def _shape(request: Request, folder: Folder) -> Shape:
    """The declared shape, else that of the first image, which those that are looked at must have too."""
    if request.declarations:
        return _declared(request)
    first = shape_of(folder.files[0], " (sample 0)")
    for index in _some(len(folder.files)):
        what = f" (sample {index})"
        if (found := shape_of(folder.files[index], what)) != first:
            raise DataError(differs(folder.files[index], found, first, what))
    return first


def _declared(request: Request) -> Shape:
    image, *others = request.declarations
    if others:
        raise DataError(f"a folder of images has one field to declare, not {others[0].name} beside {image.name}")
    sizes = [size for size in image.shape if isinstance(size, int) and size > 0]
    if len(sizes) != 3 or len(image.shape) != 3 or sizes[0] not in (1, 3) or image.dtype != "float32":
        raise DataError(
            f"images can be brought to (1 or 3 channels, height, width) in float32, but '{image.name}' is declared as "
            f'{image.dtype} {image.shape} per sample: {image.name} = {{ shape = ["N", 3, 64, 64] }}'
        )
    return cast(Shape, tuple(sizes))


def _some(count: int) -> list[int]:
    """Places evenly over the files, the first and the last among them."""
    if count <= LOOKED_AT:
        return list(range(count))
    return [place * (count - 1) // (LOOKED_AT - 1) for place in range(LOOKED_AT)]
