"""A digit at half size with a line below it: what galleries, batches and previews are made of."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from mnist_tui.render.blocks import SIDE, Glyphs, draw_digit, halve
from mnist_tui.render.palette import Palette

_SMALL = SIDE // 2
SMALL_SIZE = (_SMALL, _SMALL // 2 + 1)
"""Columns and rows of a picture with its caption."""


def draw_small(pixels: bytes | memoryview, caption: str, style: Style, palette: Palette, glyphs: Glyphs) -> list[Strip]:
    """`SMALL_SIZE[1]` strips of `SMALL_SIZE[0]` cells, of 784 bytes."""
    art = draw_digit(halve(pixels), palette, glyphs, _SMALL)
    return [*(Strip(line) for line in art), Strip([Segment(caption[:_SMALL].center(_SMALL), style)])]
