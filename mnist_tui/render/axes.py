"""Limits that snap, so that a frame seldom changes, and ticks at round numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import attrs

_RUNGS = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_ACCURACY_FLOORS = (0.98, 0.95, 0.9, 0.8, 0.5, 0.0)
LEAST_ERROR = 5e-4  # where a logarithmic accuracy axis ends: 99.95 %
CLIPPED_SHARE = (
    0.03  # share of the columns that may leave a linear axis, so that the first steps do not flatten the rest
)


@attrs.frozen
class Axis:
    """Limits in plotted units (after any logarithm) and ticks as (position, label)."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...] = ()


def snap_up(value: float) -> float:
    """The next round number at or above `value` (> 0)."""
    exponent = math.floor(math.log10(value))
    scale = 10.0**exponent
    return next((rung * scale for rung in _RUNGS if rung * scale >= value * (1 - 1e-9)), 10 * scale)


def round_ticks(low: float, high: float, most: int) -> list[float]:
    """At most `most` round positions from `low` to `high`."""
    span = high - low
    if span <= 0 or most < 1:
        return []
    step = 10.0 ** math.floor(math.log10(span / most))
    for factor in (1, 2, 2.5, 5, 10, 20):
        if span / (step * factor) <= most:
            step *= factor
            break
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]


def _percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * (len(ordered) - 1))))]


def loss_axis(lows: Sequence[float], highs: Sequence[float], log: bool, most_ticks: int) -> Axis:
    """The y axis of a loss, from the extremes of its columns (finite numbers)."""
    if log:
        return _log_loss_axis(lows, highs)
    high = snap_up(max(_percentile(highs, 1 - CLIPPED_SHARE), 1e-9)) if highs else 2.5
    return _loss_axis_to(high, most_ticks)


@lru_cache(maxsize=16)
def _loss_axis_to(high: float, most_ticks: int) -> Axis:
    return Axis(0.0, high, tuple((y, f"{y:g}") for y in round_ticks(0.0, high, most_ticks)))


def _log_loss_axis(lows: Sequence[float], highs: Sequence[float]) -> Axis:
    positive = [value for value in lows if value > 0]
    smallest = _percentile(positive, CLIPPED_SHARE) if positive else 0.01
    largest = max([value for value in highs if value > 0], default=1.0)
    low = min(math.floor(math.log10(smallest)), math.ceil(math.log10(largest)) - 1)
    high = max(math.ceil(math.log10(largest) * 2 - 1e-9) / 2, low + 1)
    ticks = [(float(k), f"{10.0**k:g}") for k in range(low, math.floor(high) + 1)]
    return Axis(low, high, tuple(ticks))


def accuracy_axis(lows: Sequence[float], log: bool, most_ticks: int) -> Axis:
    """The y axis of an accuracy: to 100 %, or logarithmic in the error, with 90, 99 and 99.9 % equally far apart."""
    if log:
        ticks = ((0.0, "0%"), (1.0, "90%"), (2.0, "99%"), (3.0, "99.9%"))
        return Axis(0.0, -math.log10(LEAST_ERROR), ticks)
    needed = _percentile(lows, CLIPPED_SHARE) if lows else 0.0
    low = next(floor for floor in _ACCURACY_FLOORS if floor <= max(needed, 0.0))
    return _accuracy_axis_from(low, most_ticks)


@lru_cache(maxsize=16)
def _accuracy_axis_from(low: float, most_ticks: int) -> Axis:
    return Axis(low, 1.0, tuple((y, f"{y * 100:g}%") for y in round_ticks(low, 1.0, most_ticks)))


def plotted_loss(value: float, log: bool) -> float:
    """A loss in the units of its axis; NaN where a logarithm has none."""
    if not log:
        return value
    return math.log10(value) if value > 0 else math.nan


def plotted_accuracy(value: float, log: bool) -> float:
    """An accuracy (0..1) in the units of its axis."""
    return -math.log10(max(1 - value, LEAST_ERROR)) if log else value
