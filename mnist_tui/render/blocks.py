"""Digits as block art: 784 bytes to lines of segments.

Two pixels share a cell: `▀` with the upper pixel as foreground and the lower as background, so a digit of 28 x 28 takes
28 x 14 cells, and one of 14 x 14 takes 14 x 7. Where colours are few or none, shade glyphs or an ASCII ramp stand for
two pixels' mean.
"""

from __future__ import annotations

import functools
from typing import Literal

from rich.segment import Segment
from rich.style import Style

from mnist_tui.render.palette import Palette, mix

SIDE = 28
LEVELS = 16
Glyphs = Literal["half", "shade", "ascii"]
_RAMPS = {"shade": " ░▒▓█", "ascii": " .:-=+*#%@"}

# A byte to its level, rounding so that faint strokes stay visible.
_LEVEL = bytes(min(LEVELS - 1, (value * (LEVELS - 1) + 254) // 255) for value in range(256))


def halve(pixels: bytes | memoryview, side: int = SIDE) -> bytes:
    """The picture at half its side: each byte the mean of 2 x 2, lifted a little so that thin strokes survive."""
    half = side // 2
    out = bytearray(half * half)
    for row in range(half):
        top, bottom = 2 * row * side, (2 * row + 1) * side
        for column in range(half):
            x = 2 * column
            total = pixels[top + x] + pixels[top + x + 1] + pixels[bottom + x] + pixels[bottom + x + 1]
            out[row * half + column] = min(255, total * 5 // 16)
    return bytes(out)


@functools.lru_cache(maxsize=4)
def _half_block_table(palette: Palette) -> list[list[Segment]]:
    """`table[top][bottom]` is the one-cell segment of two levels; blanks need no glyph, and so compress."""
    shades = [mix(palette.paper, palette.ink, level / (LEVELS - 1)) for level in range(LEVELS)]
    return [
        [
            Segment(" ", Style(bgcolor=top)) if top == bottom else Segment("▀", Style(color=top, bgcolor=bottom))
            for bottom in shades
        ]
        for top in shades
    ]


@functools.lru_cache(maxsize=4)
def _ink(palette: Palette) -> Style:
    return Style(color=palette.ink, bgcolor=palette.paper)


def draw_digit(
    pixels: bytes | memoryview, palette: Palette, glyphs: Glyphs = "half", side: int = SIDE
) -> list[list[Segment]]:
    """`side / 2` lines of segments, each `side` cells wide; equal neighbours are merged into one segment.

    Args:
        pixels: `side` x `side` bytes, 0 paper, 255 ink.
        palette: colours of paper and ink.
        glyphs: half blocks, shade glyphs, or ASCII.
        side: 28, or 14 after `halve`.
    """
    levels = bytes(pixels).translate(_LEVEL)
    if glyphs != "half":
        return _draw_ramp(levels, _RAMPS[glyphs], _ink(palette), side)
    table = _half_block_table(palette)
    lines = []
    for row in range(0, side, 2):
        top = levels[row * side : (row + 1) * side]
        bottom = levels[(row + 1) * side : (row + 2) * side]
        line: list[Segment] = []
        start = 0
        for column in range(1, side + 1):
            if column < side and top[column] == top[start] and bottom[column] == bottom[start]:
                continue
            cell = table[top[start]][bottom[start]]
            line.append(cell if column - start == 1 else Segment(cell.text * (column - start), cell.style))
            start = column
        lines.append(line)
    return lines


def _draw_ramp(levels: bytes, ramp: str, style: Style, side: int) -> list[list[Segment]]:
    last = len(ramp) - 1
    lines = []
    for row in range(0, side, 2):
        pairs = zip(levels[row * side : (row + 1) * side], levels[(row + 1) * side : (row + 2) * side], strict=True)
        text = "".join(ramp[((top + bottom) * last + LEVELS - 1) // (2 * (LEVELS - 1))] for top, bottom in pairs)
        lines.append([Segment(text, style)])
    return lines
