"""The x axis in batches, epochs or seconds: limits that seldom change, ticks at round numbers of its unit."""

from __future__ import annotations

import math
from functools import lru_cache

from mnist_tui.core.positions import Unit
from mnist_tui.render.axes import Axis, round_ticks, snap_up
from mnist_tui.render.words import grouped

_LEAST: dict[Unit, float] = {"step": 100, "epoch": 0.1, "time": 10}
_MINUTE, _HOUR = 60, 3600
_SECONDS = (10, 15, 20, 30, 45, 60)
_MINUTES = (1, 1.5, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60)
_INTERVALS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200)


def x_axis(unit: Unit, last: float, planned: float | None, recent: float | None, most_ticks: int) -> Axis:
    """The whole run so far, growing in rounds up to `planned`, or the newest stretch of about `recent`.

    The recent window moves on by a quarter at a time, so that a frame and most cells survive from one drawing to the
    next. All in `unit`.
    """
    if recent is not None:
        least = max(_LEAST[unit] / 100, last * 1e-6)  # a window that a float at its end can still divide
        span = recent if unit == "step" else snap(unit, max(recent, least))
        quarter = max(1, span // 4) if unit == "step" else span / 4
        high = max(span, math.ceil(last / quarter - 1e-9) * quarter)
        return ticked(unit, max(0, high - span), high, most_ticks)
    high = snap(unit, max(last * 1.02, _LEAST[unit]))
    if planned and high > planned * 0.8:
        high = max(planned, last, _LEAST[unit] / 100)
    return ticked(unit, 0, high, most_ticks)


def snap(unit: Unit, value: float) -> float:
    """The next number of `unit` at or above `value` (> 0) that people call round."""
    if unit == "step":
        return math.ceil(snap_up(value))
    if unit == "epoch" or not 10 < value <= _HOUR:
        return snap_up(value) if value <= _HOUR or unit == "epoch" else snap_up(value / _HOUR) * _HOUR
    if value <= _MINUTE:
        return next(second for second in _SECONDS if second >= value)
    return next(minute * _MINUTE for minute in _MINUTES if minute * _MINUTE >= value)


@lru_cache(maxsize=64)
def ticked(unit: Unit, low: float, high: float, most: int) -> Axis:
    """An axis with these limits and at most `most` ticks (one more where both ends are round)."""
    if unit == "time":
        return Axis(low, high, _time_ticks(low, high, most))
    ticks = round_ticks(low, high, most)
    if unit == "step":
        return Axis(low, high, tuple((x, grouped(round(x))) for x in ticks if x == round(x)))
    return Axis(low, high, tuple((x, f"{x:.6g}") for x in ticks))


def _time_ticks(low: float, high: float, most: int) -> tuple[tuple[float, str], ...]:
    interval = next((each for each in _INTERVALS if high - low <= each * most), 0)
    if most < 1:
        return ()
    if not interval:
        return tuple((x * _HOUR, f"{x:.6g} h") for x in round_ticks(low / _HOUR, high / _HOUR, most))
    if high - low < most:
        return tuple((x, f"{x:.6g} s") for x in round_ticks(low, high, most))
    ticks = [k * interval for k in range(math.ceil(low / interval - 1e-9), math.floor(high / interval + 1e-9) + 1)]
    if interval >= _HOUR:
        return tuple((x, f"{x // _HOUR} h") for x in ticks)
    if interval >= _MINUTE or (interval == 30 and high >= 5 * _MINUTE):
        return tuple((x, f"{x / _MINUTE:.6g} min") for x in ticks)
    return tuple((x, f"{grouped(x)} s") for x in ticks)
