"""The curves of a chart as cells: a braille layer whose changed cells alone have to be sent to the terminal.

A cell has one colour, so the bright average hides the faint raw dots of its cell. A drawing costs a pass over at most
`CAPACITY` buckets and the columns of the chart, however many batches there were.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import attrs

from mnist_tui.render.axes import Axis

BLANK, RAW, AVERAGE, MARK, LABEL, TEST, BEST = range(7)
"""Styles of a cell."""

# Bits of the dots of a braille cell (U+2800 + bits): left column top to bottom, then right column.
_LEFT = (0x01, 0x02, 0x04, 0x40)
_RIGHT = (0x08, 0x10, 0x20, 0x80)
_FIRST_BRAILLE = 0x2800
_DOWN_FROM = tuple(tuple(sum(column[dot:]) for dot in range(4)) for column in (_LEFT, _RIGHT))
_UP_TO = tuple(tuple(sum(column[: dot + 1]) for dot in range(4)) for column in (_LEFT, _RIGHT))


class Bucket(Protocol):
    """What the curves need of a stretch of batches."""

    first: int
    last: int
    low: float
    high: float
    ema: float


@attrs.frozen
class Point:
    """An evaluation at `step`, already in the units of the y axis."""

    step: float
    value: float
    best: bool = False


@attrs.frozen
class Columns:
    """A series reduced to dot columns: lowest and highest raw value and the last average of each, NaN where none."""

    lows: list[float]
    highs: list[float]
    averages: list[float]

    def finite(self, values: Sequence[float]) -> list[float]:
        """The values that are numbers."""
        return [value for value in values if value == value]


def reduce_to_columns(buckets: Sequence[Bucket], x: Axis, columns: int) -> Columns:
    """Spread `buckets` over `columns` dot columns between the limits of `x`, extremes kept."""
    nan = math.nan
    lows, highs, averages = [nan] * columns, [nan] * columns, [nan] * columns
    scale = (columns - 1) / (x.high - x.low) if x.high > x.low else 0.0
    start = x.low
    for bucket in buckets:
        position = (bucket.last - start) * scale + 0.5
        if not 0 <= position < columns:
            continue
        column = int(position)
        low, high = bucket.low, bucket.high
        if not lows[column] <= low:
            lows[column] = low if low == low else lows[column]
        if not highs[column] >= high:
            highs[column] = high if high == high else highs[column]
        averages[column] = bucket.ema
    return Columns(lows, highs, averages)


class Cells:
    """A drawn chart: characters and styles by row, comparable with the drawing before.

    Attributes:
        characters: one list of strings a row.
        styles: one list of style numbers a row.
    """

    def __init__(self, columns: int, rows: int) -> None:
        self.characters = [[" "] * columns for _ in range(rows)]
        self.styles = [[BLANK] * columns for _ in range(rows)]

    def put(self, row: int, column: int, text: str, style: int) -> None:
        """Write `text` from a cell on, as far as it fits."""
        if not 0 <= row < len(self.characters):
            return
        characters, styles = self.characters[row], self.styles[row]
        for offset, character in enumerate(text):
            if 0 <= column + offset < len(characters):
                characters[column + offset] = character
                styles[column + offset] = style

    def changes(self, before: Cells | None) -> list[tuple[int, int, int]]:
        """Stretches (row, first column, end column) that differ from `before`; all rows where the size differs."""
        width = len(self.characters[0]) if self.characters else 0
        if before is None or len(before.characters) != len(self.characters):
            return [(row, 0, width) for row in range(len(self.characters))]
        stretches = []
        for row, (characters, styles) in enumerate(zip(self.characters, self.styles, strict=True)):
            old_characters, old_styles = before.characters[row], before.styles[row]
            if characters == old_characters and styles == old_styles:
                continue
            if len(characters) != len(old_characters):
                stretches.append((row, 0, width))
                continue
            differ = [
                column
                for column in range(width)
                if characters[column] != old_characters[column] or styles[column] != old_styles[column]
            ]
            stretches.append((row, differ[0], differ[-1] + 1))
        return stretches


def draw_curves(
    size: tuple[int, int],
    x: Axis,
    y: Axis,
    columns: Columns,
    to_axis: Callable[[float], float] | None,
    points: Sequence[Point] = (),
    marks: Sequence[tuple[int, str]] = (),
    labels_low: bool = False,
    ascii_only: bool = False,
) -> Cells:
    """The plotting area of a chart.

    Args:
        size: columns and rows in cells; `columns` holds twice as many dot columns.
        x: limits in steps.
        y: limits in plotted units.
        columns: the series, in its own units.
        to_axis: from the series' units to those of `y`, NaN for what it cannot show; None where they are the same.
        points: evaluations, in units of `y`.
        marks: edits as (step, label).
        labels_low: write their labels from the bottom up, where a rising curve leaves room.
        ascii_only: characters every terminal has, one value a cell.
    """
    width, height = size
    cells = Cells(width, height)
    if width < 1 or height < 1 or y.high <= y.low:
        return cells
    seen = _draw_marks(cells, width, x, marks, ascii_only)
    dots = height if ascii_only else height * 4
    raw = _Layer(width, height, ascii_only)
    average = _Layer(width, height, ascii_only)
    tops, bottoms = _dots(columns.highs, y, dots, to_axis), _dots(columns.lows, y, dots, to_axis)
    for column, (top, bottom) in enumerate(zip(tops, bottoms, strict=True)):
        if top is not None and bottom is not None:
            raw.line(column, top, bottom)
    average.connect(_dots(columns.averages, y, dots, to_axis))
    raw.stamp(cells, RAW, ":")
    average.stamp(cells, AVERAGE, "*")
    for point in points:
        _draw_point(cells, size, x, y, point, ascii_only)
    _draw_labels(cells, seen, labels_low, ascii_only)
    return cells


def _dots(values: Sequence[float], y: Axis, dots: int, to_axis: Callable[[float], float] | None) -> list[int | None]:
    """The dot row of each value, counted from the top; None where there is none."""
    last = dots - 1
    scale = last / (y.high - y.low)
    offset = y.high * scale + 0.5
    plotted = values if to_axis is None else [to_axis(value) for value in values]
    return [
        None
        if value != value
        else 0
        if (position := offset - value * scale) < 0  # compared before it is rounded: it may be infinite
        else last
        if position >= dots
        else int(position)
        for value in plotted
    ]


class _Layer:
    """Dots of one series: a bit mask a cell."""

    def __init__(self, width: int, height: int, ascii_only: bool) -> None:
        self._bits = [[0] * width for _ in range(height)]
        self._ascii = ascii_only

    def line(self, column: int, a: int, b: int) -> None:
        """A vertical stroke in a dot column, both ends included."""
        top, bottom = (a, b) if a <= b else (b, a)
        cell = column // 2
        if self._ascii:
            for row in range(top, bottom + 1):
                self._bits[row][cell] = 1
            return
        down, up = _DOWN_FROM[column & 1], _UP_TO[column & 1]
        first, last = top >> 2, bottom >> 2
        if first == last:
            self._bits[first][cell] |= down[top & 3] & up[bottom & 3]
            return
        self._bits[first][cell] |= down[top & 3]
        for row in range(first + 1, last):
            self._bits[row][cell] |= up[3]
        self._bits[last][cell] |= up[bottom & 3]

    def connect(self, dots: Sequence[int | None]) -> None:
        """A line through the dots of the columns that have one."""
        last_column, last = -1, 0
        for column, dot in enumerate(dots):
            if dot is None:
                continue
            if last_column < 0:
                self.line(column, dot, dot)
            else:
                run = column - last_column
                for step in range(1, run + 1):
                    here = last + (dot - last) * step // run
                    before = last + (dot - last) * (step - 1) // run
                    near = here if here == before else before + (1 if here > before else -1)
                    self.line(last_column + step, near, here)
            last_column, last = column, dot

    def stamp(self, cells: Cells, style: int, ascii_character: str) -> None:
        """Write the layer's cells over what is there."""
        for row, bits in enumerate(self._bits):
            if not any(bits):
                continue
            characters, styles = cells.characters[row], cells.styles[row]
            for column, mask in enumerate(bits):
                if mask:
                    characters[column] = ascii_character if self._ascii else chr(_FIRST_BRAILLE + mask)
                    styles[column] = style


def _cell_of(step: float, x: Axis, width: int) -> int:
    if x.high <= x.low:
        return 0
    return math.floor((step - x.low) / (x.high - x.low) * (2 * width - 1) + 0.5) // 2


def _draw_point(cells: Cells, size: tuple[int, int], x: Axis, y: Axis, point: Point, ascii_only: bool) -> None:
    width, height = size
    column = _cell_of(point.step, x, width)
    if not 0 <= column < width or point.value != point.value:
        return
    share = (y.high - min(max(point.value, y.low), y.high)) / (y.high - y.low)
    row = min(height - 1, int(share * (height * 4 - 1) + 0.5) // 4)
    if point.best:
        cells.put(row, column, "@" if ascii_only else "◆", BEST)
    else:
        cells.put(row, column, "o" if ascii_only else "●", TEST)


def _draw_marks(
    cells: Cells, width: int, x: Axis, marks: Sequence[tuple[int, str]], ascii_only: bool
) -> list[tuple[int, str]]:
    """Dotted lines at the steps of edits; returns the columns and labels of those in sight."""
    seen = [(column, label) for step, label in marks if 0 <= (column := _cell_of(step, x, width)) < width]
    for column, _ in seen:
        for row in range(len(cells.characters)):
            cells.put(row, column, ":" if ascii_only else "┊", MARK)
    return seen


def _draw_labels(cells: Cells, seen: Sequence[tuple[int, str]], labels_low: bool, ascii_only: bool) -> None:
    """Labels above everything, so that they can be read; each right of its line, in the first row where it is free."""
    width, height = len(cells.characters[0]), len(cells.characters)
    rows = list(range(max(1, height // 2)))
    if labels_low:
        rows = [height - 1 - row for row in rows]
    ends = dict.fromkeys(rows, -1)
    for column, label in seen:
        text = label.replace("→", ">") if ascii_only else label
        start = column + 1 if column + 1 + len(text) <= width else max(0, column - len(text))
        free = next((row for row in rows if ends[row] < start), None)
        if free is not None:
            cells.put(free, start, text, LABEL)
            ends[free] = start + len(text)
