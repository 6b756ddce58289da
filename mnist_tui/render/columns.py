"""A series reduced to the dot columns of a chart, in a pass over its buckets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import attrs

from mnist_tui.core.averages import DEFAULT_SMOOTHING
from mnist_tui.render.axes import Axis


class Bucket(Protocol):
    """What the curves need of a stretch of batches."""

    last: int
    low: float
    high: float
    emas: tuple[float, ...]


@attrs.frozen
class Columns:
    """Lowest and highest raw value and the last average of each dot column, NaN where none.

    Attributes:
        gaps: columns whose batches have no finite value; no line is drawn across them.
        stamp: tells these from all others.
        follows: the stamp of those that these have grown out of.
        first: the first column in which they may differ from them.
    """

    lows: list[float]
    highs: list[float]
    averages: list[float]
    gaps: frozenset[int] = frozenset()
    stamp: object = attrs.field(factory=object, eq=False, repr=False)
    follows: object = attrs.field(default=None, eq=False, repr=False)
    first: int = attrs.field(default=0, eq=False, repr=False)

    def finite(self, values: Sequence[float]) -> list[float]:
        """The values that are numbers."""
        return [value for value in values if value == value]


class Reduction:
    """Buckets spread over dot columns, extremes kept; more of them may follow.

    Args:
        x: limits, in the unit in which the buckets' ends are given.
        columns: how many.
        smoothing: which of the averages.

    Attributes:
        newest: the column of the newest bucket within the limits.
    """

    def __init__(self, x: Axis, columns: int, smoothing: int) -> None:
        self._x = x
        self._columns = columns
        self._smoothing = smoothing
        self._lows, self._highs, self._averages = ([math.nan] * columns for _ in range(3))
        self._empty: set[int] = set()
        self._outside: list[tuple[int, float, float]] = []
        self.newest = 0

    def take(self, buckets: Sequence[Bucket], ends: Sequence[float]) -> None:
        """Spread `buckets`, which follow those before and end at `ends`."""
        columns, smoothing = self._columns, self._smoothing
        lows, highs, averages = self._lows, self._highs, self._averages
        start = self._x.low
        scale = (columns - 1) / (self._x.high - start) if self._x.high > start else 0.0
        for bucket, end in zip(buckets, ends, strict=True):
            position = (end - start) * scale + 0.5
            if not 0 <= position < columns:
                if position < 0:
                    self._outside = [(-1, position, bucket.emas[smoothing])]
                elif not self._outside or self._outside[-1][0] < 0:
                    self._outside.append((columns, position, bucket.emas[smoothing]))
                    break
                continue
            self.newest = column = int(position)
            low, high = bucket.low, bucket.high
            if low != low:
                self._empty.add(column)
                continue
            if not lows[column] <= low:
                lows[column] = low
            if not highs[column] >= high:
                highs[column] = high
            averages[column] = bucket.emas[smoothing]

    def copy(self) -> Reduction:
        """One that goes on by itself."""
        twin = Reduction(self._x, 0, self._smoothing)
        twin._columns = self._columns
        twin._lows, twin._highs, twin._averages = self._lows[:], self._highs[:], self._averages[:]
        twin._empty, twin._outside, twin.newest = set(self._empty), self._outside[:], self.newest
        return twin

    def finish(self, follows: object = None, first: int = 0) -> Columns:
        """What it came to; where a column at an edge has no bucket, its average is on the line to the nearest outside.

        No more can be taken afterwards.

        Args:
            follows: the stamp of columns that it has grown out of.
            first: of the columns, the first that may differ from those.
        """
        gaps = frozenset(column for column in self._empty if self._lows[column] != self._lows[column])
        if self._outside and self._columns:
            _reach_edges(self._averages, self._outside, gaps)
            follows = None
        return Columns(self._lows, self._highs, self._averages, gaps, follows=follows, first=first)


def reduce_to_columns(
    buckets: Sequence[Bucket],
    x: Axis,
    columns: int,
    ends: Sequence[float] | None = None,
    smoothing: int = DEFAULT_SMOOTHING,
) -> Columns:
    """Spread `buckets` over `columns` dot columns between the limits of `x`, extremes kept.

    Args:
        buckets: in order.
        x: limits in its unit.
        columns: how many.
        ends: where each bucket ends, in the unit of `x`; its last step where not given.
        smoothing: which of the averages.
    """
    reduction = Reduction(x, columns, smoothing)
    reduction.take(buckets, [bucket.last for bucket in buckets] if ends is None else ends)
    return reduction.finish()


def _reach_edges(averages: list[float], outside: list[tuple[int, float, float]], gaps: frozenset[int]) -> None:
    """Continue the line of averages to the edges, towards the buckets `outside`: (side, dot position, average)."""
    inside = [(column, value) for column, value in enumerate(averages) if value == value]
    for number, (side, position, value) in enumerate(outside):
        edge = 0 if side < 0 else len(averages) - 1
        others = inside if side < 0 else inside[::-1]
        if others:
            column, other = others[0]
        elif len(outside) == 2:
            column, other = round(outside[1 - number][1]), outside[1 - number][2]
        else:
            continue
        between = range(min(edge, column), max(edge, column) + 1)
        if averages[edge] != averages[edge] and not any(gap in between for gap in gaps):
            averages[edge] = value + (other - value) * (edge + 0.5 - position) / (column + 0.5 - position)
