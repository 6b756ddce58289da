"""A picture as the network sees it, and what it makes of it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style

from mnist_tui.inspecting import Prepared
from mnist_tui.render.bars import draw_bars
from mnist_tui.render.blocks import Glyphs
from mnist_tui.render.canvas import DOUBLE, SINGLE, draw_field, fits_double
from mnist_tui.render.words import grouped
from mnist_tui.tui.browser import DigitBrowser
from mnist_tui.tui.widgets.line_view import LineView

Line = list[Segment]

_GAP = 3
_BARS = 14  # cells the bars need beside the picture
_WIDEST = 34


class SeenPanel(LineView):
    """The 28 x 28 that were prepared, ten bars, and whose weights they come from."""

    def __init__(self, browser: DigitBrowser, *, glyphs: Glyphs = "half") -> None:
        super().__init__(id="seen", classes="panel")
        self._browser = browser
        self._glyphs: Glyphs = glyphs
        self._shown: object = None
        self.seen: Prepared | None = None
        self.hint = ""

    def show(self, seen: Prepared | None, hint: str) -> None:
        """Show another picture, and what to do where no weights have judged it."""
        state = (seen, hint, self._browser.classes)
        if state == self._shown and self._lines is not None:
            return
        self._shown = state
        self.seen, self.hint = seen, hint
        self.border_title = " as the network sees it "
        self.redraw()

    @property
    def whose(self) -> str:
        """Which weights predict, in words."""
        if self.seen is None:
            return ""
        step = self.seen.weights_step
        return "no weights yet" if step is None else f"weights after step {grouped(step)}"

    def draw_lines(self, width: int, height: int) -> Iterable[Iterable[Segment]]:
        """The guess in words, the picture, the bars beside it or below."""
        seen = self.seen
        if seen is None:
            return self._wrapped(self.hint, width)
        double = fits_double(width - _GAP - 24, height - 2)
        art = draw_field(seen.pixels, self.palette, self._glyphs, double=double)
        side = (DOUBLE if double else SINGLE)[0]
        lines: list[Line] = self._caption(width)
        lines = lines[: max(0, height - len(art) - 1)]
        whose = [Segment(self.whose, Style(color=self.palette.muted))]
        beside = width - side - _GAP
        if beside < _BARS:
            return [*lines, *art, *self._bars(min(width, _WIDEST)), whose]
        bars = self._bars(min(beside, _WIDEST))
        top = max(0, (len(art) - len(bars)) // 2)
        for y, picture in enumerate(art):
            bar = bars[y - top] if top <= y < top + len(bars) else []
            lines.append([*picture, Segment(" " * _GAP), *bar])
        return [*lines, whose]

    def _bars(self, width: int) -> list[Line]:
        assert self.seen is not None
        shares = self.seen.probabilities or None
        predicted = max(range(10), key=shares.__getitem__) if shares and any(shares) else -1
        names = self._browser.classes
        return draw_bars(shares, None, predicted, names, width, self.palette, self._glyphs == "ascii")

    def _caption(self, width: int) -> list[Line]:
        assert self.seen is not None
        shares, names = self.seen.probabilities, self._browser.classes
        if not shares:
            return self._wrapped(self.hint, width)
        if not any(shares):
            return self._wrapped("the weights are not finite, so nothing is predicted", width)
        first, second = sorted(range(10), key=shares.__getitem__, reverse=True)[:2]
        return [
            [
                Segment(names[first], Style(color=self.palette.accent, bold=True)),
                Segment(f"  {shares[first]:.1%} sure", Style(color=self.palette.text)),
                Segment(f"  then {names[second]} {shares[second]:.1%}", Style(color=self.palette.muted)),
            ]
        ]

    def _wrapped(self, text: str, width: int) -> list[Line]:
        return [[Segment(line, Style(color=self.palette.muted))] for line in textwrap.wrap(text, max(8, width))]
