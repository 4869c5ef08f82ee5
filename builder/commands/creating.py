"""`tomograph new NAME`: a spec to start from, which checks and trains as it stands."""

from __future__ import annotations

import argparse
import keyword
import os
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from builder.commands.arguments import Parser, UsageError, program
from builder.files import OutputError, write_text

SCHEMA: Final = "tomograph.schema.json"
_SPEC: Final = """\
# A small image classifier to start from: change a line, and check again.
name = "NAME"
doc = "A convolution and a linear layer over 8x8 images of handwritten digits."

[model]
# N is free: any batch size. A layer reads the one before it.
inputs = { image = ["N", 1, 8, 8] }
layers = [
  # in_channels and in_features follow from the shapes.
  { name = "conv", type = "Conv2d", out_channels = 16, kernel_size = 3, padding = 1 },
  { type = "relu" },
  { type = "max_pool2d", kernel_size = 2 },
  { type = "flatten", start_dim = 1 },
  # One score for each of the ten digits.
  { name = "fc", type = "Linear", out_features = 10 },
]

# Reads the model's output and the data's target.
[loss]
type = "CrossEntropyLoss"

[optimizer]
type = "AdamW"
lr = 0.01

# 1,797 digits that come with Tomograph; an .npz or .csv file's name takes their place.
[data]
source = "digits"
validation = 0.2
batch_size = 32

[train]
epochs = 2
seed = 0
"""


def run(words: Sequence[str]) -> int:
    """Write NAME.toml and tell what to do next. Raises OutputError where something of that name is there, UsageError
    for a name without letters before `.toml`."""
    options = _parser().parse_args(list(words))
    path = Path(options.name if options.name.endswith(".toml") else f"{options.name}.toml")
    if path.name == ".toml":
        raise UsageError(f"new takes the name of a spec, not {options.name!r}")
    if os.path.lexists(path):
        raise OutputError(f"{path} is there already, and was left as it is")
    schema = Path(options.schema) if options.schema is not None else _beside(path)
    line = f"#:schema {_seen_from(path.parent, schema)}\n" if schema else ""
    write_text(path, line + _SPEC.replace("NAME", name_of(path.stem)))
    _tell(path)
    return 0


def name_of(stem: str) -> str:
    """A model's name, which is a class's in Python: `my-net` -> MyNet."""
    name = "".join(each[:1].upper() + each[1:] for each in re.findall(r"[A-Za-z0-9]+", stem))
    return name if name.isidentifier() and not keyword.iskeyword(name) else f"Net{name}"


def _beside(path: Path) -> Path | None:
    """The schema in the folder of the new spec, if it is there."""
    found = path.parent / SCHEMA
    return found if found.is_file() else None


def _seen_from(folder: Path, schema: Path) -> str:
    """The way from a folder to a file, as the editors' line has it."""
    way = Path(os.path.relpath(schema, folder)).as_posix()
    return way if way.startswith("../") else f"./{way}"


def _tell(path: Path) -> None:
    spec = shlex.quote(str(path) if not str(path).startswith("-") else f"./{path}")
    lines = [
        (f"{program()} {spec}", "checks it, and lists its layers"),
        (f"{program()} {spec} --check --watch", "checks again on every save"),
        (f"{program()} {spec} --train", "trains it, two epochs of handwritten digits"),
    ]
    width = max(len(command) for command, _ in lines)
    print(f"wrote {path}; what to do next:", file=sys.stderr)
    for command, does in lines:
        print(f"  {command:<{width}}  {does}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="tomograph new", description="Write a small spec to start from, which checks and trains.",
                    allow_abbrev=False)  # fmt: skip
    parser.add_argument("name", metavar="NAME", help="NAME.toml is written; what is there is never overwritten")
    parser.add_argument("--schema", metavar="FILE", help=f"the schema that an editor reads; otherwise {SCHEMA} where "
                        "it lies beside the spec (`tomograph schema` writes it)")  # fmt: skip
    return parser
