"""What a person sees of a run, on standard error: a live line on a terminal, a line for each epoch anywhere."""

from __future__ import annotations

import shutil
import sys
import time
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from builder.commands import streams
from builder.commands.epoch_lines import EpochLines, number
from builder.training.events import EpochDone, Event, Finished, Started, StepDone, Stopped, Warned

# A line wider than this is not read at a glance.
_WIDEST = 110
# The bar itself is worth this many columns; where they are not there, it says less beside it.
_SHORTEST_BAR = 10
# The first steps are slower than those that follow, and say little about how long these will take.
_ENOUGH_STEPS = 5


class Screen:
    """Shows the events of a run. quiet: warnings alone. validates: whether a validation follows an epoch's steps."""

    def __init__(self, *, quiet: bool, validates: bool = False) -> None:
        self.quiet = quiet
        self._validates = validates
        self._live = sys.stderr.isatty() and not quiet
        self._bar: tqdm[Any] | None = None
        self._pace: _Pace | None = None
        self._started: Started | None = None
        self._lines = EpochLines(0)

    def say(self, text: str) -> None:
        """A line that stays; the live one moves below it."""
        if not self.quiet:
            streams.attempt(lambda: tqdm.write(text, file=sys.stderr))

    def warn(self, text: str) -> None:
        """A line that stays, `--quiet` or not."""
        streams.attempt(lambda: tqdm.write(f"warning: {text}", file=sys.stderr))

    def show(self, event: Event) -> None:
        if isinstance(event, Started):
            self._start(event)
        elif isinstance(event, StepDone):
            self._step(event)
        elif isinstance(event, EpochDone):
            self.say(self._lines.line(event.row, event.is_best))
        elif isinstance(event, Warned):
            self.warn(event.message)
        elif isinstance(event, Stopped):
            self.close()
            self.say(f"stopped after step {event.step} ({event.reason}); the checkpoint is written")
        elif isinstance(event, Finished):
            self.close()
            if event.reason:
                self.say(f"ended early: {event.reason}")

    def close(self) -> None:
        """Take the live line away."""
        if (bar := self._bar) is not None:
            self._bar = None
            streams.attempt(bar.close)

    def _start(self, event: Started) -> None:
        self._started, self._lines = event, EpochLines(event.epochs)
        if event.resumed:
            self.say(f"going on at epoch {event.epoch}, step {event.step}")

    def _step(self, event: StepDone) -> None:
        if not self._live or self._started is None:
            return
        if self._pace is None:
            self._pace = _Pace(event.step, time.monotonic())
        self._pace.reach(event.step, time.monotonic())
        streams.attempt(lambda: self._draw(event, self._words(event)))

    def _words(self, event: StepDone) -> list[str]:
        """What the live line says, the most wanted first."""
        assert self._started is not None
        assert self._pace is not None
        words = [
            f"epoch {_of(event.epoch, self._started.epochs)}",
            f"step {_of(event.batch, event.steps_in_epoch)}",
            f"loss {number(event.loss)}",
        ]
        left = self._pace.seconds_for(self._started.total_steps - event.step)
        words += [] if left is None else [f"{_clock(left):>5} left"]
        if self._validates and event.batch == event.steps_in_epoch:
            return [*words, "validating".ljust(11)]
        return words + ([] if self._pace.rate is None else [_rate(self._pace.rate)])

    def _draw(self, event: StepDone, words: list[str]) -> None:
        if self._bar is None:
            assert self._started is not None
            total = self._started.total_steps
            self._bar = tqdm(total=total, file=sys.stderr, leave=False, bar_format="{desc} {bar}", ncols=_width())
        self._bar.ncols = _width()
        self._bar.n = event.step
        self._bar.set_description_str(_fitted(words, self._bar.ncols), refresh=False)
        self._bar.refresh()


@dataclass(slots=True)
class _Pace:
    """How fast the run goes. The first report is where it begins: what came before it, compiling say, comes once."""

    first_step: int
    first_time: float
    step: int = 0
    time: float = 0.0
    rate: float | None = None  # steps per second, of late

    def reach(self, step: int, now: float) -> None:
        if self.step and now > self.time:
            latest = (step - self.step) / (now - self.time)
            self.rate = latest if self.rate is None else 0.85 * self.rate + 0.15 * latest
        self.step, self.time = step, now

    def seconds_for(self, steps: int) -> float | None:
        """How long so many steps will take, with validation and saving as they took their share so far; None before
        that can be told."""
        done = self.step - self.first_step
        return (self.time - self.first_time) / done * steps if done >= _ENOUGH_STEPS else None


def _fitted(words: list[str], width: int) -> str:
    """As many of the words as leave room for a bar; the first in any case."""
    while len(words) > 1 and len("  ".join(words)) > width - _SHORTEST_BAR - 2:
        words = words[:-1]
    return "  ".join(words)


def _width() -> int:
    """Columns to use. The last one stays free: some terminals wrap as soon as it is written."""
    return max(1, min(shutil.get_terminal_size().columns - 1, _WIDEST))


def _of(count: int, total: int) -> str:
    """` 7/30`, as wide as `30/30`: the bar beside it stays where it is."""
    return f"{count:>{len(f'{total:,}')},}/{total:,}"


def _rate(steps_per_second: float) -> str:
    text = f"{steps_per_second:,.0f}" if steps_per_second >= 10 else f"{steps_per_second:.1f}"
    return f"{text:>3} steps/s" if steps_per_second >= 1 else f"{1 / steps_per_second:.1f} s/step".rjust(11)


def _clock(seconds: float) -> str:
    """0:07, 12:34, 1:02:03, 3 d 4 h."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} d {hours % 24} h"
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
