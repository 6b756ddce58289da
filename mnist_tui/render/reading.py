"""What the cursor of a chart stands on, in numbers and in words."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import attrs

from mnist_tui.core.history import History
from mnist_tui.render.chart import value_of
from mnist_tui.render.view import View
from mnist_tui.render.words import clock, grouped


@attrs.frozen
class Reading:
    """The batches in the cell of the cursor.

    Attributes:
        step, epoch, seconds: of the batch nearest to the cursor; epochs as 1.28, seconds of training.
        low, high: extremes of the batches in the cell, equal where it is one; NaN where none is finite.
        average: after that batch, at the strength of the view.
        test: of an evaluation in the cell, or None.
    """

    step: int
    epoch: float
    seconds: float
    low: float
    high: float
    average: float
    test: float | None = None


def read_cursor(history: History, view: View, reach: float = 0.0) -> Reading | None:
    """What is `reach` or less from the cursor, in the unit of `view`; None without a cursor or a batch."""
    series = history.loss if view.metric == "loss" else history.accuracy
    buckets = series.detailed()
    if view.cursor is None or not buckets:
        return None
    ends = history.positions(buckets, view.unit)
    nearest = min(bisect_left(ends, view.cursor), len(ends) - 1)
    if nearest and view.cursor - ends[nearest - 1] < ends[nearest] - view.cursor:
        nearest -= 1
    cell = buckets[bisect_left(ends, view.cursor - reach) : bisect_right(ends, view.cursor + reach)]
    bucket = buckets[nearest]
    finite = [one for one in cell or [bucket] if one.low == one.low]
    tests = [
        value_of(test, view)
        for test in history.tests
        if abs(history.x_at(test.step, view.unit) - view.cursor) <= reach or test.step == bucket.last
    ]
    return Reading(
        bucket.last,
        bucket.samples / (history.samples_per_epoch or 1),
        bucket.seconds,
        min([one.low for one in finite], default=bucket.low),
        max([one.high for one in finite], default=bucket.high),
        bucket.emas[view.smoothing],
        tests[-1] if tests else None,
    )


def describe_reading(reading: Reading, metric: str, ascii_only: bool, width: int | None = None) -> str:
    """One line: `step 1 204 · epoch 1.28 · 15 s · batch 0.214 · average 0.187`, or less where `width` is narrow."""
    if reading.low != reading.low:
        batch = "batch not finite"
    elif reading.low == reading.high:
        batch = f"batch {_figure(reading.low, metric)}"
    else:
        batch = f"batch {_figure(reading.low, metric)} to {_figure(reading.high, metric)}"
    parts = [f"step {grouped(reading.step)}"]
    parts += [f"epoch {reading.epoch:.2f}", clock(reading.seconds), batch]
    if reading.average == reading.average:
        parts.append(f"average {_figure(reading.average, metric)}")
    if reading.test is not None:
        parts.append(f"test {_figure(reading.test, metric)}")
    join = " - " if ascii_only else " · "
    for dispensable in (parts[2], parts[1], parts[0]):
        if width is not None and len(join.join(parts)) > width:
            parts.remove(dispensable)
    return join.join(parts)


def _figure(value: float, metric: str) -> str:
    return f"{value:.3g}" if metric == "loss" else f"{value:.2%}".replace("%", " %")
