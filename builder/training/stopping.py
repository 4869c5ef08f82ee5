"""Signals that ask a run to end."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """While it is entered, the first SIGINT or SIGTERM only sets `number`; a second one does what it did before.

    So the run ends in its own time after one Ctrl-C, and at once after two (Python raises KeyboardInterrupt; SIGTERM
    ends the process). Signals reach only the main thread: elsewhere nothing is changed, and `number` stays None.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():
            self._before = {each: signal.signal(each, self._note) for each in SIGNALS}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.number = number
        self._restore()

    def _restore(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return  # a generator that is closed from another thread: signals cannot be set there
        for each, before in self._before.items():
            signal.signal(each, signal.SIG_DFL if before is None else before)
        self._before = {}
