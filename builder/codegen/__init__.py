"""A graph becomes Python source, and the source a module: what `--export model.py` writes is what runs."""

from builder.codegen.source import class_name, source_of

__all__ = ["class_name", "source_of"]
