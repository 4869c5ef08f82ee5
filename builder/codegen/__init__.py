"""A graph becomes Python source, and the source a module: what `--export model.py` writes is what runs."""

from builder.codegen.names import class_name
from builder.codegen.source import source_of

__all__ = ["class_name", "source_of"]
