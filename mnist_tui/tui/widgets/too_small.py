"""What is shown where nothing else fits."""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style

from mnist_tui.tui.widgets.line_view import LineView


class TooSmall(LineView):
    """One or two lines that say so; training goes on behind them."""

    DEFAULT_CSS = """
    TooSmall { display: none; height: 1fr; }
    """

    def draw_lines(self, width: int, height: int) -> Iterable[Iterable[Segment]]:
        """The size there is, and the one that is needed."""
        style = Style(color=self.palette.warning, bold=True)
        size = self.app.size
        for text in (f"{size.width}x{size.height} is small", "needs 40x10", "training goes on"):
            yield [Segment(text[:width].center(width), style)]
