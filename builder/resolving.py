"""A spec as one file that stands by itself."""

from __future__ import annotations

import copy
from typing import Any

from builder.checking import path_of, request_of
from builder.data import absolute
from dsl.formatting import dump_tables
from dsl.records import Spec


def resolved_text(spec: Spec) -> str:
    """The spec as TOML text that means the same wherever it lies: what it extends, includes and patches and `--set` in
    their places, paths absolute. Comments are not kept."""
    tables = copy.deepcopy(dict(spec.document.tables))
    tables.setdefault("name", spec.name)
    _make_data_absolute(spec, tables)
    path = None if spec.weights is None else path_of(spec.weights)
    if path is not None:
        written = tables["model"]["weights"]
        file = str(path.absolute())
        tables["model"]["weights"] = {**written, "file": file} if isinstance(written, dict) else file
    return dump_tables(tables)


def _make_data_absolute(spec: Spec, tables: dict[str, Any]) -> None:
    data = spec.data
    for key in ("source", "validation"):
        value = getattr(data, key, None)
        if data is not None and isinstance(value, str | dict):
            request = request_of(spec, data, value, key)
            tables["data"][key] = absolute(request.source, request.folder)
