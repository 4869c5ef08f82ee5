"""Fashion-MNIST by name: 60,000 and 10,000 grey images of clothes, 28x28, in ten classes (Xiao, Rasul, Vollgraf 2017,
https://arxiv.org/abs/1708.07747; MIT licence)."""

from __future__ import annotations

import os

from builder.data.arrays import Arrays, picked, picked_fields
from builder.data.download import Remote, cache_folder, obtain
from builder.data.fields import FieldType
from builder.data.idx import read_files
from builder.data.request import Request

ADDRESS = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
FIELDS = (FieldType("image", (1, 28, 28)), FieldType("target", (), "int64", 0, 10))
# Images, then labels, by the source's name.
FILES = {
    "fashion-mnist": (
        Remote("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        Remote("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"),
    ),
    "fashion-mnist-test": (
        Remote("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"),
        Remote("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"),
    ),
}


def describe(request: Request) -> tuple[FieldType, ...]:
    """What the set holds; nothing is opened or downloaded."""
    return picked_fields(FIELDS, request.fields)


def read(request: Request) -> Arrays:
    """From the cache, else downloaded. $TOMOGRAPH_FASHION_MNIST_URL names another place than the official one."""
    base = os.environ.get("TOMOGRAPH_FASHION_MNIST_URL") or ADDRESS
    images, labels = obtain(FILES[request.text], base, cache_folder("fashion-mnist"))
    return picked(read_files({"image": images, "target": labels}, bounds={"target": (0, 10)}), request.fields)
