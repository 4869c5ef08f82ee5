"""`value`: an expression over tensors becomes Python text whose result has a known shape."""

from builder.elaboration.values.compiling import Compiled, compile_value

__all__ = ["Compiled", "compile_value"]
