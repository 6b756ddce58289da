"""The curves of a chart as cells: a braille layer whose changed cells alone have to be sent to the terminal.

A cell has one colour, so the bright average hides the faint raw dots of its cell. A drawing costs a pass over at most
`CAPACITY` buckets and the columns of the chart, however many batches there were.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from mnist_tui.render.axes import Axis
from mnist_tui.render.cells import ABANDONED, AVERAGE, BEST, BLANK, CURSOR, MARK, RAW, TEST, Cells
from mnist_tui.render.columns import Columns
from mnist_tui.render.layers import Layer, Stroke, dots_of, strokes_between
from mnist_tui.render.marks import Line, cell_of, draw_labels, draw_marks


@attrs.frozen
class Point:
    """An evaluation at `x`, already in the units of the y axis."""

    x: float
    value: float
    best: bool = False


class Kept:
    """What a drawing leaves for the next one of the same chart: a curve that grows changes at its end."""

    def __init__(self) -> None:
        self._look: object = None
        self._columns: Columns | None = None
        self.below = Cells(0, 0)
        self.seen: list[tuple[int, Line]] = []
        self.cells = Cells(0, 0)
        self.raw = self.average = Layer(0, 0, False)
        self.spans: list[Stroke | None] = []
        self.dots: list[int | None] = []
        self.means: list[Stroke | None] = []

    def first_change(self, look: object, columns: Columns) -> int:
        """The first dot column that is other than in the drawing before; 0 where that was looked at otherwise."""
        before, self._columns = self._columns, columns
        grown = before is not None and columns.follows is before.stamp and look == self._look
        self._look = look
        return columns.first if grown else 0


def draw_curves(
    size: tuple[int, int],
    x: Axis,
    y: Axis,
    columns: Columns,
    to_axis: Callable[[float], float] | None,
    points: Sequence[Point] = (),
    marks: Sequence[Line] = (),
    labels_low: bool = False,
    ascii_only: bool = False,
    abandoned: Sequence[Columns] = (),
    cursor: float | None = None,
    kept: Kept | None = None,
) -> Cells:
    """The plotting area of a chart.

    Args:
        size: columns and rows in cells; `columns` holds twice as many dot columns.
        x: limits in its unit.
        y: limits in plotted units.
        columns: the series, in its own units.
        to_axis: from the series' units to those of `y`, NaN for what it cannot show; None where they are the same.
        points: evaluations, in units of `y`.
        marks: edits.
        labels_low: write their labels from the bottom up, where a rising curve leaves room.
        ascii_only: characters every terminal has, one value a cell.
        abandoned: what was undone; only its averages are drawn, below everything else.
        cursor: where a line stands that hides no curve, in the unit of `x`.
        kept: from the drawing before, of the same metric; what it shares with this one is not drawn again.
    """
    width, height = size
    if width < 1 or height < 1 or y.high <= y.low:
        return Cells(width, height)
    dots = height if ascii_only else height * 4
    if kept is None:
        kept = Kept()
    look = size, x, y, to_axis is None, points, marks, labels_low, ascii_only, abandoned, cursor
    first = kept.first_change(look, columns)
    if not first:
        kept.below = kept.cells = Cells(width, height)
        kept.raw, kept.average = Layer(width, height, ascii_only), Layer(width, height, ascii_only)
        undone = Layer(width, height, ascii_only)
        for branch in abandoned:  # the limits are those of what is in force: one that diverged goes along their edge
            undone.draw(strokes_between(dots_of(branch.averages, y, dots, to_axis), branch.gaps))
        undone.stamp(kept.below, ABANDONED, ".")
        kept.seen = draw_marks(kept.below, width, x, marks, ascii_only)
    tops = dots_of(columns.highs[first:], y, dots, to_axis)
    bottoms = dots_of(columns.lows[first:], y, dots, to_axis)
    kept.spans[first:] = [
        None if top is None or bottom is None else (top, bottom) for top, bottom in zip(tops, bottoms, strict=True)
    ]
    kept.dots[first:] = dots_of(columns.averages[first:], y, dots, to_axis)
    joint = first  # a line goes from the last column before that has a dot
    while joint and kept.dots[joint - 1] is None:
        joint -= 1
    kept.means = strokes_between(kept.dots, columns.gaps, kept.means[:joint])
    cell = joint // 2
    for layer, strokes in ((kept.raw, kept.spans), (kept.average, kept.means)):
        layer.erase(cell)
        layer.draw(strokes, 2 * cell)
    kept.cells = cells = kept.cells.followed_by(kept.below, cell)
    kept.raw.stamp(cells, RAW, ":", cell)
    kept.average.stamp(cells, AVERAGE, "*", cell)
    for point in points:  # these, the cursor and the labels may lie behind the first change: once more changes none
        _draw_point(cells, size, x, y, point, ascii_only)
    if cursor is not None:
        _draw_cursor(cells, width, x, cursor, ascii_only)
    draw_labels(cells, kept.seen, labels_low, ascii_only)
    return cells


def _draw_point(cells: Cells, size: tuple[int, int], x: Axis, y: Axis, point: Point, ascii_only: bool) -> None:
    width, height = size
    column = cell_of(point.x, x, width)
    if not 0 <= column < width or point.value != point.value:
        return
    share = (y.high - min(max(point.value, y.low), y.high)) / (y.high - y.low)
    row = min(height - 1, int(share * (height * 4 - 1) + 0.5) // 4)
    if point.best:
        cells.put(row, column, "@" if ascii_only else "◆", BEST)
    else:
        cells.put(row, column, "o" if ascii_only else "●", TEST)


def _draw_cursor(cells: Cells, width: int, x: Axis, cursor: float, ascii_only: bool) -> None:
    column = cell_of(cursor, x, width)
    if not 0 <= column < width:
        return
    for row, styles in enumerate(cells.styles):
        if styles[column] in (BLANK, MARK, ABANDONED):
            cells.put(row, column, "|" if ascii_only else "│", CURSOR)
