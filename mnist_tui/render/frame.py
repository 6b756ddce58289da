"""The frame of a chart, drawn by plotext: axes, tick labels, grid. Its only caller.

plotext costs 0.2 s to import and 1-2 ms a drawing, so a frame is drawn only when limits or size change, and is kept.
Its figure is one global: one thread draws.
"""

from __future__ import annotations

import functools
import importlib

import attrs

from mnist_tui.render.axes import Axis

_SMALLEST = (14, 3)
LABEL_WIDTH = 5  # the same for every chart, so that charts above each other share their left edge


@attrs.frozen
class Frame:
    """Text of a whole chart without its curves, and where the curves go.

    Attributes:
        lines: `height` strings of `width` characters.
        left, top: the first cell of the plotting area.
        columns, rows: its size in cells; 0 where the chart is too small for any.
    """

    lines: tuple[str, ...]
    left: int
    top: int
    columns: int
    rows: int


def blank_frame(width: int, height: int) -> Frame:
    """A frame without axes, for the time before the first data and for sizes that hold no axes."""
    return Frame((" " * max(0, width),) * max(0, height), 0, 0, max(0, width), max(0, height))


def preload() -> None:
    """Import plotext now, in a thread that nobody waits for, rather than when the first batch is drawn."""
    importlib.import_module("plotext")


_UNLABELLED = Axis(0.0, 1.0)


def draw_frame(width: int, height: int, x: Axis, y: Axis, x_labels: bool, ascii_only: bool) -> Frame:
    """The frame of a chart of `width` x `height` cells; without `x_labels` the plot reaches the bottom line.

    The same one, where nothing of it is different.
    """
    return _draw_frame(width, height, x if x_labels else _UNLABELLED, y, x_labels, ascii_only)


@functools.lru_cache(maxsize=32)
def _draw_frame(width: int, height: int, x: Axis, y: Axis, x_labels: bool, ascii_only: bool) -> Frame:
    if width < _SMALLEST[0] or height < _SMALLEST[1]:
        return blank_frame(width, height)
    import plotext

    figure = plotext.figure
    plotext.terminal.limit(False, False)  # else it cuts the figure to the size it believes the terminal has
    figure.clear()
    figure.plot_size(width, height)
    figure.canvas("default")
    figure.axes(False, axis="x", side="upper")
    figure.axes(False, axis="y", side="right")
    figure.axes(x_labels, axis="x", side="lower")
    horizontal, vertical = figure.ruler("x", "lower"), figure.ruler("y", "left")
    horizontal.lim(x.low, x.high)
    vertical.lim(y.low, y.high)
    x_ticks = x.ticks if x_labels else ()
    horizontal.ticks([position for position, _ in x_ticks], [label for _, label in x_ticks])
    vertical.ticks([position for position, _ in y.ticks], [label.rjust(LABEL_WIDTH) for _, label in y.ticks])
    figure.draw(figure.signal([x.low], [y.low], marker=" "))
    text: str = figure.build().string(True)
    lines = tuple(line.ljust(width)[:width] for line in text.split("\n")[:height])
    return _with_area(lines, width, height, x_labels, ascii_only)


_TO_ASCII = str.maketrans({"│": "|", "┤": "+", "└": "+", "─": "-", "┬": "+", "├": "+", "┼": "+"})


def _with_area(lines: tuple[str, ...], width: int, height: int, x_labels: bool, ascii_only: bool) -> Frame:
    edges = [position for line in lines for position, character in enumerate(line) if character in "│┤"]
    left = min(edges) + 1 if edges else 0
    rows = height - 2 if x_labels else height
    if ascii_only:
        lines = tuple(line.translate(_TO_ASCII) for line in lines)
    return Frame(lines, left, 0, max(0, width - left), max(0, rows))
