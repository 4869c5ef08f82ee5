"""How a picture is drawn, as the command line is told it: the same words wherever `--render` is one of the options."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

# The suffixes that a picture's file may have: those of `render.formats.FORMATS`, which is not imported for --help.
PICTURES: Final = (".svg", ".png", ".pdf", ".html", ".tex", ".mmd", ".dot", ".txt")

# Option -> the values it takes; the first is what holds where it is left out.
_CHOICES: Final = {
    "level": ("block", "overview", "full"),
    "style": ("page", "slides", "blocks"),
    "theme": ("light", "dark", "print"),
}


def add_picture_options(group: argparse._ActionsContainer) -> None:
    """`--level`, `--expand`, `--collapse`, `--style` and `--theme`, for a parser or a group of its options."""
    _choice(group, "level", "how much of the model is told: a box a stage, each structure once, or every layer")
    group.add_argument("--expand", metavar="NAME", action="append", default=[],
                       help="draw this group open, whatever the level: a dotted name, or layer3.*")  # fmt: skip
    group.add_argument("--collapse", metavar="NAME", action="append", default=[], help="draw this group closed")
    _choice(group, "style", "a page from top to bottom, rows for slides, or blocks in three dimensions")
    _choice(group, "theme", "colours of pictures")


def suffix_of(name: str) -> str:
    """The suffix that says the format, in small letters. To standard output `-` is SVG, `-.txt` another format."""
    if name == "-":
        return ".svg"
    return (name[1:] if is_standard_output(name) else Path(name).suffix).lower()


def is_standard_output(name: str) -> bool:
    """Whether a picture of this name goes to standard output; a file called `-.svg` is reached as `./-.svg`."""
    return name == "-" or name.startswith("-.")


def drawn_as(options: argparse.Namespace) -> dict[str, Any]:
    """What `render.draw` is to be told of these options; what they leave out is as `draw` has it."""
    chosen = {name: getattr(options, name) for name, values in _CHOICES.items() if getattr(options, name) != values[0]}
    several = {name: tuple(getattr(options, name)) for name in ("expand", "collapse") if getattr(options, name)}
    return {**chosen, **several}


def _choice(group: argparse._ActionsContainer, name: str, what: str) -> None:
    values = _CHOICES[name]
    group.add_argument(f"--{name}", choices=values, default=values[0], help=what)
