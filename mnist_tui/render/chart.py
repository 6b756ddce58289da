"""A chart from a history: limits, frame and curves together; pure but for the limits it remembers to hold still."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import attrs

from mnist_tui.core.history import RECENT, History, Series
from mnist_tui.render.axes import Axis, accuracy_axis, loss_axis, plotted_accuracy, plotted_loss, step_axis
from mnist_tui.render.curves import Cells, Point, draw_curves, reduce_to_columns
from mnist_tui.render.frame import LABEL_WIDTH, Frame, draw_frame
from mnist_tui.render.view import View


@attrs.frozen
class Drawing:
    """A drawn chart: its frame and the cells inside it."""

    frame: Frame
    cells: Cells


RECENT_SHOWN = RECENT * 4 // 5  # so that a window that moves by quarters always finds its left end in memory


def draw_chart(history: History, view: View, width: int, height: int, planned: int | None = None) -> Drawing:
    """Draw one metric of `history` in `width` x `height` cells; `planned` is the last step the run will have."""
    series: Series = history.loss if view.metric == "loss" else history.accuracy
    columns_guess = max(1, width - LABEL_WIDTH - 1)
    x = step_axis(history.last_step, planned, RECENT_SHOWN if view.recent else None, max(2, columns_guess // 11))
    buckets = series.recent() if view.recent else series.whole()
    reduced = reduce_to_columns(buckets, x, 2 * columns_guess)
    lows, highs = reduced.finite(reduced.lows), reduced.finite(reduced.highs)
    rows = max(1, height - 2 if view.x_labels else height)
    most_ticks = max(2, rows // 2)
    if view.metric == "loss":
        y = loss_axis(lows, highs, view.log, most_ticks)
        to_axis = partial(plotted_loss, log=view.log)
    else:
        y = accuracy_axis(reduced.finite(reduced.averages), view.log, most_ticks)
        to_axis = partial(plotted_accuracy, log=view.log)
    frame = draw_frame(width, height, x, y, view.x_labels, view.ascii_only)
    if frame.columns != columns_guess:
        reduced = reduce_to_columns(buckets, x, 2 * frame.columns)
    points = _points(history, view.metric, x, to_axis)
    marks = [(mark.step, mark.label) for mark in history.marks]
    cells = draw_curves(
        (frame.columns, frame.rows),
        x,
        y,
        reduced,
        to_axis if view.log else None,
        points,
        marks,
        view.metric == "accuracy",
        view.ascii_only,
    )
    return Drawing(frame, cells)


def _points(history: History, metric: str, x: Axis, to_axis: partial[float]) -> Sequence[Point]:
    best = history.best
    points = [
        Point(test.step, to_axis(test.loss if metric == "loss" else test.accuracy), test is best)
        for test in history.tests
        if x.low <= test.step <= x.high
    ]
    return sorted(points, key=lambda point: point.best)
