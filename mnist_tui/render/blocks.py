"""Digits as block art: 784 bytes to lines of segments, in five kinds of glyphs and three sizes.

Half blocks show two pixels a cell, each with its own colour: `▀` has the upper one as foreground and the lower one as
background. Quadrants show 2 x 2 with their two best colours, braille 2 x 4 with one. Where colours are few or none,
shade glyphs or an ASCII ramp stand for the mean of what a cell covers. A cell is about twice as high as wide, so a
picture has twice as many columns as lines whatever it is drawn with.
"""

from __future__ import annotations

import functools
from typing import Literal

from rich.style import Style

from mnist_tui.render.mosaic import Cell, Lines, Runs, codes_of, every
from mnist_tui.render.palette import Palette
from mnist_tui.render.scaling import crop, lanes, scale

SIDE = 28
LEVELS = 16
Glyphs = Literal["half", "quadrant", "braille", "shade", "ascii"]
Size = Literal["full", "half", "dense"]
CELLS: dict[Size, tuple[int, int]] = {"full": (28, 14), "half": (14, 7), "dense": (8, 4)}
"""Columns and lines of a picture."""

_MARGIN = 2  # left out at the dense size where it is empty: MNIST's digits fill 20 x 20 of the 28 x 28
_RAMPS = {"shade": " ░▒▓█", "ascii": " .:-=+*#%@"}

# A byte to its level, rounding so that faint strokes stay visible.
_LEVEL = bytes(min(LEVELS - 1, (value * (LEVELS - 1) + 254) // 255) for value in range(256))
_RAMP_LEVEL = {
    glyphs: bytes((2 * level * (len(ramp) - 1) + LEVELS - 1) // (2 * (LEVELS - 1)) for level in _LEVEL)
    for glyphs, ramp in _RAMPS.items()
}
# Means over several pixels are lifted a little, so that thin strokes survive.
_LIFT: dict[Size, bytes] = {
    "half": bytes(min(255, value * 5 // 4) for value in range(256)),
    "dense": bytes(min(255, value * 3 // 2) for value in range(256)),
}


def halve(pixels: bytes | memoryview, side: int = SIDE) -> bytes:
    """The picture at half its side: each byte the mean of 2 x 2, lifted a little so that thin strokes survive."""
    return scale(bytes(pixels), side, side // 2, side // 2).translate(_LIFT["half"])


def draw_digit(pixels: bytes | memoryview, palette: Palette, glyphs: Glyphs = "half", side: int = SIDE) -> Lines:
    """`side / 2` lines of segments, each `side` cells wide; equal neighbours are merged into one segment.

    Args:
        pixels: `side` x `side` bytes, 0 paper, 255 ink.
        palette: colours of paper and ink.
        glyphs: what they are drawn with.
        side: 28, or any other even number.
    """
    return _draw(bytes(pixels), side, (side, side // 2), palette, glyphs, None)


def draw_sized(pixels: bytes | memoryview, palette: Palette, glyphs: Glyphs, size: Size) -> Lines:
    """A digit at one of three sizes, with as much of its 28 x 28 pixels as the glyphs can show there.

    Args:
        pixels: 784 bytes, 0 paper, 255 ink.
        palette: colours of paper and ink.
        glyphs: what they are drawn with.
        size: `CELLS` of it are drawn.
    """
    picture, side = bytes(pixels), SIDE
    if size == "dense" and (inner := crop(picture, SIDE, _MARGIN)) is not None:
        picture, side = inner, SIDE - 2 * _MARGIN
    return _draw(picture, side, CELLS[size], palette, glyphs, _LIFT.get(size))


def _draw(
    pixels: bytes, side: int, cells: tuple[int, int], palette: Palette, glyphs: Glyphs, lift: bytes | None
) -> Lines:
    columns, rows = cells
    across, down = {"half": (1, 2), "quadrant": (2, 2), "braille": (2, 4)}.get(glyphs, (1, 1))
    grid = scale(pixels, side, across * columns, down * rows)
    if lift is not None and len(grid) < len(pixels):
        grid = grid.translate(lift)
    if glyphs == "half":
        return _half_runs(palette).lines(_half_codes(grid, columns), columns)
    if glyphs == "quadrant":
        from mnist_tui.render.quadrants import quadrant_codes, quadrant_runs

        return quadrant_runs(palette).lines(quadrant_codes(grid, columns), columns)
    if glyphs == "braille":
        from mnist_tui.render.braille import draw_braille

        return draw_braille(grid, columns, palette)
    return _ramp_runs(palette, glyphs).lines(grid.translate(_RAMP_LEVEL[glyphs]).decode("latin-1"), columns)


def _half_codes(grid: bytes, columns: int) -> str:
    """A level of `LEVELS` for the upper pixel, and one for the lower."""
    top, bottom = every(grid.translate(_LEVEL), columns, 2)
    return codes_of(lanes(top) * LEVELS + lanes(bottom), len(top))


@functools.lru_cache(maxsize=16)
def _half_runs(palette: Palette) -> Runs:
    shades = [palette.shade(level / (LEVELS - 1)) for level in range(LEVELS)]

    def draw(code: int) -> Cell:
        top, bottom = shades[code // LEVELS], shades[code % LEVELS]
        # Blanks need no glyph, and so compress.
        return (" ", Style(bgcolor=top)) if top == bottom else ("▀", Style(color=top, bgcolor=bottom))

    return Runs(draw)


@functools.lru_cache(maxsize=16)
def _ramp_runs(palette: Palette, glyphs: Glyphs) -> Runs:
    ramp, style = _RAMPS[glyphs], Style(color=palette.ink, bgcolor=palette.paper)
    return Runs(lambda code: (ramp[code], style))
