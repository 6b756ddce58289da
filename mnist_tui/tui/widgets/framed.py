"""A drawn chart as lines of segments: ticks, axis, and cells in their colours."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import compress
from operator import ne
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style

from mnist_tui.render.palette import Palette

if TYPE_CHECKING:
    from mnist_tui.render.cells import Cells
    from mnist_tui.render.chart import Drawing


def framed_line(
    drawing: Drawing, y: int, styles: Mapping[int, Style], palette: Palette, ticks: str = ""
) -> list[Segment]:
    """Line `y` of a chart.

    Args:
        drawing: the chart.
        y: counted from the top of its frame.
        styles: of the cells.
        palette: of the theme.
        ticks: the colour of the labels left of the axis, where it is not the usual one.
    """
    frame, cells = drawing.frame, drawing.cells
    text, row = frame.lines[y], y - frame.top
    if not 0 <= row < len(cells.characters):
        return [Segment(text, Style(color=palette.muted))]
    segments = [
        Segment(text[: frame.left - 1], Style(color=ticks or palette.muted)),
        Segment(text[frame.left - 1 : frame.left], Style(color=palette.faint)),
    ]
    return segments + cell_segments(cells, row, 0, len(cells.characters[row]), styles)


def cell_segments(cells: Cells, row: int, first: int, end: int, styles: Mapping[int, Style]) -> list[Segment]:
    """Columns `first` to `end` of a row; cells of one style that stand side by side are one segment."""
    characters, numbers = cells.characters[row][first:end], cells.styles[row][first:end]
    segments = []
    start, width = 0, len(characters)
    for stop in (*compress(range(1, width), map(ne, numbers[1:], numbers)), width) if width else ():
        segments.append(Segment("".join(characters[start:stop]), styles[numbers[start]]))
        start = stop
    return segments
