"""The colours of a page. A picture is embedded once and names its colours as CSS variables; light or dark then is a
matter of the variables' values, which the browser settles."""

from __future__ import annotations

from collections.abc import Mapping

from render.theme import DARK, LIGHT, Shade, Theme


def _variables(shades: Mapping[str, Shade]) -> dict[str, Shade]:
    return {name: Shade(f"var(--{name})", f"var(--{name}-fill)") for name in shades}


# A theme whose colours are names: what is drawn in it is light or dark as the page is.
NAMED = Theme(
    name="named",
    ground="var(--ground)",
    ink="var(--ink)",
    muted="var(--muted)",
    edge="var(--edge)",
    cluster="var(--cluster)",
    cluster_edge="var(--cluster-edge)",
    box_edge=None,
    kinds=_variables(LIGHT.kinds),
    marks=_variables(LIGHT.marks),
)

_PLAIN = ("ground", "ink", "muted", "edge", "cluster", "cluster_edge")


def values() -> dict[str, tuple[str, str]]:
    """Every variable of `NAMED` -> its colour in light and in dark: `convolution-fill` -> `#E3EEF9`, `#142636`."""
    found = {name.replace("_", "-"): (getattr(LIGHT, name), getattr(DARK, name)) for name in _PLAIN}
    for light, dark in ((LIGHT.kinds, DARK.kinds), (LIGHT.marks, DARK.marks)):
        for name, shade in light.items():
            found[name] = (shade.bar, dark[name].bar)
            found[f"{name}-fill"] = (shade.fill, dark[name].fill)
    return found


def stylesheet() -> str:
    """The variables for a page; which of the two values holds follows `color-scheme`."""
    lines = (f"  --{name}: light-dark({light}, {dark});" for name, (light, dark) in values().items())
    return "\n".join([":root {", *lines, "}"])
