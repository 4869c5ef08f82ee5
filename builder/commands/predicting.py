"""`--predict`: what a trained model makes of new data, as a table or as arrays."""

from __future__ import annotations

import argparse
import csv
import io
import math
import sys
from pathlib import Path
from typing import Any, TextIO

import numpy
from torch import Tensor

from builder.experiment.predicting import Predictions, predict
from builder.files import write_aside, write_text
from dsl.records import Spec

WIDEST = 10_000  # columns; beyond that a table is of no use


def show(spec: Spec, options: argparse.Namespace, weights: str | None) -> dict[str, Any]:
    """Predict, and write the file of `--out`; without one, a table to standard output."""
    if weights is None:
        raise ValueError("nothing to predict with: give --weights FILE, or the folder of a run in place of the spec")
    found = predict(spec, weights, options.predict, device=options.device)
    samples = len(next(iter(found.outputs.values())))
    if options.out is None or options.train:
        names, rows = table(found)
        if options.format == "json":
            return {"samples": samples, "predictions": [dict(zip(names, row, strict=True)) for row in rows]}
        _write(sys.stdout, names, rows)
        return {}
    _save(found, Path(options.out))
    if options.format == "text":
        print(options.out)
    return {"samples": samples, "file": options.out}


def table(found: Predictions) -> tuple[list[str], list[list[Any]]]:
    """The columns' names, and a row for each sample: its file if it had one, its class and the classes' probabilities
    (or scores), else the outputs' numbers. ValueError where that is more than a table can show."""
    columns: dict[str, list[Any]] = {}
    if found.files is not None:
        columns["file"] = list(found.files)
    if found.chosen is not None and found.scores is not None and found.scores.dim() == 2:
        classes = found.names or tuple(str(index) for index in range(found.scores.shape[1]))
        columns["class"] = [classes[index] if found.names else index for index in found.chosen.tolist()]
        word = "probability" if found.likely else "score"
        columns |= {f"{word}_{name}": _numbers(found.scores[:, index]) for index, name in enumerate(classes)}
    else:
        for name, output in found.outputs.items():
            columns |= _columns(name, output)
    return list(columns), [list(row) for row in zip(*columns.values(), strict=True)]


def _columns(name: str, output: Tensor) -> dict[str, list[Any]]:
    """A column for each number of a sample: `output`, or `output_0`, `output_1`; of matrices `output_0_0`."""
    count = math.prod(output.shape[1:])
    if count > WIDEST:
        raise ValueError(
            f"`{name}` has {count:,} numbers for each sample, which are too many for a table: "
            "--out FILE.npz holds whole arrays"
        )
    if count == 1:
        return {name: _numbers(output.flatten())}
    places = numpy.ndindex(*output.shape[1:])
    flat = output.flatten(1)
    return {"_".join([name, *map(str, place)]): _numbers(flat[:, index]) for index, place in enumerate(places)}


def _numbers(values: Tensor) -> list[Any]:
    """As Python's own numbers; of float32 with as many digits as it takes to tell them apart."""
    array = values.numpy()
    return [float(str(each)) for each in array] if array.dtype.kind == "f" else array.tolist()


def _write(file: TextIO, names: list[str], rows: list[list[Any]]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)


def _save(found: Predictions, path: Path) -> None:
    if path.suffix == ".npz":
        arrays = _arrays(found)
        write_aside(path, lambda file: numpy.savez(file, **arrays))
        return
    text = io.StringIO()
    _write(text, *table(found))
    write_text(path, text.getvalue())


def _arrays(found: Predictions) -> dict[str, Any]:
    """The outputs by name; `class` and `probability` (or `score`) beside them where the loss is over classes."""
    arrays = {name: each.numpy() for name, each in found.outputs.items()}
    if found.chosen is not None and found.scores is not None:
        arrays.setdefault("class", found.chosen.numpy())
        arrays.setdefault("probability" if found.likely else "score", found.scores.numpy())
    if found.chosen is not None and found.names is not None:
        arrays.setdefault("class_name", numpy.array(found.names)[found.chosen.numpy()])
    if found.files is not None:
        arrays.setdefault("file", numpy.array(found.files))
    return arrays
