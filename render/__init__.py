"""Pictures of a graph, and the curves of a run; reads `builder.graph` and nothing else of the model."""

from render.engines import EngineError
from render.formats import FormatError, draw, written
from render.panels import curves
from render.picture import Picture
from render.raster import svg_to_png

__all__ = ["EngineError", "FormatError", "Picture", "curves", "draw", "svg_to_png", "written"]
