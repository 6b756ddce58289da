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
    """

    lows: list[float]
    highs: list[float]
    averages: list[float]
    gaps: frozenset[int] = frozenset()

    def finite(self, values: Sequence[float]) -> list[float]:
        """The values that are numbers."""
        return [value for value in values if value == value]


def reduce_to_columns(
    buckets: Sequence[Bucket],
    x: Axis,
    columns: int,
    ends: Sequence[float] | None = None,
    smoothing: int = DEFAULT_SMOOTHING,
) -> Columns:
    """Spread `buckets` over `columns` dot columns between the limits of `x`, extremes kept.

    Where a column at an edge has no bucket, its average lies on the line to the nearest bucket outside.

    Args:
        buckets: in order.
        x: limits in its unit.
        columns: how many.
        ends: where each bucket ends, in the unit of `x`; its last step where not given.
        smoothing: which of the averages.
    """
    nan = math.nan
    lows, highs, averages = [nan] * columns, [nan] * columns, [nan] * columns
    empty: set[int] = set()
    scale = (columns - 1) / (x.high - x.low) if x.high > x.low else 0.0
    start = x.low
    if ends is None:
        ends = [bucket.last for bucket in buckets]
    outside: list[tuple[int, float, float]] = []
    for bucket, end in zip(buckets, ends, strict=True):
        position = (end - start) * scale + 0.5
        if not 0 <= position < columns:
            if position < 0:
                outside = [(-1, position, bucket.emas[smoothing])]
            else:
                outside.append((columns, position, bucket.emas[smoothing]))
                break
            continue
        column = int(position)
        low, high = bucket.low, bucket.high
        if low != low:
            empty.add(column)
            continue
        if not lows[column] <= low:
            lows[column] = low
        if not highs[column] >= high:
            highs[column] = high
        averages[column] = bucket.emas[smoothing]
    gaps = frozenset(column for column in empty if lows[column] != lows[column])
    if outside and columns:
        _reach_edges(averages, outside, gaps)
    return Columns(lows, highs, averages, gaps)


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
