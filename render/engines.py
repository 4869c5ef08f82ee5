"""DOT text -> places, by a `dot` program or, without one, by the Graphviz inside the pygraphviz wheel.

Both run as a program of their own: what Graphviz complains about can then be read (it writes a wrong layout and says so
on standard error only), Ctrl-C stops a long layout, and drawing in two threads does no harm.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass

_PYGRAPHVIZ = """
import sys, pygraphviz
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
sys.stdout.buffer.write(graph.draw(format="json0", prog="dot"))
"""

# About fonts that this machine has or has not, and its settings of them: a layout has no letters. And that it may take
# long.
_HARMLESS = re.compile(
    r"Fontconfig\b|Warning: no hard-coded metrics|.*Pango-WARNING|.*layout may take a long time|\s*$", re.IGNORECASE
)


class EngineError(RuntimeError):
    """There is no engine, or it did not do what it was given. A plain sentence."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A way to lay out. name: what to tell a person; command: the program, which reads DOT and writes it as JSON."""

    name: str
    command: tuple[str, ...]


def engine() -> Engine:
    """The `dot` program on the path, else pygraphviz; EngineError that says what to install where there is neither."""
    if program := shutil.which("dot"):
        return Engine("dot", (program, "-Tjson0"))
    if importlib.util.find_spec("pygraphviz"):
        # -P keeps the working directory out of the way: a file `pygraphviz.py` there is not ours to run.
        return Engine("pygraphviz", (sys.executable, "-P", "-c", _PYGRAPHVIZ))
    raise EngineError(
        "paths cross in this picture, which Graphviz lays out: install pygraphviz (pip install pygraphviz) "
        "or Graphviz's dot program; .dot, .mmd and .txt, and the style 'blocks', need neither"
    )


def laid_out(dot: str, by: Engine) -> bytes:
    """The graph with its places, as Graphviz's format json0."""
    try:
        done = subprocess.run(by.command, input=dot.encode(), capture_output=True)
    except OSError as error:
        raise EngineError(f"cannot run {by.command[0]}: {error.strerror}") from error
    complaints = [line for line in done.stderr.decode(errors="replace").splitlines() if not _HARMLESS.match(line)]
    if done.returncode or complaints or not done.stdout:
        said = "; ".join(complaints[-3:]) or f"exit status {done.returncode}"
        raise EngineError(f"{by.name} could not lay out the picture: {said}")
    return done.stdout
