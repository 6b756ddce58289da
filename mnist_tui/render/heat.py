"""A signed map laid over a digit: what speaks for a class in orange, what speaks against it in blue.

The two hues differ for every kind of colour-blindness. Where glyphs stand for greys, signs take the place of colour:
`#` and `+` speak for the class, strongly and weakly, `=` and `-` against it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style

from mnist_tui.render.blocks import SIDE, Glyphs, draw_digit
from mnist_tui.render.palette import Palette, mix

_STEPS = 8  # of strength, either side of nothing
_INKS = 8
_FAINT = 3  # strength below which no sign hides the stroke
_GAMMA = 0.75  # lifts the faint: a gradient has few strong places
_STRONGEST = 0.82  # of the hue, so that the stroke below stays visible
_SIGNS = ("-=", "+#")
_COLOURED = ("half", "quadrant")


def hues(palette: Palette) -> tuple[str, str]:
    """The colours of what speaks for a class, and of what speaks against it."""
    return ("#ff9a2e", "#4d8dff") if palette.dark else ("#c65a00", "#1f5fd0")


def peak_of(heat: Sequence[float]) -> float:
    """The largest magnitude; 0 where there is none, or where one is not a number."""
    return max(map(abs, heat), default=0.0) if all(map(math.isfinite, heat)) else 0.0


def enlarge(values: Sequence[float], side: int, factor: int) -> list[float]:
    """A square of `side` with every value repeated `factor` times along both axes."""
    out: list[float] = []
    for row in range(side):
        line = [value for value in values[row * side : (row + 1) * side] for _ in range(factor)]
        out += line * factor
    return out


def enlarge_digit(pixels: bytes | memoryview, side: int, factor: int) -> bytes:
    """As `enlarge`, of bytes."""
    return bytes(int(value) for value in enlarge(list(pixels), side, factor))


def draw_heat(
    pixels: bytes | memoryview,
    heat: Sequence[float],
    palette: Palette,
    glyphs: Glyphs = "half",
    side: int = SIDE,
    peak: float | None = None,
) -> list[list[Segment]]:
    """`side / 2` lines of segments, each `side` cells wide.

    Args:
        pixels: `side` x `side` bytes, 0 paper, 255 ink.
        heat: as many numbers; the further from 0, the stronger the colour.
        palette: of the theme.
        glyphs: half blocks and quadrants are coloured, others carry signs.
        side: even.
        peak: the magnitude that has the full colour; by default the largest there is.
    """
    peak = peak_of(heat) if peak is None else peak
    levels = [_level(value, peak) for value in heat]
    if glyphs not in _COLOURED:
        return _draw_signs(bytes(pixels), levels, palette, glyphs, side)
    inks = [(value * (_INKS - 1) + 254) // 255 for value in pixels]
    lines = []
    for row in range(0, side, 2):
        line: list[Segment] = []
        start = 0
        cells = [
            _cell(palette, inks[place], levels[place], inks[place + side], levels[place + side])
            for place in range(row * side, (row + 1) * side)
        ]
        for column in range(1, side + 1):
            if column == side or cells[column] is not cells[start]:
                cell, length = cells[start], column - start
                line.append(cell if length == 1 else Segment(cell.text * length, cell.style))
                start = column
        lines.append(line)
    return lines


def _level(value: float, peak: float) -> int:
    if not peak or not math.isfinite(value):
        return 0
    strength: int = round(min(abs(value) / peak, 1.0) ** _GAMMA * _STEPS)
    return strength if value > 0 else -strength


@functools.lru_cache(maxsize=8192)
def _cell(palette: Palette, ink: int, level: int, ink_below: int, level_below: int) -> Segment:
    top, bottom = _colour(palette, ink, level), _colour(palette, ink_below, level_below)
    if top == bottom:
        return Segment(" ", Style(bgcolor=top))
    return Segment("▀", Style(color=top, bgcolor=bottom))


@functools.lru_cache(maxsize=1024)
def _colour(palette: Palette, ink: int, level: int) -> str:
    grey = mix(palette.paper, palette.ink, ink / (_INKS - 1))
    return mix(grey, hues(palette)[level < 0], abs(level) / _STEPS * _STRONGEST)


def _draw_signs(
    pixels: bytes, levels: Sequence[int], palette: Palette, glyphs: Glyphs, side: int
) -> list[list[Segment]]:
    """The digit as it is drawn without heat, with signs where there is some."""
    lines: list[list[Segment]] = []
    for row, plain in enumerate(draw_digit(pixels, palette, glyphs, side)):
        line: list[Segment] = []
        column = 0
        for segment in plain:
            for glyph in segment.text:
                place = 2 * row * side + column
                above, below = levels[place], levels[place + side]
                level = above if abs(above) >= abs(below) else below
                line.append(Segment(glyph, segment.style) if abs(level) < _FAINT else _sign(palette, level))
                column += 1
        lines.append(list(Segment.simplify(line)))
    return lines


@functools.lru_cache(maxsize=64)
def _sign(palette: Palette, level: int) -> Segment:
    glyph = _SIGNS[level > 0][abs(level) > _STEPS // 2]
    return Segment(glyph, Style(color=hues(palette)[level < 0], bgcolor=palette.paper, bold=abs(level) > _STEPS // 2))
