"""Exponential moving averages, free of the bias towards their zero start (Kingma & Ba 2014, section 3)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from math import isfinite

import attrs

SMOOTHINGS = (0.0, 0.8, 0.95, 0.99)
DEFAULT_SMOOTHING = 2
SMOOTHING = SMOOTHINGS[DEFAULT_SMOOTHING]
_WARM = 4096  # finite values after which the correction is 1 to the last bit: 0.99 ** 4096 is below 2e-18


class Ema:
    """One average at one strength."""

    def __init__(self, smoothing: float = SMOOTHING) -> None:
        self.smoothing = smoothing
        self._mean = 0.0
        self._weight = 0.0

    def add(self, value: float) -> float:
        """Take `value` in and return the average; a value that is not finite changes nothing."""
        if isfinite(value):
            self._mean += (1 - self.smoothing) * (value - self._mean)
            self._weight += (1 - self.smoothing) * (1 - self._weight)
        return self.value

    @property
    def value(self) -> float:
        """The average so far; NaN before the first finite value."""
        return self._mean / self._weight if self._weight else math.nan


@attrs.frozen(repr=False, eq=False)
class Averaged:
    """Averages after each of some values.

    Attributes:
        columns: one sequence for each strength, as long as the values.
        counts: finite values up to and with each value.
    """

    columns: Sequence[Sequence[float]]
    counts: Sequence[int]


class Averages:
    """The average of one series at several strengths, fed in chunks.

    A chunk costs a pass in a comprehension for each strength, 40 ns a value; a loop with a method call for each value
    would cost 300 ns, and this runs in the thread of the screen.

    Attributes:
        values: the average at each of `smoothings` now, NaN before the first finite value.
        count: finite values so far.
    """

    def __init__(self, smoothings: Sequence[float] = SMOOTHINGS) -> None:
        self.smoothings = tuple(smoothings)
        self.go_on_from((math.nan,) * len(self.smoothings), 0)

    def go_on_from(self, values: tuple[float, ...], count: int) -> None:
        """Set the state to an earlier one."""
        self.values, self.count = values, count

    def extend(self, values: Sequence[float], all_finite: bool) -> Averaged:
        """Take `values` in, at least one; one that is not finite changes no average."""
        averaged = self._fast(values) if all_finite and self.count >= _WARM else self._careful(values)
        self.values = tuple([column[-1] for column in averaged.columns])
        self.count = averaged.counts[-1]
        return averaged

    def _fast(self, values: Sequence[float]) -> Averaged:
        columns: list[Sequence[float]] = []
        for smoothing, mean in zip(self.smoothings, self.values, strict=True):
            rate = 1 - smoothing
            columns.append([mean := mean + rate * (value - mean) for value in values] if smoothing else values)
        return Averaged(columns, range(self.count + 1, self.count + len(values) + 1))

    def _careful(self, values: Sequence[float]) -> Averaged:
        """Any values, and the correction: the rate of the n-th is (1 - s) / (1 - s^n)."""
        counts: list[int] = []
        count = self.count
        for value in values:
            count += isfinite(value)
            counts.append(count)
        columns: list[Sequence[float]] = []
        for smoothing, mean in zip(self.smoothings, self.values, strict=True):
            column: list[float] = []
            for value, count in zip(values, counts, strict=True):
                if isfinite(value):
                    mean = value if count == 1 else mean + (1 - smoothing) / (1 - smoothing**count) * (value - mean)
                column.append(mean)
            columns.append(column)
        return Averaged(columns, counts)
