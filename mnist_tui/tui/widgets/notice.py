"""A sentence in the middle of a panel that has nothing else to show."""

from __future__ import annotations

import textwrap

from rich.segment import Segment
from rich.style import Style

from mnist_tui.render.palette import Palette


def draw_notice(text: str, width: int, height: int, palette: Palette) -> list[list[Segment]]:
    """`text` in as many lines as it takes, in the middle of `width` x `height` cells."""
    lines = textwrap.wrap(text, max(1, min(width, 60)))[:height]
    blank = max(0, (height - len(lines)) // 2)
    style = Style(color=palette.text)
    return [[] for _ in range(blank)] + [[Segment(line.center(width), style)] for line in lines]
