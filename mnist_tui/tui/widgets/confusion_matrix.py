"""The 10 x 10 confusion matrix: rows are true classes, columns predicted ones."""

from __future__ import annotations

import math
from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style

from mnist_tui.render.palette import mix
from mnist_tui.tui.browser import DigitBrowser
from mnist_tui.tui.widgets.line_view import LineView


class ConfusionMatrix(LineView):
    """Counts of the newest evaluation; mistakes glow by their number, hits are quiet."""

    DEFAULT_CSS = """
    ConfusionMatrix { height: 14; }
    """

    def __init__(self, browser: DigitBrowser, *, ascii_only: bool = False) -> None:
        super().__init__(id="confusion", classes="panel")
        self._browser = browser
        self._ascii = ascii_only
        self._shown: object = None

    def on_mount(self) -> None:
        """Write the title."""
        self.border_title = " confusion: true down, predicted across "
        self.show()

    def show(self) -> None:
        """Repaint if there is a new evaluation or another digit under the cursor."""
        key = (self._browser.evaluations, self._browser.index)
        if key != self._shown:
            self._shown = key
            self.redraw()

    def draw_lines(self, width: int, height: int) -> Iterable[Iterable[Segment]]:
        """Header and ten rows; the cell of the digit under the cursor stands out."""
        palette, predictions = self.palette, self._browser.predictions
        muted = Style(color=palette.muted)
        if predictions is None:
            return [
                [],
                [Segment("no evaluation yet: it comes after the first epoch, or on e".center(width), muted)],
            ]
        table = predictions.confusion()
        names = [name[:2] for name in self._browser.classes]
        cell = max(3, min(6, (width - 3) // 10))
        worst = max((table[a][b] for a in range(10) for b in range(10) if a != b), default=0)
        index = self._browser.index
        here = (-1, -1)
        if index is not None:
            here = (int(predictions.labels[index]), int(predictions.predicted[index]))
        header = [Segment("   ", muted), *(Segment(f"{name:>{cell}}", muted) for name in names)]
        lines = [header]
        nothing = "." if self._ascii else "·"
        for true, counts in enumerate(table):
            row = [Segment(f"{names[true]:>2} ", muted)]
            for predicted, count in enumerate(counts):
                text = f"{_shortened(count, cell) or nothing:>{cell}}"
                if (true, predicted) == here:
                    style = Style(color=palette.background, bgcolor=palette.accent, bold=True)
                elif true == predicted:
                    style = Style(color=palette.right)
                elif count == 0:
                    style = Style(color=palette.faint)
                else:
                    heat = math.log1p(count) / math.log1p(max(worst, 1))
                    back = mix(palette.surface, palette.wrong, 0.15 + 0.75 * heat)
                    style = Style(color=palette.text if heat < 0.6 else palette.background, bgcolor=back, bold=True)
                row.append(Segment(text, style))
            lines.append(row)
        return lines


def _shortened(count: int, cell: int) -> str:
    """A count with a blank before it in its cell: `1k` for 1131 where four digits have no room; empty for none."""
    text = str(count) if count else ""
    return text if len(text) < cell else f"{count // 1000}k"
