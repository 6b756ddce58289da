"""Braille: 2 x 4 dots a cell in one colour, so that the shape alone tells the digit and a line is one segment.

Dots are set by ordered dithering (Bayer 1973): grey areas get a texture, and the thresholds stay close enough to the
middle for the edges of strokes to be clear.
"""

from __future__ import annotations

import functools

from rich.segment import Segment
from rich.style import Style

from mnist_tui.render.mosaic import Lines, codes_of, every
from mnist_tui.render.palette import Palette
from mnist_tui.render.scaling import lanes

BLANK = 0x2800
# The bit of each dot and the byte from which on it is set, by row and column of the cell.
_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
THRESHOLDS = ((80, 116), (144, 108), (90, 134), (152, 124))
_SET = {low: bytes(value >= low for value in range(256)) for row in THRESHOLDS for low in row}


def braille_codes(grid: bytes, columns: int) -> str:
    """The codes of a grid of bytes, two dots to a column and four to a line: the braille characters themselves."""
    rows = every(grid, 2 * columns, 4)
    count = len(rows[0]) // 2
    cells = _blanks(count)
    for row, bits, thresholds in zip(rows, _BITS, THRESHOLDS, strict=True):
        for place in (0, 1):
            cells += lanes(row[place::2].translate(_SET[thresholds[place]])) * bits[place]
    return codes_of(cells, count)


@functools.lru_cache(maxsize=8)
def _blanks(count: int) -> int:
    return lanes(b"\1" * count) * BLANK


def draw_braille(grid: bytes, columns: int, palette: Palette) -> Lines:
    """Lines of one segment each, of a grid of bytes, two dots to a column and four to a line."""
    codes, style = braille_codes(grid, columns), _ink(palette)
    return [[Segment(codes[start : start + columns], style)] for start in range(0, len(codes), columns)]


@functools.lru_cache(maxsize=16)
def _ink(palette: Palette) -> Style:
    return Style(color=palette.ink, bgcolor=palette.paper)
