"""DOT text -> SVG, PNG or PDF, by a `dot` program or, without one, by the Graphviz inside the pygraphviz wheel.

Both run as a program of their own: what Graphviz complains about can then be read (it draws a wrong picture and says so
on standard error only), Ctrl-C stops a long layout, and drawing in two threads does no harm.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

_FONTS = Path(__file__).parent / "fonts"
_PNG_DPI = 144

_PYGRAPHVIZ = """
import sys, pygraphviz
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
if len(sys.argv) > 2:
    graph.graph_attr["dpi"] = sys.argv[2]
sys.stdout.buffer.write(graph.draw(format=sys.argv[1], prog="dot"))
"""

# About fonts that this machine has or has not, and its settings of them: nothing in the picture is wrong.
_HARMLESS = re.compile(r"Fontconfig\b|Warning: no hard-coded metrics|.*Pango-WARNING|\s*$", re.IGNORECASE)


class EngineError(RuntimeError):
    """There is no engine, or it did not draw what it was given. A plain sentence."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A way to draw. name: what to tell a person; command: the program for a format and its dots per inch, if told."""

    name: str
    command: Callable[[str, int | None], list[str]]


def engine() -> Engine:
    """The `dot` program on the path, else pygraphviz; EngineError that says what to install where there is neither."""
    if program := shutil.which("dot"):
        return Engine("dot", lambda format, dpi: [program, f"-T{format}", *([f"-Gdpi={dpi}"] if dpi else [])])
    if importlib.util.find_spec("pygraphviz"):
        return Engine("pygraphviz", _pygraphviz_command)
    raise EngineError("nothing here can draw: install pygraphviz (pip install pygraphviz) or Graphviz's dot program")


def drawn(dot: str, format: str, by: Engine) -> bytes:
    """The picture as bytes of this format ("svg", "png", "pdf")."""
    command = by.command(format, _PNG_DPI if format == "png" else None)
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(command, input=dot.encode(), capture_output=True, env=_environment(Path(folder)))
        except OSError as error:
            raise EngineError(f"cannot run {command[0]}: {error.strerror}") from error
    complaints = [line for line in done.stderr.decode(errors="replace").splitlines() if not _HARMLESS.match(line)]
    if done.returncode or complaints or not done.stdout:
        said = "; ".join(complaints[-3:]) or f"exit status {done.returncode}"
        raise EngineError(f"{by.name} could not draw the {format.upper()}: {said}")
    return done.stdout


def _pygraphviz_command(format: str, dpi: int | None) -> list[str]:
    """-P keeps the working directory out of the way: a file `pygraphviz.py` there is not ours to run."""
    return [sys.executable, "-P", "-c", _PYGRAPHVIZ, format, *([str(dpi)] if dpi else [])]


def _environment(folder: Path) -> Mapping[str, str]:
    """The environment, with this package's letters beside the system's.

    On a machine without fonts, as in most containers, Graphviz draws every letter as an empty box. Where fontconfig is
    not used (Windows, macOS) the setting is without effect, and such systems have fonts. The letters are copied to
    `folder`, and what fontconfig remembers goes there too: it leaves files of its own beside fonts and in the home.
    """
    system = os.environ.get("FONTCONFIG_FILE", "/etc/fonts/fonts.conf")
    settings, fonts, cache = folder / "fonts.conf", folder / "fonts", folder / "cache"
    shutil.copytree(_FONTS, fonts)
    settings.write_text(
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">'
        f"<fontconfig><cachedir>{escape(str(cache))}</cachedir><dir>{escape(str(fonts))}</dir>"
        f'<include ignore_missing="yes">{escape(system)}</include></fontconfig>',
        encoding="utf-8",
    )
    return {**os.environ, "FONTCONFIG_FILE": str(settings)}
