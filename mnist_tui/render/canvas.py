"""A 28 x 28 canvas as cells: two cells a pixel at double size, else half blocks; with a cursor that needs no colour."""

from __future__ import annotations

import functools

import attrs
from rich.segment import Segment
from rich.style import Style

from mnist_tui.render.blocks import LEVELS, SIDE, Glyphs, draw_digit
from mnist_tui.render.palette import Palette, mix

DOUBLE = (2 * SIDE, SIDE)
"""Columns and rows at double size."""

SINGLE = (SIDE, SIDE // 2)
"""Columns and rows as half blocks."""

_RAMPS = {"shade": " ░▒▓█", "ascii": " .:-=+*#%@"}


def fits_double(width: int, height: int) -> bool:
    """Whether there is room for double size."""
    return width >= DOUBLE[0] and height >= DOUBLE[1]


@functools.lru_cache(maxsize=4)
def field_of(palette: Palette) -> Palette:
    """The palette with a paper that can be told from the panel around it."""
    return attrs.evolve(palette, paper=palette.panel)


def draw_field(
    pixels: bytes, palette: Palette, glyphs: Glyphs, *, double: bool, cursor: tuple[int, int] | None = None
) -> list[list[Segment]]:
    """28 lines of 56 cells, or 14 of 28.

    Args:
        pixels: 784 bytes, 0 paper, 255 ink.
        palette: colours of paper, ink and cursor.
        glyphs: half blocks, shade glyphs, or ASCII.
        double: two cells a pixel.
        cursor: column and row of the pixel that is marked: `[]` around it, or `^` and `v` for the upper and the lower
            one of a cell.
    """
    palette = field_of(palette)
    lines = _double(pixels, palette, glyphs) if double else draw_digit(pixels, palette, glyphs)
    if cursor is not None:
        column, row = cursor
        level = pixels[row * SIDE + column] / 255
        back = mix(palette.paper, palette.ink, level if glyphs == "half" else 0.0)
        style = Style(color=palette.wrong if level < 0.6 else palette.accent, bgcolor=back, bold=True)
        if double:
            lines[row] = _over(lines[row], 2 * column, Segment("[]", style))
        else:
            lines[row // 2] = _over(lines[row // 2], column, Segment("v" if row % 2 else "^", style))
    return lines


def _double(pixels: bytes, palette: Palette, glyphs: Glyphs) -> list[list[Segment]]:
    lines = []
    for row in range(SIDE):
        line: list[Segment] = []
        values = [(value * (LEVELS - 1) + 254) // 255 for value in pixels[row * SIDE : (row + 1) * SIDE]]
        start = 0
        for column in range(1, SIDE + 1):
            if column < SIDE and values[column] == values[start]:
                continue
            line.append(_cells(values[start], column - start, palette, glyphs))
            start = column
        lines.append(line)
    return lines


def _cells(level: int, count: int, palette: Palette, glyphs: Glyphs) -> Segment:
    share = level / (LEVELS - 1)
    if glyphs == "half":
        return Segment("  " * count, Style(bgcolor=mix(palette.paper, palette.ink, share)))
    ramp = _RAMPS[glyphs]
    glyph = ramp[-(-level * (len(ramp) - 1) // (LEVELS - 1))]
    return Segment(glyph * 2 * count, Style(color=palette.ink, bgcolor=palette.paper))


def _over(line: list[Segment], at: int, over: Segment) -> list[Segment]:
    """`line` with `over` in the place of what is at cell `at`; all of it is one cell a character."""
    out: list[Segment] = []
    place = 0
    for segment in line:
        end = place + len(segment.text)
        before, after = segment.text[: max(0, at - place)], segment.text[max(0, at + len(over.text) - place) :]
        if end <= at or place >= at + len(over.text):
            out.append(segment)
        else:
            out += [Segment(text, segment.style) for text in (before,) if text]
            out += [over] if place <= at else []
            out += [Segment(text, segment.style) for text in (after,) if text]
        place = end
    return out
