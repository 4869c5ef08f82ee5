"""Standard error, which may be closed, full, or a pipe that nobody reads any more: no work ends for that."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from typing import TextIO


def open_standard() -> None:
    """Give a process that was started with closed streams empty ones; none fails for a letter that it cannot write.

    Without it the next file that is opened, a checkpoint say, would take the number 1 or 2, and whatever the system's
    libraries complain about would be written into it.
    """
    while (handle := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(handle, True)
    os.close(handle)
    sys.stdin = sys.stdin or os.fdopen(0)
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a character that the encoding lacks is written as \\xe9


def say(text: str) -> None:
    """A line on standard error, if anybody is there."""
    attempt(lambda: print(text, file=sys.stderr, flush=True))


def attempt(write: Callable[[], object]) -> bool:
    """Do what writes to standard error; False where it cannot be, and from then on it goes nowhere."""
    try:
        write()
    except OSError:
        silence(sys.stderr)
        return False
    return True


def silence(stream: TextIO) -> None:
    """Let what is still written to the stream go nowhere: Python flushes it once more at the end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
