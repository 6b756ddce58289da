"""One value per batch, bounded in memory and in the cost of drawing, however long the run.

A `Series` keeps its newest batches whole and the entire run in at most `CAPACITY` buckets. When the buckets are full,
neighbours merge and every bucket covers twice as many batches; a bucket keeps its smallest and largest value, so
thinning never loses the best or the worst batch, and the averages at its end, so thinning never changes an average.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from math import isfinite
from operator import attrgetter

import attrs

from mnist_tui.core.averages import DEFAULT_SMOOTHING, SMOOTHINGS, Averaged, Averages
from mnist_tui.core.buckets import Bucket, greatest, least, merge, split

CAPACITY = 1024
RECENT = 1000

_last = attrgetter("last")


@attrs.frozen(repr=False, eq=False)
class _Chunk:
    """Batches that came together: the raw values (NaN where not finite), and what holds after the last of them."""

    first: int
    raws: Sequence[float]
    averaged: Averaged
    samples: int
    batch_size: int
    seconds: float
    each: float

    def buckets(self, newest: int) -> list[Bucket]:
        """One bucket for each of the `newest` values."""
        count = len(self.raws)
        skip = max(0, count - newest)
        emas = zip(*[column[skip:] for column in self.averaged.columns], strict=True)
        return [
            Bucket(
                self.first + index,
                self.first + index,
                (raw := self.raws[index]),
                raw,
                averages,
                self.samples - (count - 1 - index) * self.batch_size,
                self.seconds - (count - 1 - index) * self.each,
                self.averaged.counts[index],
            )
            for index, averages in enumerate(emas, skip)
        ]


class Series:
    """One value per batch, kept whole for the newest `RECENT` and in buckets for the whole run.

    Attributes:
        reshaped: how often buckets other than the last became others; between two such times they only follow on.
    """

    def __init__(
        self, capacity: int = CAPACITY, recent: int = RECENT, smoothings: Sequence[float] = SMOOTHINGS
    ) -> None:
        self._capacity = capacity
        self._stride = 1
        self._buckets: list[Bucket] = []
        self._newest: deque[Bucket] = deque(maxlen=recent)
        self._chunks: deque[_Chunk] = deque()  # not yet in `_newest`: made into buckets when somebody looks
        self._chunked = 0
        self._recent = recent
        self._averages = Averages(smoothings)
        self.latest = math.nan
        self.last_step = 0
        self.reshaped = 0

    def __len__(self) -> int:
        return self.last_step

    @property
    def averages(self) -> tuple[float, ...]:
        """The moving average at the newest batch, for each strength."""
        return self._averages.values

    @property
    def average(self) -> float:
        """The moving average at the newest batch, at the usual strength."""
        return self._averages.values[DEFAULT_SMOOTHING]

    def extend(
        self,
        first_step: int,
        values: Sequence[float],
        samples: int = 0,
        batch_size: int = 0,
        seconds: float = 0.0,
        each: float = 0.0,
    ) -> None:
        """Append the values of batches `first_step`, `first_step + 1`, …

        A value that is not finite leaves a gap: its bucket has `low` = `high` = NaN unless other batches fill it.

        Args:
            first_step: the step of the first value.
            values: one a batch.
            samples: images seen after the last of them, `batch_size` in each.
            batch_size: images in each batch.
            seconds: of training after the last of them, `each` in each.
            each: seconds a batch.
        """
        if not values:
            return
        finite = all(map(isfinite, values))
        raws = values if finite else [value if isfinite(value) else math.nan for value in values]
        averaged = self._averages.extend(values, finite)
        chunk = _Chunk(first_step, raws, averaged, samples, batch_size, seconds, each)
        self._fill(chunk, finite)
        self._chunks.append(chunk)
        self._chunked += len(values)
        while self._chunked - len(self._chunks[0].raws) >= self._recent:
            self._chunked -= len(self._chunks.popleft().raws)
        self.latest = values[-1]
        self.last_step = first_step + len(values) - 1

    def _fill(self, chunk: _Chunk, finite: bool) -> None:
        """Put a chunk into the buckets, a stretch of one bucket at a time."""
        first, raws, averaged = chunk.first, chunk.raws, chunk.averaged
        index, count = 0, len(raws)
        while index < count:
            group = (first + index) // self._stride
            last = self._buckets[-1] if self._buckets else None
            fits = last is not None and last.first // self._stride == group
            if not fits and len(self._buckets) >= self._capacity:
                self._halve()
                continue
            end = min(count, (group + 1) * self._stride - first)
            part = raws[index:end] if finite else [raw for raw in raws[index:end] if raw == raw]
            low, high = (min(part), max(part)) if part else (math.nan, math.nan)
            emas = tuple([column[end - 1] for column in averaged.columns])
            after = count - end
            samples, seconds = chunk.samples - after * chunk.batch_size, chunk.seconds - after * chunk.each
            step, seen = first + end - 1, averaged.counts[end - 1]
            if fits and last is not None:
                last.last, last.emas, last.samples, last.seconds, last.finite = step, emas, samples, seconds, seen
                last.low, last.high = least(last.low, low), greatest(last.high, high)
            else:
                self._buckets.append(Bucket(first + index, step, low, high, emas, samples, seconds, seen))
            index = end

    def _halve(self) -> None:
        self.reshaped += 1
        self._stride *= 2
        merged: list[Bucket] = []
        for bucket in self._buckets:
            if merged and merged[-1].first // self._stride == bucket.first // self._stride:
                merged[-1] = merge([merged[-1], bucket])
            else:
                merged.append(bucket)
        self._buckets = merged

    def whole(self) -> Sequence[Bucket]:
        """The entire run, at most `CAPACITY` buckets."""
        return self._buckets

    def detailed(self) -> Sequence[Bucket]:
        """The entire run: its newest batches one bucket each, and before them the buckets of the whole run."""
        newest = self._one_each()
        if not newest:
            return self._buckets
        start = newest[0].first
        earlier = self._buckets[: bisect_right(self._buckets, start - 1, key=_last)]
        straddler = self._buckets[len(earlier)]
        if straddler.first < start:
            earlier.append(split(straddler, earlier[-1] if earlier else None, start - 1)[0])
        return earlier + newest

    def recent(self, count: int = RECENT) -> Sequence[Bucket]:
        """The newest `count` batches, one bucket each; after a rewind, the oldest of them as in `whole`."""
        buckets = self.detailed()
        return buckets[bisect_right(buckets, self.last_step - count, key=_last) :]

    def _one_each(self) -> list[Bucket]:
        """The newest batches, one bucket each."""
        for chunk in self._chunks:
            self._newest.extend(chunk.buckets(self._recent))
        self._chunks.clear()
        self._chunked = 0
        return list(self._newest)

    def truncate(self, step: int, samples: int, seconds: float) -> list[Bucket]:
        """Forget the batches after `step`, at which `samples` images were seen in `seconds`; return their buckets.

        The averages go on from their values at `step`: exact where that batch is among the newest or ends a bucket,
        else interpolated between two bucket ends. The first bucket returned is of batch `step` itself, where a line
        through the others begins.
        """
        if step >= self.last_step:
            return []
        self.reshaped += 1
        newest = self._one_each()
        cut = bisect_right(newest, step, key=_last)
        kept, dropped = newest[:cut], newest[cut:]
        at = bisect_right(self._buckets, step, key=_last)
        gone = self._buckets[at:]
        del self._buckets[at:]
        if gone[0].first <= step:
            head, gone[0] = split(gone[0], self._buckets[-1] if self._buckets else None, step)
            inside = [bucket for bucket in kept if bucket.first >= head.first]
            exact = merge(inside) if inside else head
            if exact.first > head.first:
                exact.first, exact.low, exact.high = head.first, head.low, head.high
            self._buckets.append(exact)
        self._newest.clear()
        self._newest.extend(kept)
        self._go_back(step, samples, seconds)
        branch = dropped if dropped and dropped[0].first == step + 1 else gone
        if step:
            emas = self._averages.values
            branch = [Bucket(step, step, emas[0], emas[0], emas, samples, seconds, self._averages.count), *branch]
        return branch

    def _go_back(self, step: int, samples: int, seconds: float) -> None:
        """Set what is known about the newest batch to that at `step`; bucket as finely as a run of that length."""
        self.last_step = step
        while self._stride > 1 and step < self._stride * self._capacity // 4:
            self._stride //= 2
        if not self._buckets:
            self._averages = Averages(self._averages.smoothings)
            self.latest = math.nan
            return
        end = self._buckets[-1]
        end.samples, end.seconds = samples, seconds
        self._averages.go_on_from(end.emas, end.finite)
        self.latest = self._newest[-1].low if self._newest else end.emas[0]
