"""A dotted path in the state dict as Python text: `self.layer1[0].conv1`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builder.codegen.structure import Structure


def path_text(structure: Structure, region: str, path: str) -> str:
    """What stands at a path from the top, as the class of a region reaches it."""
    at = structure.regions[region].module
    if path == at:
        return "self"
    text = "self"
    for part in path.removeprefix(f"{at}." if at else "").split("."):
        listed = at in structure.forms and structure.forms[at] in ("chain", "list") and part.isdigit()
        text = f"{text}[{part}]" if listed else attribute(text, part)
        at = f"{at}.{part}" if at else part
    return text


def attribute(owner: str, name: str) -> str:
    return f"{owner}.{name}" if name.isidentifier() else f'getattr({owner}, "{name}")'
