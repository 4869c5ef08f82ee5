"""SVG text of our own -> PNG, with this package's letters: the same pixels on every machine, but for letters that they
lack, which are the system's."""

from __future__ import annotations

from render.engines import EngineError
from render.letters import FONT_FILES, has_letters

_PIXELS_PER_UNIT = 2


def svg_to_png(svg: str) -> bytes:
    """A PNG file of twice the size, for screens that show fine detail. Raises EngineError where it cannot be made."""
    try:
        import resvg_py
    except ImportError as error:
        raise EngineError(f"nothing here turns SVG into PNG: pip install resvg-py ({error})") from error
    try:
        return resvg_py.svg_to_bytes(
            svg_string=svg,
            zoom=_PIXELS_PER_UNIT,
            skip_system_fonts=has_letters(svg),
            font_files=[str(each) for each in FONT_FILES.values()],
        )
    except ValueError as error:
        raise EngineError(f"resvg could not draw the PNG: {error}") from error
