"""A chart from a history: limits, frame and curves together, pure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial

import attrs

from mnist_tui.core.history import BRANCHES, RECENT, Branch, History, Series, TestPoint
from mnist_tui.core.positions import Unit, positions
from mnist_tui.render.axes import Axis, accuracy_axis, loss_axis, plotted_accuracy, plotted_loss
from mnist_tui.render.cells import Cells
from mnist_tui.render.columns import Columns, reduce_to_columns
from mnist_tui.render.curves import Point, draw_curves
from mnist_tui.render.frame import LABEL_WIDTH, Frame, draw_frame
from mnist_tui.render.growth import Growth
from mnist_tui.render.marks import Line
from mnist_tui.render.view import View
from mnist_tui.render.x_axis import ticked, x_axis


@attrs.frozen
class Drawing:
    """A drawn chart: its frame, the cells inside it, and what lies along them."""

    frame: Frame
    cells: Cells
    x: Axis


RECENT_SHOWN = RECENT * 4 // 5  # so that a window that moves by quarters always finds its left end in memory


def draw_chart(
    history: History,
    view: View,
    width: int,
    height: int,
    planned: float | None = None,
    growth: Growth | None = None,
) -> Drawing:
    """Draw one metric of `history` in `width` x `height` cells.

    Args:
        history: of the run.
        view: which metric, and how it is looked at.
        width: of the whole chart, in cells.
        height: likewise.
        planned: where the run will end, in the x unit.
        growth: what the drawing before has kept for this one.
    """
    columns_guess = max(1, width - LABEL_WIDTH - 1)
    x = axis_of(history, view, planned, max(2, columns_guess // 11))
    series: Series = history.loss if view.metric == "loss" else history.accuracy

    def reduce(columns: int) -> Columns:
        if not (view.recent or view.zoom):
            return (growth or Growth()).reduce(history, series, view, x, 2 * columns)
        buckets = series.detailed()
        return reduce_to_columns(buckets, x, 2 * columns, history.positions(buckets, view.unit), view.smoothing)

    reduced = reduce(columns_guess)
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
        reduced = reduce(frame.columns)
    cells = draw_curves(
        (frame.columns, frame.rows),
        x,
        y,
        reduced,
        to_axis if view.log else None,
        _points(history, view, x, to_axis),
        _lines(history, view),
        view.metric == "accuracy",
        view.ascii_only,
        [
            _reduce_branch(branch, view.metric, view.unit, history.samples_per_epoch, view.smoothing, x, frame.columns)
            for branch in history.abandoned
        ],
        view.cursor,
        growth.drawn if growth is not None else None,
    )
    return Drawing(frame, cells, x)


def axis_of(history: History, view: View, planned: float | None, most_ticks: int = 2) -> Axis:
    """The x axis of `view`, without an end before the newest batch unless it is zoomed."""
    if view.zoom:
        return ticked(view.unit, *view.zoom, most_ticks)
    last = history.x_at(history.last_step, view.unit)
    return x_axis(view.unit, last, planned, _recent_span(history, view) if view.recent else None, most_ticks)


def _recent_span(history: History, view: View) -> float:
    """What the newest batches take up of the x axis; fewer are taken for as many at their pace."""
    last = history.last_step
    if view.unit == "step" or not last:
        return RECENT_SHOWN if view.unit == "step" else 0.0
    first = max(0, last - RECENT_SHOWN)
    span = history.x_at(last, view.unit) - (history.x_at(first, view.unit) if first else 0.0)
    return span * RECENT_SHOWN / (last - first)


@lru_cache(maxsize=4 * BRANCHES)  # saves 2 ms of a drawing with eight branches; a branch never changes
def _reduce_branch(
    branch: Branch, metric: str, unit: Unit, samples_per_epoch: int, smoothing: int, x: Axis, width: int
) -> Columns:
    buckets = branch.loss if metric == "loss" else branch.accuracy
    return reduce_to_columns(buckets, x, 2 * width, positions(buckets, unit, samples_per_epoch), smoothing)


def _points(history: History, view: View, x: Axis, to_axis: partial[float]) -> Sequence[Point]:
    best = history.best
    points = [
        Point(position, to_axis(value_of(test, view)), test is best)
        for test in history.tests
        if x.low <= (position := history.x_at(test.step, view.unit)) <= x.high
    ]
    return sorted(points, key=lambda point: point.best)


def value_of(test: TestPoint, view: View) -> float:
    """The metric of an evaluation that `view` shows."""
    return test.loss if view.metric == "loss" else test.accuracy


def _lines(history: History, view: View) -> Sequence[Line]:
    branches: list[Branch | None] = [*history.abandoned, None]
    return [
        Line(history.x_at(mark.step, view.unit, branch), mark.label, undone=branch is not None)
        for branch in branches
        for mark in (history.marks if branch is None else branch.marks)
    ]
