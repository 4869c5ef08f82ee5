"""`--watch`: check again on every save, until Ctrl-C."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn, TypeAlias

import dsl
from dsl import files
from dsl.diagnostics import SpecError
from dsl.source import Setting

PAUSE: Final = 0.1  # seconds between two looks at the files
_SETTLING: Final = 0.01
_CLEAR: Final = "\x1b[2J\x1b[H"
# What tells that a file was saved: when it was changed, its size, which file it is (an editor may put a new one there).
_Stamp: TypeAlias = tuple[int, int, int] | None


def watch(path: str, overrides: Mapping[str, Any], check: Callable[[], object]) -> NoReturn:
    """Call `check` now and after every save of the spec or of a file that it stands on. Ends by KeyboardInterrupt."""
    watched = {path}
    while True:
        # Looked at before the check: what is saved while it runs is checked again.
        watched |= _files(path, overrides)
        before = _stamps(watched)
        if sys.stdout.isatty():
            print(_CLEAR, end="")
        start = time.perf_counter()
        check()
        _told(f"checked in {(time.perf_counter() - start) * 1000:.0f} ms; waiting for changes, Ctrl-C ends")
        while _stamps(watched) == before:
            time.sleep(PAUSE)
        _settled(watched)


def _settled(watched: Iterable[str]) -> None:
    """Wait until nothing changes any more: many editors empty a file before they write it."""
    before = None
    while (now := _stamps(watched)) != before:
        before = now
        time.sleep(_SETTLING)


def _files(path: str, overrides: Mapping[str, Any]) -> set[str]:
    """The files that the spec is made of; where it cannot be read whole, those that its own text names."""
    try:
        spec = dsl.load(path, overrides)
    except SpecError as error:
        return _named(path) if error.spec is None else set(error.spec.document.traced.sources()) - {Setting.NAME}
    return set(spec.document.traced.sources()) - {Setting.NAME}


def _named(path: str) -> set[str]:
    """What `extends` and `include` of a file name, there or not."""
    try:
        tables = files.parse(files.read(path))
    except SpecError:
        return set()
    names: list[Any] = [tables.get("extends")]
    said = tables.get("include")
    names += said if isinstance(said, list) else [said]
    return {os.path.join(Path(path).parent, each) for each in names if isinstance(each, str) and "\0" not in each}


def _stamps(watched: Iterable[str]) -> dict[str, _Stamp]:
    return {name: _stamp(name) for name in watched}


def _stamp(name: str) -> _Stamp:
    try:
        found = os.stat(name)
    except OSError:  # being replaced, or not there yet
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _told(text: str) -> None:
    sys.stdout.flush()
    print(text, file=sys.stderr, flush=True)
