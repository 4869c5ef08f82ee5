"""Axes: where numbers lie, and which round ones are written beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

# A positive quantity whose largest value is so many times its smallest is shown on a logarithmic scale.
_DECADES = 30
# Nothing is left out of an axis by a tick that misses its end by rounding.
_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Axis:
    """From `low` to `high`. ticks: the round values to write. logarithmic: equal ratios are equally far apart."""

    low: float
    high: float
    ticks: tuple[float, ...]
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """0 at the low end, 1 at the high one."""
        if self.logarithmic:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def labels(self) -> list[str]:
        """The ticks as text, each as exact as it must be."""
        if self.logarithmic or len(self.ticks) < 2:
            return [plain(each) for each in self.ticks]
        step, largest = self.ticks[1] - self.ticks[0], max(map(abs, self.ticks))
        decimals = max(0, -math.floor(math.log10(step) + _SLACK))
        if decimals <= 4 and largest < 1e7:
            return [f"{each:.{decimals}f}" for each in self.ticks]
        return [plain(each, math.floor(math.log10(largest / step) + _SLACK) + 2) for each in self.ticks]


def axis_for(values: Sequence[float], most: int = 5) -> Axis:
    """An axis that holds these finite values with some room, and has at most about so many ticks."""
    low, high = min(values), max(values)
    if low > 0 and high / low >= _DECADES:
        return _logarithmic(low, high, most)
    room = (high - low) * 0.06 or abs(high) * 0.1 or 0.5
    step = _round_step((high - low or 2 * room) / most)
    return _linear(low - room, high + room, step)


def whole_axis(low: int, high: int, most: int) -> Axis:
    """An axis of whole numbers that ends at the first and the last; of a single one, that lies in the middle."""
    if low == high:
        return Axis(low - 0.5, high + 0.5, (float(low),))
    step = max(1, round(_round_step((high - low) / most)))
    inner = [float(each) for each in range(-(-low // step) * step, high + 1, step)]
    return Axis(low, high, tuple(inner))


def _linear(low: float, high: float, step: float) -> Axis:
    first, last = math.ceil(low / step - _SLACK), math.floor(high / step + _SLACK)
    return Axis(low, high, tuple(each * step for each in range(first, last + 1)))


def _logarithmic(low: float, high: float, most: int) -> Axis:
    low, high = low / 1.25, high * 1.25
    powers = range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)
    if len(powers) >= 3:
        apart = -(-len(powers) // (most + 1))
        return Axis(low, high, tuple(10.0**each for each in powers[::apart]), logarithmic=True)
    near = [factor * 10.0**power for power in range(powers.start - 1, powers.stop + 1) for factor in (1, 3)]
    return Axis(low, high, tuple(each for each in near if low <= each <= high), logarithmic=True)


def _round_step(least: float) -> float:
    """The smallest of 1, 2, 5, 10 ... times a power of ten that is not below."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - _SLACK))


def plain(value: float, digits: int = 4) -> str:
    """So many digits of it that matter: 0.001, 250, 2e-5."""
    if value == 0 or 1e-3 * (1 - _SLACK) <= abs(value) < max(1e5, 10.0**digits) * (1 - _SLACK):
        return f"{value:.{max(digits, len(str(int(abs(value)))))}g}"
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    return f"{float(mantissa):.{digits}g}e{int(exponent)}"
