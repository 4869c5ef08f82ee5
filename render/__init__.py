"""Pictures of a graph; reads `builder.graph` and nothing else of the model."""

from render.engines import EngineError
from render.formats import FormatError, Picture, draw

__all__ = ["EngineError", "FormatError", "Picture", "draw"]
