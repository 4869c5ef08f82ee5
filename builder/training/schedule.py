"""The course of the learning rate: torch's schedulers, one stretch after another."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from torch.optim import Optimizer, lr_scheduler

from builder.training.errors import TrainingError
from builder.training.events import Row

Scheduler: TypeAlias = lr_scheduler.LRScheduler | lr_scheduler.ReduceLROnPlateau
# Steps and epochs done -> what the learning rate is multiplied by.
Course: TypeAlias = Callable[[int, int], float]

_PLATEAU: Final = "ReduceLROnPlateau"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of the course that one scheduler of torch rules.

    every: what it counts. length: how long it is, in that; None: to the end of the run. course: in place of torch's
    `lr_lambda`. length_name: the argument that is the length of the stretch where it is not given (T_max). metric: the
    column that ReduceLROnPlateau watches.
    """

    type: str
    arguments: Mapping[str, Any]
    every: Literal["step", "epoch"] = "epoch"
    length: int | None = None
    course: Course | None = None
    length_name: str | None = None
    metric: str | None = None


@dataclass(slots=True)
class Schedule:
    """Changes the optimizer's rates after each step and each epoch.

    A stretch begins with the rates that the optimizer was made with, as `torch.optim.lr_scheduler.SequentialLR` has it.
    """

    optimizer: Optimizer
    stretches: Sequence[Stretch]
    total_steps: int
    epochs: int
    rising: frozenset[str] = frozenset()
    index: int = 0
    count: int = 0  # of the present stretch, in what it counts
    step: int = 0
    epoch: int = 0
    _scheduler: Scheduler | None = None
    _starts: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._starts = [group["lr"] for group in self.optimizer.param_groups]
        if self.stretches:
            self._begin(0)

    def after_step(self) -> None:
        """Call it after each of the optimizer's steps."""
        self.step += 1
        if self.stretches and self.stretches[self.index].every == "step":
            self._advance(None)

    def after_epoch(self, row: Row) -> None:
        """Call it after each epoch, with what it came to."""
        self.epoch += 1
        if self.stretches and self.stretches[self.index].every == "epoch":
            self._advance(row)

    def state(self) -> dict[str, Any]:
        """Plain values to go on from; `restore` takes them."""
        inner = {} if self._scheduler is None else dict(self._scheduler.state_dict())
        return {"index": self.index, "count": self.count, "step": self.step, "epoch": self.epoch, "inner": inner}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Stand where `state` stood. The optimizer's own state must be restored after it: beginning a stretch changes
        the rates."""
        self.step, self.epoch = state["step"], state["epoch"]
        if not self.stretches:
            return
        self._begin(state["index"])
        self.count = state["count"]
        assert self._scheduler is not None  # a stretch has begun
        self._scheduler.load_state_dict(dict(state["inner"]))

    def own_rates(self) -> None:
        """Go on with the rates that the optimizer was made with: each stands where it would on its course."""
        for group, start in zip(self.optimizer.param_groups, self._starts, strict=True):
            before = group.get("initial_lr", group["lr"])
            if start != before:
                group["lr"] = group["lr"] * (start / before) if before else start
            if "initial_lr" in group:
                group["initial_lr"] = start
        if isinstance(self._scheduler, lr_scheduler.LRScheduler):
            self._scheduler.base_lrs = list(self._starts)

    def _advance(self, row: Row | None) -> None:
        self.count += 1
        stretch = self.stretches[self.index]
        if stretch.length is not None and self.count >= stretch.length and self.index + 1 < len(self.stretches):
            self._begin(self.index + 1)
            return
        # torch looks at the order of steps in a scheduler's first one alone.
        with _unwarned() if self.count == 1 else nullcontext():
            if isinstance(self._scheduler, lr_scheduler.ReduceLROnPlateau):
                self._scheduler.step(_watched(stretch, row))
            elif self._scheduler is not None:
                self._scheduler.step()

    def _begin(self, index: int) -> None:
        self.index, self.count = index, 0
        for group, rate in zip(self.optimizer.param_groups, self._starts, strict=True):
            group["lr"] = rate
            group.pop("initial_lr", None)  # the scheduler sets it anew
        stretch = self.stretches[index]
        arguments = {name: value for name, value in stretch.arguments.items() if name != "lr_lambda"}
        if stretch.length_name is not None and stretch.length_name not in arguments:
            arguments[stretch.length_name] = self._length(stretch)
        if stretch.course is not None:
            course = stretch.course
            arguments["lr_lambda"] = lambda _: course(self.step, self.epoch)
        if stretch.type == _PLATEAU and stretch.metric in self.rising:
            arguments.setdefault("mode", "max")
        try:
            self._scheduler = getattr(lr_scheduler, stretch.type)(self.optimizer, **arguments)
        except (TypeError, ValueError, ZeroDivisionError) as error:
            raise TrainingError(f"{stretch.type}: {str(error).rpartition('__init__() ')[2]}") from error

    def _length(self, stretch: Stretch) -> int:
        """How often the stretch is advanced, at least once."""
        if stretch.length is not None:
            return stretch.length
        left = self.total_steps - self.step if stretch.every == "step" else self.epochs - self.epoch
        return max(left, 1)


@contextmanager
def _unwarned() -> Iterator[None]:
    """fp16 leaves out the optimizer's step where a gradient overflows, which torch takes for a wrong order."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Detected call of `lr_scheduler.step")
        yield


def _watched(stretch: Stretch, row: Row | None) -> float:
    value = (row or {}).get(stretch.metric or "val_loss")
    if value is None:
        raise TrainingError(f"{stretch.type} watches {stretch.metric}, which this run does not measure")
    return float(value)
