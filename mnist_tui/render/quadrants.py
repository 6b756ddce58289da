"""Quadrant blocks: 2 x 2 pixels a cell, in the two colours that come closest to all four."""

from __future__ import annotations

import functools

from rich.style import Style

from mnist_tui.render.mosaic import Cell, Runs, codes_of, every
from mnist_tui.render.palette import Palette
from mnist_tui.render.scaling import lanes

LEVELS = 8  # of four pixels: 4096 codes, which is as many cells as are ever kept of a length
_GLYPHS = " ▗▖▄▝▐▞▟▘▚▌▙▀▜▛█"  # by bits: upper left 8, upper right 4, lower left 2, lower right 1
_LEVEL = bytes(min(LEVELS - 1, (value * (LEVELS - 1) + 200) // 255) for value in range(256))


def quadrant_codes(grid: bytes, columns: int) -> str:
    """The codes of a grid of bytes, two pixels to a column and two to a line."""
    top, bottom = every(grid.translate(_LEVEL), 2 * columns, 2)
    cells = 0
    for corner in (top[::2], top[1::2], bottom[::2], bottom[1::2]):
        cells = cells * LEVELS + lanes(corner)
    return codes_of(cells, len(top) // 2)


@functools.lru_cache(maxsize=16)
def quadrant_runs(palette: Palette) -> Runs:
    """The segments of codes."""

    def draw(code: int) -> Cell:
        levels = [code // LEVELS**place % LEVELS for place in (3, 2, 1, 0)]
        bits, high, low = two_colours(levels)
        ground = palette.shade(low / (LEVELS - 1))
        if not bits:
            return " ", Style(bgcolor=ground)
        return _GLYPHS[bits], Style(color=palette.shade(high / (LEVELS - 1)), bgcolor=ground)

    return Runs(draw)


def two_colours(levels: list[int]) -> tuple[int, float, float]:
    """Which of four pixels have the brighter of two colours (bits, the first being 8), and both colours.

    Of the splits of the sorted levels it is the one with the least squared error, each side having its mean.
    """
    ordered = sorted(levels)
    if ordered[0] == ordered[3]:
        return 0, ordered[0], ordered[0]
    splits = [at for at in (1, 2, 3) if ordered[at - 1] < ordered[at]]
    at = min(splits, key=lambda at: _error(ordered[:at]) + _error(ordered[at:]))
    bits = sum(8 >> place for place, level in enumerate(levels) if level >= ordered[at])
    return bits, sum(ordered[at:]) / (4 - at), sum(ordered[:at]) / at


def _error(levels: list[int]) -> float:
    mean = sum(levels) / len(levels)
    return sum((level - mean) ** 2 for level in levels)
