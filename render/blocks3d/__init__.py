"""The 3-D block view of a model, as in the figures of the AlexNet paper: graph -> Scene."""

from render.blocks3d.drawing import blocks

__all__ = ["blocks"]
