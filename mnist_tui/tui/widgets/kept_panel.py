"""Your own digits, the newest first."""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style

from mnist_tui.render.blocks import Glyphs
from mnist_tui.render.words import grouped
from mnist_tui.tui.browser import DigitBrowser
from mnist_tui.tui.widgets.line_view import LineView
from mnist_tui.tui.widgets.picture import SMALL_SIZE, draw_small

_GAP = 2


class KeptPanel(LineView):
    """As many of the split `drawings` as there is room for."""

    def __init__(self, browser: DigitBrowser, *, glyphs: Glyphs = "half") -> None:
        super().__init__(id="kept", classes="panel")
        self._browser = browser
        self._glyphs: Glyphs = glyphs
        self._shown: object = None

    def show(self) -> None:
        """Repaint if there are others."""
        digits = self._browser.splits.get("drawings")
        if digits is self._shown and self._lines is not None:
            return
        self._shown = digits
        count = len(digits) if digits is not None else 0
        self.border_title = f" your digits: {grouped(count)} " if count else " your digits "
        self.redraw()

    def draw_lines(self, width: int, height: int) -> Iterable[Iterable[Segment]]:
        """Rows of small pictures with their classes."""
        digits, muted = self._browser.splits.get("drawings"), Style(color=self.palette.muted)
        if digits is None or not len(digits):
            return [[Segment("k keeps a drawing, with the digit that it is"[:width], muted)]]
        columns, rows = (width + _GAP) // (SMALL_SIZE[0] + _GAP), height // SMALL_SIZE[1]
        lines: list[list[Segment]] = [[] for _ in range(rows * SMALL_SIZE[1])]
        newest = range(len(digits) - 1, max(-1, len(digits) - 1 - columns * rows), -1)
        for place, index in enumerate(newest):
            name = self._browser.classes[digits.labels[index]]
            picture = draw_small(digits.digit(index), name, muted, self.palette, self._glyphs)
            for offset, line in enumerate(picture):
                lines[place // columns * SMALL_SIZE[1] + offset] += [*line, Segment(" " * _GAP)]
        return lines
