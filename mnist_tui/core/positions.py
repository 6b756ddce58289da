"""Where batches lie along the x axis, in each of its units."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Literal, TypeAlias

from mnist_tui.core.buckets import Bucket

Unit: TypeAlias = Literal["step", "epoch", "time"]
"""Batches, passes over the training set (1.5 is halfway through the second), or seconds of training."""

UNITS: tuple[Unit, ...] = ("step", "epoch", "time")

_last = attrgetter("last")


def positions(buckets: Sequence[Bucket], unit: Unit, samples_per_epoch: int) -> list[float]:
    """The end of each bucket, in `unit`."""
    if unit == "step":
        return [bucket.last for bucket in buckets]
    if unit == "time":
        return [bucket.seconds for bucket in buckets]
    share = 1 / (samples_per_epoch or 1)
    return [bucket.samples * share for bucket in buckets]


def position_at(buckets: Sequence[Bucket], step: float, unit: Unit, samples_per_epoch: int) -> float:
    """The end of batch `step`, in `unit`, interpolated between bucket ends; of a later one, that of the newest."""
    if unit == "step" or not buckets:
        return step if unit == "step" else 0.0
    index = min(bisect_left(buckets, step, key=_last), len(buckets) - 1)
    near = buckets[max(0, index - 1) : index + 1]
    ends = positions(near, unit, samples_per_epoch)
    before = (near[0].last, ends[0]) if index else (buckets[0].first - 1, 0.0)
    return _between(step, before, (near[-1].last, ends[-1]))


def step_at(buckets: Sequence[Bucket], x: float, unit: Unit, samples_per_epoch: int) -> float:
    """The inverse of `position_at`: the step, not rounded, at `x`."""
    if unit == "step" or not buckets:
        return x if unit == "step" else 0.0
    end: Callable[[Bucket], float] = (
        attrgetter("seconds") if unit == "time" else lambda bucket: bucket.samples / (samples_per_epoch or 1)
    )
    index = min(bisect_left(buckets, x, key=end), len(buckets) - 1)
    before = (end(buckets[index - 1]), buckets[index - 1].last) if index else (0.0, buckets[0].first - 1)
    return _between(x, before, (end(buckets[index]), buckets[index].last))


def _between(x: float, before: tuple[float, float], after: tuple[float, float]) -> float:
    """The value at `x` on the line from `before` to `after`, both (x, value); outside, that of the nearer end."""
    if after[0] <= before[0] or x >= after[0]:
        return after[1]
    return before[1] + max(0.0, x - before[0]) / (after[0] - before[0]) * (after[1] - before[1])
