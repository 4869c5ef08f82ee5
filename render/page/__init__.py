"""One HTML file to look around a model in: the picture at every level, and the facts of every layer."""

from render.page.whole import page

__all__ = ["page"]
