"""Signals that ask a run to end."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any

from builder.training.processes import ALONE, Processes

# A terminal that is closed sends SIGHUP; nohup has it ignored, and then it is.
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_TIME_IS_UP = 1000  # beside the numbers of signals


class Stop:
    """Who asks a run to end: a signal, or its time limit.

    While it is entered, the first SIGINT, SIGTERM or SIGHUP only sets `number`; a second one does what it did before.
    So the run ends in its own time after one Ctrl-C, and at once after two (Python raises KeyboardInterrupt; SIGTERM
    ends the process). Signals reach only the main thread: elsewhere nothing is changed, and `number` stays None.
    """

    def __init__(self, time_limit: float | None = None, processes: Processes = ALONE) -> None:
        """time_limit: seconds from now. processes: those that are to end together."""
        self.number: int | None = None
        self._agreed = False
        self._processes = processes
        self._limit = time_limit
        self._end = None if time_limit is None else time.monotonic() + time_limit
        self._before: dict[signal.Signals, Any] = {}

    @property
    def asked(self) -> bool:
        """Whether the run is to end now. All processes get the same answer, and so must ask equally often."""
        if not self._agreed:
            over = self._end is not None and time.monotonic() >= self._end
            why = self._processes.most(self.number or (_TIME_IS_UP if over else 0))
            if why:
                self._agreed = True
                self.number = why if why < _TIME_IS_UP else None
        return self._agreed

    @property
    def reason(self) -> str:
        return signal.Signals(self.number).name if self.number is not None else f"the time limit of {self._limit:g} s"

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():
            self._before = {each: signal.signal(each, self._note) for each in SIGNALS if not _is_ignored(each)}
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


def _is_ignored(each: signal.Signals) -> bool:
    return each.name == "SIGHUP" and signal.getsignal(each) == signal.SIG_IGN
