"""SVG text of our own -> PNG, with this package's letters alone: the same pixels on every machine."""

from __future__ import annotations

from pathlib import Path

from render.engines import EngineError

_FONTS = sorted((Path(__file__).parent / "fonts").glob("*.ttf"))
_PIXELS_PER_UNIT = 2


def svg_to_png(svg: str) -> bytes:
    """A PNG file of twice the size, for screens that show fine detail. Raises EngineError where it cannot be made.

    For pictures whose letters the fonts of this package have; others are left out.
    """
    try:
        import resvg_py
    except ImportError as error:
        raise EngineError(f"nothing here turns SVG into PNG: pip install resvg-py ({error})") from error
    try:
        return resvg_py.svg_to_bytes(
            svg_string=svg, zoom=_PIXELS_PER_UNIT, skip_system_fonts=True, font_files=[str(each) for each in _FONTS]
        )
    except ValueError as error:
        raise EngineError(f"resvg could not draw the PNG: {error}") from error
