"""The classes of torchmetrics by name, read from the installed package without importing it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

INSTALL: Final = "pip install 'tomograph[metrics]'"


@cache
def metric_classes() -> Mapping[str, str] | None:
    """The module of each class; None where torchmetrics is not installed. Of two with a name the package's own wins."""
    found = find_spec("torchmetrics")
    if found is None or found.origin is None:
        return None
    root = Path(found.origin).parent
    parts = [("torchmetrics", root), *sorted((f"torchmetrics.{each.name}", each) for each in root.iterdir())]
    classes: dict[str, str] = {}
    for module, folder in parts:
        for name in _exported(folder / "__init__.py"):
            classes.setdefault(name, module)
    return classes


def metric_class(name: str) -> Any:
    """The class of a known name; torchmetrics is imported here."""
    from importlib import import_module

    classes = metric_classes() or {}
    plain = plain_name(name)
    return getattr(import_module(classes[plain]), plain)


def plain_name(name: str) -> str:
    return name.rpartition(".")[2] if name.startswith("torchmetrics.") else name


def _exported(file: Path) -> Iterator[str]:
    """The classes that a package's `__all__` names."""
    if not file.is_file():
        return
    for statement in ast.parse(file.read_text(encoding="utf-8")).body:
        targets = statement.targets if isinstance(statement, ast.Assign) else ()
        if any(isinstance(each, ast.Name) and each.id == "__all__" for each in targets):
            names = [each.value for each in ast.walk(statement) if isinstance(each, ast.Constant)]
            yield from (each for each in names if isinstance(each, str) and each[:1].isupper())
