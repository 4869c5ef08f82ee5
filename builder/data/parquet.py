"""`.parquet` files, through pyarrow: columns become fields as those of a `.csv` file do.

Without `fields`, the column `target`, `label`, `class` or `y` (else the last) is the field `target`, columns of lists
are fields of their own, and all others together are the field `x`, a vector of float32. Text becomes class indices in
sorted order; lists, all of one length, become vectors (lists of lists matrices, and so on).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy

from builder.data.arrays import Array, Arrays, missing
from builder.data.csvs import TARGETS
from builder.data.extras import needed
from builder.data.fields import DataError, FieldType
from builder.data.request import Request, paths, reading

WHAT = "reading .parquet files"


@dataclass(frozen=True, slots=True)
class Files:
    """Several files as one table; starts: the first row of each."""

    paths: tuple[Path, ...]
    starts: tuple[int, ...]
    table: Any

    def place(self, row: int, column: str) -> str:
        index = max(place for place, start in enumerate(self.starts) if start <= row)
        return f"{self.paths[index]}, row {row - self.starts[index]}, column '{column}'"


def describe(request: Request) -> tuple[FieldType, ...]:
    """Reads the columns that are taken: what a column of text or lists holds is seen in its rows alone."""
    return read(request).fields


def read(request: Request) -> Arrays:
    """Every field of every file."""
    found = paths(request)
    schema = _schema(found[0])
    plan = _planned(schema, request.fields, found[0])
    names = [name for columns in plan.values() for name in ([columns] if isinstance(columns, str) else columns)]
    files = _tables(found, schema, list(dict.fromkeys(names)))
    made = []
    for name, columns in plan.items():
        if isinstance(columns, str):
            kind, values = _single(name, columns, files, request.classes.get(name))
            made.append((replace(kind, columns=columns), values))
        else:
            kind, values = _vector(name, columns, files)
            made.append((replace(kind, columns=tuple(columns)), values))
    return Arrays(fields=tuple(kind for kind, _ in made), values={kind.name: values for kind, values in made})


@contextmanager
def _sound(path: Path) -> Iterator[None]:
    arrow = needed("pyarrow", WHAT)
    try:
        yield
    except DataError:
        raise
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{path} is not a sound .parquet file: {str(error).splitlines()[0]}") from error


def _schema(path: Path) -> Any:
    with _sound(path):
        schema = needed("pyarrow.parquet", WHAT).read_schema(path)
    if len(set(schema.names)) < len(schema.names) or not schema.names:
        raise DataError(f"{path} holds {'a column twice' if schema.names else 'no columns'}")
    return schema


def _planned(schema: Any, mapping: Mapping[str, str | Sequence[str]] | None, path: Path) -> dict[str, str | list[str]]:
    """Field -> its column, or the columns that make a vector."""
    if not mapping:
        return _usual(schema, path)
    for ours, theirs in mapping.items():
        for name in [theirs] if isinstance(theirs, str) else theirs:
            if name not in schema.names:
                raise DataError(f"{path}: field '{ours}': {missing(name, schema.names, 'column')}")
        if not theirs:
            raise DataError(f"field '{ours}' names no column")
    return {ours: theirs if isinstance(theirs, str) else list(theirs) for ours, theirs in mapping.items()}


def _usual(schema: Any, path: Path) -> dict[str, str | list[str]]:
    names: list[str] = schema.names
    if len(names) == 1:
        raise DataError(f"{path} has only the column '{names[0]}', which leaves nothing to learn from")
    small = [name.casefold() for name in names]
    target = next((names[small.index(name)] for name in TARGETS if name in small), names[-1])
    lists = [name for name in names if name != target and _is_list(schema.field(name).type)]
    scalars = [name for name in names if name != target and name not in lists]
    if scalars and ("x" in lists or "target" in lists):
        raise DataError(f"{path}: a column of lists has the name of a field that others make; say `fields`")
    return {**({"x": scalars} if scalars else {}), **{name: name for name in lists}, "target": target}


def _tables(found: Sequence[Path], schema: Any, names: list[str]) -> Files:
    arrow, parquet = needed("pyarrow", WHAT), needed("pyarrow.parquet", WHAT)
    tables, starts, rows = [], [], 0
    for path in found:
        with reading(path), _sound(path):
            other = parquet.read_schema(path)
            for name in names:
                if name not in other.names or other.field(name).type != schema.field(name).type:
                    raise DataError(f"{path}: the column '{name}' is not as in {found[0]}")
            table = parquet.read_table(path, columns=names, partitioning=None)
        tables.append(table)
        starts.append(rows)
        rows += table.num_rows
    if not rows:
        raise DataError(f"{found[0]} holds no rows")
    return Files(tuple(found), tuple(starts), arrow.concat_tables(tables))


def _vector(name: str, columns: list[str], files: Files) -> tuple[FieldType, Array]:
    stacked = [_floats(_numbers(each, files), each, files) for each in columns]
    return FieldType(name, (len(columns),), "float32"), numpy.stack(stacked, axis=1)


def _single(name: str, column: str, files: Files, classes: tuple[str, ...] | None) -> tuple[FieldType, Array]:
    """One value a sample: a class's index, a number, a truth value, or a list of numbers."""
    kind = files.table.schema.field(column).type
    types = needed("pyarrow", WHAT).types
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_string(kind) or types.is_large_string(kind):
        return _classes(name, column, files, classes)
    if _is_list(kind):
        return _lists(name, column, files)
    values = _numbers(column, files)
    if values.dtype.kind == "b":
        return FieldType(name, (), "bool"), values
    if values.dtype.kind == "f":
        return FieldType(name, (), "float32"), _floats(values, column, files)
    whole = _whole(values, column, files)
    return FieldType(name, (), "int64", int(whole.min()), int(whole.max()) + 1), whole


def _classes(name: str, column: str, files: Files, classes: tuple[str, ...] | None) -> tuple[FieldType, Array]:
    texts = _filled(column, files).to_pylist()
    known = classes or tuple(sorted(set(texts)))
    index = {text: place for place, text in enumerate(known)}
    for row, text in enumerate(texts):
        if text not in index:
            raise DataError(f"{files.place(row, column)}: '{text}' is not one of {', '.join(known)}")
    values = numpy.array([index[text] for text in texts], dtype=numpy.int64)
    return FieldType(name, (), "int64", 0, len(known), known), values


def _lists(name: str, column: str, files: Files) -> tuple[FieldType, Array]:
    values, shape = _filled(column, files).combine_chunks(), [files.table.num_rows]
    while _is_list(values.type):
        lengths = numpy.array([len(each) for each in values], dtype=numpy.int64)
        for place in numpy.flatnonzero(lengths != lengths[0])[:1]:
            row = int(place) * shape[0] // max(len(lengths), 1)
            raise DataError(f"{files.place(row, column)}: a list of {lengths[place]}, but the first has {lengths[0]}")
        shape.append(int(lengths[0]))
        values = values.flatten()
        if values.null_count or not len(values):
            what = "a list has a value that is missing" if values.null_count else "the lists are empty"
            raise DataError(f"{files.paths[0]}, column '{column}': {what}")
    flat = _plain(values, column, files)
    if flat.dtype.kind == "f":
        return FieldType(name, tuple(shape[1:]), "float32"), flat.astype(numpy.float32).reshape(shape)
    dtype = "bool" if flat.dtype.kind == "b" else "int64"
    return FieldType(name, tuple(shape[1:]), dtype), flat.astype(dtype).reshape(shape)


def _numbers(column: str, files: Files) -> Array:
    return _plain(_filled(column, files), column, files)


def _filled(column: str, files: Files) -> Any:
    """The column, if no value of it is missing."""
    values = files.table.column(column)
    if values.null_count:
        row = values.is_null().to_pylist().index(True)
        raise DataError(f"{files.place(row, column)}: there is no value")
    return values


def _plain(values: Any, column: str, files: Files) -> Array:
    types = needed("pyarrow", WHAT).types
    kind = values.type
    if not (types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)):
        raise DataError(f"{files.paths[0]}: the column '{column}' holds {kind}, which is not numbers")
    array: Array = values.to_numpy(zero_copy_only=False)
    return array


def _floats(values: Array, column: str, files: Files) -> Array:
    with numpy.errstate(over="ignore"):
        made = values.astype(numpy.float32)
    for row in numpy.flatnonzero(~numpy.isfinite(made))[:1]:
        raise DataError(f"{files.place(int(row), column)}: not a finite number of float32")
    return made


def _whole(values: Array, column: str, files: Files) -> Array:
    if values.dtype.kind == "u" and int(values.max()) > numpy.iinfo(numpy.int64).max:
        raise DataError(f"{files.place(int(values.argmax()), column)}: {values.max()}, which int64 cannot hold")
    return values.astype(numpy.int64)


def _is_list(kind: Any) -> bool:
    types = needed("pyarrow", WHAT).types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))
