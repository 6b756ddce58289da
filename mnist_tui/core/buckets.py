"""Stretches of batches that keep their extremes: one bucket, several merged, one split."""

from __future__ import annotations

import math
from collections.abc import Sequence

import attrs


@attrs.define(slots=True)
class Bucket:
    """Batches `first` … `last` of a series.

    Attributes:
        low, high: extremes of the finite raw values; NaN where there is none.
        emas: the moving average at its end for each of the series' strengths.
        samples: images seen in the run at its end.
        seconds: of training at its end.
        finite: finite values of the series up to its end.
    """

    first: int
    last: int
    low: float
    high: float
    emas: tuple[float, ...]
    samples: int = 0
    seconds: float = 0.0
    finite: int = 0


def merge(buckets: Sequence[Bucket]) -> Bucket:
    """One bucket of several that follow each other."""
    low = high = math.nan
    for bucket in buckets:
        low, high = least(low, bucket.low), greatest(high, bucket.high)
    return attrs.evolve(buckets[-1], first=buckets[0].first, low=low, high=high)


def split(bucket: Bucket, before: Bucket | None, step: int) -> tuple[Bucket, Bucket]:
    """The parts of `bucket` up to `step` and after it; the figures at `step` are interpolated from those `before` it.

    Both parts keep its extremes: which of them holds the batch is not known.
    """
    if before is None:
        before = Bucket(0, bucket.first - 1, math.nan, math.nan, bucket.emas)
    share = (step - before.last) / (bucket.last - before.last)
    emas = tuple(
        [new if old != old else old + share * (new - old) for old, new in zip(before.emas, bucket.emas, strict=True)]
    )
    head = Bucket(
        bucket.first,
        step,
        bucket.low,
        bucket.high,
        emas,
        round(before.samples + share * (bucket.samples - before.samples)),
        before.seconds + share * (bucket.seconds - before.seconds),
        round(before.finite + share * (bucket.finite - before.finite)),
    )
    return head, attrs.evolve(bucket, first=step + 1)


def thin(buckets: Sequence[Bucket], most: int) -> list[Bucket]:
    """At most `most` buckets, each of as many of `buckets`."""
    size = -(-len(buckets) // most)
    return [merge(buckets[start : start + size]) for start in range(0, len(buckets), max(1, size))]


def least(a: float, b: float) -> float:
    """The smaller number; NaN only where both are."""
    return b if a != a else a if b != b or a <= b else b


def greatest(a: float, b: float) -> float:
    """The larger number; NaN only where both are."""
    return b if a != a else a if b != b or a >= b else b
