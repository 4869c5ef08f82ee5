"""The 1,797 handwritten digits that come with this package (digits/ATTRIBUTION.md says from where)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from builder.data.arrays import Arrays, picked, picked_fields
from builder.data.fields import FieldType
from builder.data.idx import read_files
from builder.data.request import Request

FOLDER = Path(__file__).with_name("digits")
FILES = {"image": FOLDER / "images-idx3-ubyte.gz", "target": FOLDER / "labels-idx1-ubyte.gz"}
FIELDS = (FieldType("image", (1, 8, 8)), FieldType("target", (), "int64", 0, 10))
BRIGHTEST = 16  # each pixel counts the dark ones among 4x4 of the scan


def describe(request: Request) -> tuple[FieldType, ...]:
    """What the digits hold, without opening them."""
    return picked_fields(FIELDS, request.fields)


def read(request: Request) -> Arrays:
    """image in [0, 1], (1797, 1, 8, 8); target 0 to 9."""
    arrays = read_files(FILES, bounds={"target": (0, 10)})
    return picked(replace(arrays, divisors={"image": BRIGHTEST}), request.fields)
