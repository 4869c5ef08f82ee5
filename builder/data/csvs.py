"""`.csv` files: UTF-8, columns separated by commas, the first line names them.

Without `fields`, the column `target`, `label`, `class` or `y` (else the last) is the field `target`, and all others
together are the field `x`, a vector of float32. With `fields`, a list of columns is a vector of float32, and a single
column is one value a sample: text becomes class indices in sorted order (int64), whole numbers int64, others float32.
"""

from __future__ import annotations

import csv
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy

from builder.data.arrays import Array, Arrays, missing
from builder.data.fields import DataError, FieldType
from builder.data.request import Request, paths, reading

TARGETS = ("target", "label", "class", "y")
WHOLE = re.compile(r"[+-]?[0-9]+")
MOST = 2**63


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one field, by index: one that stands for itself, or several that make a vector."""

    name: str
    indices: tuple[int, ...]
    vector: bool


@dataclass(slots=True)
class Rows:
    """The cells of one file, field by field: a vector's numbers one after another; a single column's texts."""

    path: Path
    lines: list[int] = field(default_factory=list)  # the line on which each row ends
    numbers: dict[str, array[float]] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)


def describe(request: Request) -> tuple[FieldType, ...]:
    """Reads the files whole: what a column holds is seen in its rows alone."""
    return read(request).fields


def read(request: Request) -> Arrays:
    """Every field of every file."""
    all_paths = paths(request)
    header = _header(all_paths[0])
    columns = _columns(header, request.fields, all_paths[0])
    files = [_rows(path, header, columns) for path in all_paths]
    made = [_vector(c, header, files) if c.vector else _column(c, files, request.classes.get(c.name)) for c in columns]
    fields = [replace(kind, columns=_said(each, header)) for each, (kind, _) in zip(columns, made, strict=True)]
    return Arrays(fields=tuple(fields), values={kind.name: values for kind, values in made})


def _said(columns: Columns, header: list[str]) -> str | tuple[str, ...]:
    """The columns as `fields` would say them."""
    names = tuple(header[index] for index in columns.indices)
    return names if columns.vector else names[0]


def _header(path: Path) -> list[str]:
    for _, cells in _lines(path):
        names = [cell.strip() for cell in cells]
        if "" in names:
            raise DataError(f"{path}: column {names.index('') + 1} has no name in the first line")
        if len(set(names)) < len(names):
            raise DataError(f"{path}: the first line names '{_twice(names)}' twice")
        if all(_number(name) is not None for name in names):
            raise DataError(f"{path}: the first line must name the columns, but holds numbers")
        return names
    raise DataError(f"{path} is empty")


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The lines that hold something, with their numbers, split into cells."""
    with reading(path), path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        try:
            for cells in reader:
                if cells:
                    yield reader.line_num, cells
        except csv.Error as error:
            raise DataError(f"{path}, line {reader.line_num}: {error}") from error
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is not UTF-8 text: {error.reason} after line {reader.line_num}") from error


def _columns(header: list[str], mapping: Mapping[str, str | Sequence[str]] | None, path: Path) -> list[Columns]:
    if not mapping:
        return _usual_columns(header, path)
    found = []
    for ours, theirs in mapping.items():
        names = [theirs] if isinstance(theirs, str) else list(theirs)
        for name in names:
            if name not in header:
                raise DataError(f"{path}: field '{ours}': {missing(name, header, 'column')}")
        if not names:
            raise DataError(f"field '{ours}' names no column")
        found.append(Columns(ours, tuple(header.index(name) for name in names), not isinstance(theirs, str)))
    return found


def _usual_columns(header: list[str], path: Path) -> list[Columns]:
    if len(header) == 1:
        hint = "; columns are separated by commas" if re.search("[;\t]", header[0]) else ""
        raise DataError(f"{path} has only the column '{header[0]}', which leaves nothing to learn from{hint}")
    small = [name.casefold() for name in header]
    target = next((small.index(name) for name in TARGETS if name in small), len(header) - 1)
    others = tuple(index for index in range(len(header)) if index != target)
    return [Columns("x", others, True), Columns("target", (target,), False)]


def _rows(path: Path, header: list[str], columns: list[Columns]) -> Rows:
    rows = Rows(path)
    rows.numbers = {each.name: array("f") for each in columns if each.vector}
    rows.texts = {each.name: [] for each in columns if not each.vector}
    lines = _lines(path)
    _, first = next(lines, (0, []))
    if [cell.strip() for cell in first] != header:
        raise DataError(f"{path}: its columns are {', '.join(first)}, but {', '.join(header)} in the first file")
    for line, cells in lines:
        if len(cells) != len(header):
            raise DataError(f"{path}, line {line}: {len(cells)} cells, but {len(header)} columns")
        rows.lines.append(line)
        for each in columns:
            _take(rows, each, cells, header)
    if not rows.lines:
        raise DataError(f"{path} names its columns, but holds no rows")
    return rows


def _take(rows: Rows, columns: Columns, cells: list[str], header: list[str]) -> None:
    if not columns.vector:
        rows.texts[columns.name].append(cells[columns.indices[0]].strip())
        return
    try:
        rows.numbers[columns.name].extend([float(cells[index]) for index in columns.indices])
    except ValueError:
        wrong = next(index for index in columns.indices if _number(cells[index]) is None)
        where = f"{rows.path}, line {rows.lines[-1]}, column '{header[wrong]}'"
        raise DataError(f"{where}: '{cells[wrong]}' is not a number") from None


def _vector(columns: Columns, header: list[str], files: list[Rows]) -> tuple[FieldType, Array]:
    width = len(columns.indices)
    parts = []
    for rows in files:
        values = numpy.frombuffer(rows.numbers[columns.name], dtype=numpy.float32).reshape(-1, width)
        for row, column in numpy.argwhere(~numpy.isfinite(values))[:1]:
            where = f"{rows.path}, line {rows.lines[row]}, column '{header[columns.indices[column]]}'"
            raise DataError(f"{where}: not a finite number of float32")
        parts.append(values)
    return FieldType(columns.name, (width,), "float32"), numpy.concatenate(parts)


def _column(columns: Columns, files: list[Rows], classes: tuple[str, ...] | None) -> tuple[FieldType, Array]:
    """One value a sample: class indices, whole numbers or other numbers."""
    name = columns.name
    texts = [text for rows in files for text in rows.texts[name]]
    numbers = [_number(text) for text in texts]
    if classes is None and None not in numbers:
        return _numbers(name, texts, files)
    if "" in texts:
        raise DataError(f"{_place(files, texts.index(''))}: '{name}' has no value")
    if classes is None and any(number is not None for number in numbers):
        odd = numbers.index(None)
        raise DataError(f"{_place(files, odd)}: '{name}' is '{texts[odd]}', but other rows hold numbers")
    return _classes(name, texts, files, classes or tuple(sorted(set(texts))))


def _numbers(name: str, texts: list[str], files: list[Rows]) -> tuple[FieldType, Array]:
    if all(WHOLE.fullmatch(text) for text in texts):
        whole = [int(text) for text in texts]
        for place, number in enumerate(whole):
            if not -MOST <= number < MOST:
                raise DataError(f"{_place(files, place)}: '{name}' is {number}, which int64 cannot hold")
        return FieldType(name, (), "int64", min(whole), max(whole) + 1), numpy.array(whole, dtype=numpy.int64)
    with numpy.errstate(over="ignore"):
        values = numpy.array([float(text) for text in texts]).astype(numpy.float32)
    for place in numpy.flatnonzero(~numpy.isfinite(values))[:1]:
        raise DataError(f"{_place(files, place)}: '{name}' is '{texts[place]}', not a finite number of float32")
    return FieldType(name, (), "float32"), values


def _classes(name: str, texts: list[str], files: list[Rows], classes: tuple[str, ...]) -> tuple[FieldType, Array]:
    index = {text: place for place, text in enumerate(classes)}
    for place, text in enumerate(texts):
        if text not in index:
            raise DataError(f"{_place(files, place)}: '{name}' is '{text}', not one of {', '.join(classes)}")
    values = numpy.array([index[text] for text in texts], dtype=numpy.int64)
    return FieldType(name, (), "int64", 0, len(classes), classes), values


def _place(files: list[Rows], sample: int) -> str:
    """Where a sample, counted over all files, stands."""
    for rows in files:
        if sample < len(rows.lines):
            return f"{rows.path}, line {rows.lines[sample]}"
        sample -= len(rows.lines)
    raise IndexError(sample)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _twice(names: list[str]) -> str:
    return next(name for name in names if names.count(name) > 1)
