"""Feature maps and filters as small block art, and how many fit into a panel."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from rich.segment import Segment
from rich.style import Style

from mnist_tui.render.blocks import Glyphs, draw_digit
from mnist_tui.render.heat import draw_heat, enlarge, peak_of
from mnist_tui.render.palette import Palette

Line = list[Segment]
GAP = 2


def draw_map(
    values: Sequence[float], side: int, peak: float, palette: Palette, glyphs: Glyphs = "half"
) -> list[list[Segment]]:
    """A map of `side` x `side` values as ink, `peak` the darkest; an odd side gets a blank row and column."""
    even = side + side % 2
    pixels = bytearray(even * even)
    for row in range(side):
        for column in range(side):
            value = values[row * side + column]
            share = value / peak if peak > 0 and math.isfinite(value) else 0.0
            pixels[row * even + column] = round(255 * min(max(share, 0.0), 1.0))
    return draw_digit(bytes(pixels), palette, glyphs, even)


def draw_filter(kernel: Sequence[float], peak: float, palette: Palette, glyphs: Glyphs = "half") -> list[list[Segment]]:
    """A kernel of 3 x 3 signed weights as three lines of six cells, in the hues of for and against."""
    return draw_heat(bytes(36), enlarge(kernel, 3, 2), palette, glyphs, 6, peak)


def draw_table(values: Sequence[float], columns: int, palette: Palette, glyphs: Glyphs = "half") -> list[list[Segment]]:
    """A table of values of 0 and above, row by row, as ink: half as many lines as it has rows."""
    rows = len(values) // columns
    side = max(columns, rows + rows % 2)
    side += side % 2
    peak = peak_of(values)
    pixels = bytearray(side * side)  # blocks draws squares; what is below the table is cut off
    for place, value in enumerate(values):
        row, column = divmod(place, columns)
        pixels[row * side + column] = round(255 * value / peak) if peak else 0
    return draw_digit(bytes(pixels), palette, glyphs, side)[: (rows + 1) // 2]


def lay_out(pictures: Iterable[Sequence[Line]], size: tuple[int, int], width: int, height: int) -> list[Line]:
    """Pictures of `size` cells in rows, as many as fit into `width` x `height`."""
    columns, rows = fitting(size, width, height)
    lines: list[Line] = []
    for place, picture in enumerate(pictures):
        if place == columns * rows:
            break
        if place % columns == 0:
            lines += [[] for _ in range(size[1])]
        for offset in range(size[1]):
            lines[len(lines) - size[1] + offset] += [*picture[offset], Segment(" " * GAP)]
    return lines


def fitting(size: tuple[int, int], width: int, height: int) -> tuple[int, int]:
    """Columns and rows of pictures of `size` cells in `width` x `height`."""
    return max(0, (width + GAP) // (size[0] + GAP)), height // size[1]


def caption(text: str, width: int, style: Style) -> Line:
    """One line below a picture."""
    return [Segment(text[:width].center(width), style)]
