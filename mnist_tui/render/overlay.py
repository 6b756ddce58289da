"""Curves of several runs in one chart; a letter on each tells them apart where there is no colour."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import attrs

from mnist_tui.core.curves import Curve, CurveKind
from mnist_tui.render.axes import Axis, accuracy_axis, loss_axis, plotted_accuracy, plotted_loss
from mnist_tui.render.cells import Cells
from mnist_tui.render.chart import Drawing
from mnist_tui.render.frame import LABEL_WIDTH, draw_frame
from mnist_tui.render.layers import Layer, dots_of, strokes_between
from mnist_tui.render.x_axis import x_axis

LINE, LETTER = 100, 200
"""Styles of a cell: these plus the number of the run."""
_APART = 12  # cells between two letters of a curve


@attrs.frozen
class Overlaid:
    """A run's curve: its letter, its number (for a colour), and its points."""

    letter: str
    number: int
    curve: Curve


def draw_overlay(
    runs: Sequence[Overlaid], kind: CurveKind, width: int, height: int, *, log: bool, ascii_only: bool
) -> Drawing | None:
    """Draw the curves in `width` x `height` cells, the first above the others; None where none has a point."""
    runs = [run for run in runs if any(value == value for _, value in run.curve)]
    if not runs:
        return None
    last = max(run.curve[-1][0] for run in runs)
    x = x_axis("step", last, None, None, max(2, (width - LABEL_WIDTH) // 11))
    values = [value for run in runs for _, value in run.curve if value == value]
    most_ticks = max(2, (height - 2) // 2)
    if kind == "test accuracy":
        y = accuracy_axis(values, log, most_ticks)
        to_axis = partial(plotted_accuracy, log=log)
    else:
        y = loss_axis(values, values, log, most_ticks)
        to_axis = partial(plotted_loss, log=log)
    frame = draw_frame(width, height, x, y, True, ascii_only)
    cells = Cells(frame.columns, frame.rows)
    if frame.columns < 1 or frame.rows < 1 or y.high <= y.low:
        return Drawing(frame, cells, x)
    dots = frame.rows if ascii_only else 4 * frame.rows
    placed = [(run, dots_of(_spread(run.curve, x, 2 * frame.columns), y, dots, to_axis)) for run in runs]
    for run, rows in reversed(placed):
        layer = Layer(frame.columns, frame.rows, ascii_only)
        layer.draw(strokes_between(rows))
        layer.stamp(cells, LINE + run.number, ".")
    taken: set[tuple[int, int]] = set()
    for place, (run, rows) in enumerate(placed):
        _write_letters(cells, run, rows, place * _APART // len(placed), 1 if ascii_only else 4, taken)
    return Drawing(frame, cells, x)


def _spread(curve: Curve, x: Axis, columns: int) -> list[float]:
    """The last value in each dot column; NaN where there is none."""
    values = [float("nan")] * columns
    scale = (columns - 1) / (x.high - x.low)
    for step, value in curve:
        column = int((step - x.low) * scale + 0.5)
        if 0 <= column < columns and value == value:
            values[column] = value
    return values


def _write_letters(
    cells: Cells, run: Overlaid, dots: Sequence[int | None], first: int, dots_a_row: int, taken: set[tuple[int, int]]
) -> None:
    """Write the run's letter on its points: on the last, and before it where there is room, from cell `first` on."""
    points = [(column // 2, dot // dots_a_row) for column, dot in enumerate(dots) if dot is not None]
    free = first
    for column, row in points[:-1]:
        if column >= free and column <= points[-1][0] - _APART // 2 and (row, column) not in taken:
            cells.put(row, column, run.letter, LETTER + run.number)
            taken.add((row, column))
            free = column + _APART
    column, row = points[-1]
    column = min(column + 1, len(cells.characters[0]) - 1)
    rows = sorted(range(len(cells.characters)), key=lambda other: abs(other - row))
    row = next((other for other in rows if (other, column) not in taken), row)
    cells.put(row, column, run.letter, LETTER + run.number)
    taken.add((row, column))
